//! What the laws remember of each change in the store.

use cloakroom::SessionLimit;
use cloakroom::protocol::steps::Ask;
use cloakroom::protocol::{REUSE_AFTER, SUPERSEDED_FOR, TOUCH_FRACTION};
use cloakroom::record::{EndReason, Ending, Record, Retirement, Stored};

use super::Turn;
use crate::entry::{Entry, writes};
use crate::jar::Change;
use crate::laws::Law;
use crate::model_key::{IMPORTED, ModelKey, number_of};
use crate::state::{KeyFate, Request, Task};
use crate::store::session_of;
use crate::work::Work;

impl Turn<'_> {
    /// A request is about to record a use.
    pub(super) fn check_touch(&mut self, request: &Request, ask: &Ask) {
        let read = request.read.as_ref().and_then(Entry::live);
        let (Ask::Touch(_, _, deadline), Some(read)) = (ask, read) else { return };
        let moved = deadline.since(read.idle_deadline());
        if read.lifetime().idle_timeout().is_none_or(|idle| moved < idle / TOUCH_FRACTION) {
            self.breaks(Law::TouchesAreCoalesced);
        }
    }

    /// A request has changed an entry.
    pub(super) fn note_change(
        &mut self,
        request: &Request,
        work: &Work,
        ask: &Ask,
        before: Option<&Entry>,
        after: &Entry,
    ) {
        match (before.map(Entry::stored), after.stored()) {
            (None, Stored::Live(record)) => self.note_insert(request, ask, record),
            (Some(Stored::Live(before)), Stored::Live(after)) => {
                self.note_write(request, work, ask, before, after);
            }
            (Some(Stored::Live(before)), Stored::Ended(tombstone)) => {
                self.note_end(request, ask, before, tombstone.ending());
            }
            // The laws about states judge these.
            _ => {}
        }
    }

    fn note_insert(&mut self, request: &Request, ask: &Ask, record: &Record) {
        let Ask::Insert(id, _) = ask else { return };
        let session = number_of(*id);
        let number = if session >= IMPORTED { session } else { request.number };
        let key = ModelKey::fresh(session, number);
        if record.credentials().current == *key.verifier() {
            self.state.shadow.keys.insert(key, KeyFate::Works);
        }
        let is_login = matches!(request.task, Task::Login(_) | Task::Import);
        if !is_login && request.presented.keys.iter().any(|key| self.was_just_replaced(key)) {
            self.breaks(Law::SupersededBeginsNothing);
        }
    }

    fn note_write(
        &mut self,
        request: &Request,
        work: &Work,
        ask: &Ask,
        before: &Record,
        after: &Record,
    ) {
        let Some(session) = session_of(ask) else { return };
        let is_bookkeeping = matches!(work, Work::Open(_)) || matches!(ask, Ask::Touch(..));
        let is_kept = writes(before) == writes(after) && after.expires_at() >= before.expires_at();
        if is_bookkeeping && !is_kept {
            self.breaks(Law::BookkeepingKeepsTheValue);
        }
        if !self.holds_working_key(request, session) {
            self.breaks(Law::OnlyWorkingKeysWrite);
        }
        if matches!(work, Work::Set(_)) {
            self.state.shadow.acknowledged.retain(|(written, _)| *written != session);
        }
        self.note_keys(request, work, session, before, after);
    }

    /// Whether a key works with which the request acts on the session.
    fn holds_working_key(&self, request: &Request, session: u8) -> bool {
        let is_it = |key: &&ModelKey| key.session() == session;
        match request.key.as_ref().filter(is_it) {
            Some(key) => self.state.works(key),
            None if session >= IMPORTED => self.state.works(&ModelKey::fresh(session, session)),
            None => request.presented.keys.iter().any(|key| is_it(&key) && self.state.works(key)),
        }
    }

    /// The keys that a write has made valid, and those that it has replaced.
    fn note_keys(
        &mut self,
        request: &Request,
        work: &Work,
        session: u8,
        before: &Record,
        after: &Record,
    ) {
        let (old, new) = (before.credentials(), after.credentials());
        if matches!(work, Work::Login(_) | Work::Renew(_)) {
            let fresh = ModelKey::fresh(session, request.number);
            self.note_replaced(session, Some(fresh), Retirement::SignIn);
        } else if old.current != new.current {
            let current = self.known(session, |key| *key.verifier() == new.current);
            self.note_replaced(session, current, Retirement::Timer);
        }
        let Some(successor) = new.successor() else { return };
        if old.successor().is_some_and(|known| known.verifier == successor.verifier) {
            return;
        }
        if let Some(current) = self.known(session, |key| *key.verifier() == new.current) {
            let next = current.followed_by(&successor.nonce);
            self.state.shadow.keys.insert(next, KeyFate::Works);
        }
    }

    pub(super) fn known(&self, session: u8, is_it: impl Fn(&ModelKey) -> bool) -> Option<ModelKey> {
        let mut keys = self.state.shadow.keys.keys();
        keys.find(|key| key.session() == session && is_it(key)).cloned()
    }

    /// From now on only `key` opens the session.
    fn note_replaced(&mut self, session: u8, key: Option<ModelKey>, how: Retirement) {
        let at = self.state.at;
        for (other, fate) in &mut self.state.shadow.keys {
            if other.session() == session && *fate == KeyFate::Works {
                *fate = KeyFate::Replaced { at, how };
            }
        }
        self.state.shadow.keys.extend(key.map(|key| (key, KeyFate::Works)));
    }

    fn note_end(&mut self, request: &Request, ask: &Ask, before: &Record, ending: Ending) {
        let Some(session) = session_of(ask) else { return };
        let reason = ending.reason();
        self.state.shadow.ended.insert(session, reason);
        if before.expires_at().has_passed(self.now()) {
            return;
        }
        match reason {
            EndReason::KeyReused => {
                // Since the key was judged, the user may have proved who they are.
                let judged = request
                    .read
                    .as_ref()
                    .and_then(Entry::live)
                    .is_some_and(|read| read.revision() == before.revision());
                if !judged && before.authenticated_at().is_some_and(|at| at == self.now()) {
                    self.breaks(Law::ReuseSparesSignIns);
                }
            }
            EndReason::OverLimit => self.check_limit(request, session, before),
            EndReason::Revoked => {}
            _ => {
                if !self.holds_working_key(request, session) {
                    self.breaks(Law::OnlyWorkingKeysEnd);
                }
            }
        }
        if let (EndReason::SignedInAsAnother, Task::Login(who)) = (reason, request.task)
            && before.principal().is_none_or(|other| *other == who.principal())
        {
            self.breaks(Law::OnlyAnotherSwitches);
        }
    }

    /// A limit ends the oldest sign-ins, and no more of them than necessary.
    fn check_limit(&mut self, request: &Request, session: u8, ended: &Record) {
        let Some(limit) = self.model.scenario.limit else { return };
        let now = self.now();
        let others: Vec<_> = self
            .state
            .store
            .entries
            .iter()
            .filter(|(other, _)| **other != session && !request.owns(**other))
            .filter_map(|(_, entry)| entry.live())
            .filter(|other| other.principal() == ended.principal())
            .filter(|other| !other.expires_at().has_passed(now))
            .filter_map(Record::authenticated_at)
            .collect();
        let at = ended.authenticated_at();
        if others.iter().any(|other| Some(*other) < at) {
            self.breaks(Law::LimitEndsTheOldest);
        }
        let rejects_new = limit == SessionLimit::reject_new(limit.max());
        if rejects_new || others.len() + 1 < usize::from(limit.max()) {
            self.breaks(Law::LimitEndsNoMore);
        }
    }

    pub(super) fn was_just_replaced(&self, key: &ModelKey) -> bool {
        let fate = self.state.shadow.keys.get(key);
        !self.state.shadow.dead.contains(&key.session())
            && matches!(fate, Some(&KeyFate::Replaced { at, .. })
                if self.state.at - at < SUPERSEDED_FOR.as_secs())
    }

    pub(super) fn is_reused(&self, key: &ModelKey) -> bool {
        let fate = self.state.shadow.keys.get(key);
        matches!(fate, Some(&KeyFate::Replaced { at, how: Retirement::Timer })
            if self.state.at - at >= REUSE_AFTER.as_secs())
    }

    /// The holder of `old` is sent `next`.
    pub(super) fn note_sent(&mut self, old: &ModelKey, next: &ModelKey) {
        let known = self.state.shadow.sent.entry(old.clone()).or_insert_with(|| next.clone());
        if known != next {
            self.breaks(Law::OneSuccessor);
        }
    }

    /// A response reaches its client.
    pub(super) fn note_delivery(&mut self, request: &Request) {
        let jar = self.state.jar(request.client);
        let loses = jar.keys().any(|key| {
            self.state.works(key)
                && match &request.change {
                    Change::Send(sent, _) => sent.session() != key.session(),
                    Change::Remove(_) => true,
                    Change::Keep => false,
                }
        });
        if loses && matches!(request.task, Task::Read | Task::Navigate) {
            self.breaks(Law::ReadsSignNoOneOut);
        }
        let damaged = self.state.store.damaged;
        let is_damaged =
            self.state.jar(request.client).keys().any(|key| Some(key.session()) == damaged);
        if loses && is_damaged && !matches!(request.task, Task::Login(_)) {
            self.breaks(Law::UnreadableKeysStay);
        }
        if request.presented.is_cross_site {
            if loses {
                self.breaks(Law::ForeignSitesReplaceNothing);
            }
            if matches!((request.task, &request.change), (Task::Login(_), Change::Send(..))) {
                self.breaks(Law::ForeignSitesSignNoOneIn);
            }
        }
    }

    /// What any action can have changed: which sessions ended, and whose they are.
    pub(crate) fn take_note(&mut self) {
        let now = self.now();
        for (&session, entry) in &self.state.store.entries {
            let shadow = &mut self.state.shadow;
            let Some(record) = entry.live() else {
                shadow.dead.insert(session);
                continue;
            };
            if record.expires_at().has_passed(now) {
                shadow.dead.insert(session);
            }
            if let Some(who) = record.principal()
                && shadow.owners.entry(session).or_insert_with(|| who.clone()) != who
            {
                shadow.broken.insert(Law::OnePrincipal);
            }
        }
    }
}

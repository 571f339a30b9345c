//! What the laws remember of each change in the store.

use cloakroom::SessionLimit;
use cloakroom::key::Carrier;
use cloakroom::protocol::steps::Ask;
use cloakroom::protocol::{
    CLOCK_SLACK, REUSE_AFTER, RequestOrigin, SIGN_IN_REPEATABLE_FOR, SUPERSEDED_FOR, SecretStatus,
    TOUCH_FRACTION, recognise,
};
use cloakroom::record::{EndReason, Ending, Record, Retirement, Stored};

use super::Turn;
use crate::entry::{Entry, writes};
use crate::jar::Change;
use crate::laws::Law;
use crate::model::moment;
use crate::model_key::{IMPORTED, ModelKey, number_of};
use crate::state::{KeyFate, Request, Task, Who};
use crate::store::session_of;
use crate::work::Work;

impl Turn<'_> {
    /// A request is about to record a use, or to renew its key.
    pub(super) fn check_bookkeeping(&mut self, request: &Request, work: &Work, ask: &Ask) {
        let is_renewal = matches!((work, ask), (Work::Open(_), Ask::Replace(..)));
        let is_touch = matches!((work, ask), (Work::Open(_), Ask::Touch(..)));
        if (is_renewal && !request.task.renews()) || (is_touch && request.task == Task::Peek) {
            self.breaks(Law::PeeksChangeNothing);
        }
        let is_cookie = |key: &ModelKey| {
            Some(key.session()) == session_of(ask) && key.key().carrier() == Carrier::Cookie
        };
        let mut keys = request.presented.keys.iter();
        if is_renewal && !keys.any(|key| is_cookie(key) && self.state.shadow.keys.contains_key(key))
        {
            self.breaks(Law::BearerKeysStay);
        }
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
                self.note_end(request, work, ask, before, tombstone.ending());
            }
            // The laws about states judge these.
            _ => {}
        }
    }

    fn note_insert(&mut self, request: &Request, ask: &Ask, record: &Record) {
        let Ask::Insert(id, _) = ask else { return };
        let session = number_of(*id);
        let number = if session >= IMPORTED { session } else { request.number };
        for carrier in [Carrier::Cookie, Carrier::Bearer] {
            let key = ModelKey::fresh(session, number).carried_by(carrier);
            if record.credentials().current == *key.verifier() {
                self.state.shadow.keys.insert(key, KeyFate::Works);
            }
        }
        let is_login = request.signs_in.is_some() || request.task == Task::Import;
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
        let is_login = matches!(work, Work::Login(_));
        if is_login && before.principal().is_some() && after.principal().is_none() {
            self.note_taken_back(request, session, before, after);
            return;
        }
        if !self.holds_working_key(request, session) {
            self.check_former_key(request, work, session, before, after);
        }
        if matches!(work, Work::Set(_)) {
            self.state.shadow.acknowledged.retain(|(written, _)| *written != session);
        }
        self.note_keys(request, work, session, before, after);
    }

    /// A sign-in that is refused gives the session back what it was, keys included; only its own
    /// write can be taken back.
    fn note_taken_back(&mut self, request: &Request, session: u8, before: &Record, after: &Record) {
        let number = request.number;
        if before.revision().token() >> 8 != u64::from(number) {
            self.breaks(Law::RefusalsSpareSignIns);
        }
        let is_fresh = |key: &ModelKey| {
            key.session() == session && *key.verifier() == before.credentials().current
        };
        self.state.shadow.keys.retain(|key, _| !is_fresh(key));
        for (key, fate) in &mut self.state.shadow.keys {
            let KeyFate::Replaced { by, how, .. } = fate else { continue };
            if key.session() != session {
                continue;
            }
            match recognise(after.credentials(), key.verifier()) {
                SecretStatus::Retired(retired) => *how = retired.how,
                _ if *by == number => *fate = KeyFate::Works,
                _ => {}
            }
        }
    }

    /// With a key that was replaced, only the same principal can sign in again.
    fn check_former_key(
        &mut self,
        request: &Request,
        work: &Work,
        session: u8,
        before: &Record,
        after: &Record,
    ) {
        // The key with which the sign-in was begun.
        let former = request.replaced.as_ref().or(request.key.as_ref());
        let former = former.or(request.former.as_ref()).filter(|key| key.session() == session);
        let former = former.filter(|key| self.state.shadow.keys.contains_key(key)).cloned();
        let who = request.signs_in.map(Who::principal);
        let is_same = who.is_some() && before.principal() == who.as_ref();
        if former.is_none() || !is_same || !matches!(work, Work::Login(_)) {
            self.breaks(Law::OnlyWorkingKeysWrite);
        }
        let is_former = request.former.is_some();
        if is_former && request.is_revoked && self.is_before_revocation(before) {
            self.breaks(Law::RevokedStaysOver);
        }
        // The sign-in that this one repeats has replaced its key, and all that worked with it.
        let (old, new) = (&before.credentials().current, &after.credentials().current);
        let fate = former.as_ref().and_then(|key| self.state.shadow.keys.get(key)).copied();
        let is_repeated = before.sign_in_trace().is_some_and(|trace| {
            let is_recent = self.now().since(trace.at) < SIGN_IN_REPEATABLE_FOR
                && trace.at.since(self.now()) <= CLOCK_SLACK;
            let is_its = matches!(fate, Some(KeyFate::Replaced { at, .. })
                if moment(at) == trace.at);
            let bases = self.state.shadow.keys.iter();
            let mut bases =
                bases.filter(|(key, other)| key.session() == session && Some(**other) == fate);
            let is_base = |key: &ModelKey| {
                let carriers = [Carrier::Cookie, Carrier::Bearer].into_iter();
                let mut derived = carriers.map(|way| key.signed_in_with(&trace.nonce, way));
                derived.any(|key| key.verifier() == old)
            };
            is_recent && is_its && bases.any(|(key, _)| is_base(key))
        });
        if is_repeated && old != new {
            self.breaks(Law::RepeatedSignInsConverge);
        }
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
            // A sign-in that was repeated leaves the key as it is.
            if old.current != new.current || matches!(work, Work::Renew(_)) {
                let fresh = self.fresh_key(request, session, after);
                self.note_replaced(session, fresh, Retirement::SignIn, request.number);
            }
        } else if old.current != new.current {
            let current = self.known(session, |key| *key.verifier() == new.current);
            self.note_replaced(session, current, Retirement::Timer, request.number);
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

    /// The key that a sign-in or a renewal has given the session.
    fn fresh_key(&mut self, request: &Request, session: u8, after: &Record) -> Option<ModelKey> {
        let carriers = [Carrier::Cookie, Carrier::Bearer];
        let drawn = ModelKey::fresh(session, request.number);
        let mut candidates: Vec<_> = carriers.iter().map(|way| drawn.carried_by(*way)).collect();
        if let Some(trace) = after.sign_in_trace() {
            let known = self.state.shadow.keys.keys().filter(|key| key.session() == session);
            candidates.extend(known.flat_map(|key| {
                carriers.iter().map(move |way| key.signed_in_with(&trace.nonce, *way))
            }));
        }
        let current = after.credentials().current;
        let right = candidates.iter().position(|key| *key.verifier() == current);
        // A renewal has no other candidate than the key that it draws.
        right.or((request.task == Task::Renew).then_some(0)).map(|at| candidates.swap_remove(at))
    }

    pub(super) fn known(&self, session: u8, is_it: impl Fn(&ModelKey) -> bool) -> Option<ModelKey> {
        let mut keys = self.state.shadow.keys.keys();
        keys.find(|key| key.session() == session && is_it(key)).cloned()
    }

    /// From now on only `key` opens the session.
    fn note_replaced(&mut self, session: u8, key: Option<ModelKey>, how: Retirement, by: u8) {
        let at = self.state.at;
        for (other, fate) in &mut self.state.shadow.keys {
            if other.session() != session {
                continue;
            }
            match fate {
                KeyFate::Works => *fate = KeyFate::Replaced { at, how, by },
                // That one of them turns up says nothing about the fresh key.
                KeyFate::Replaced { how: known, .. } if how == Retirement::SignIn => *known = how,
                KeyFate::Replaced { .. } => {}
            }
        }
        self.state.shadow.keys.extend(key.map(|key| (key, KeyFate::Works)));
    }

    fn note_end(
        &mut self,
        request: &Request,
        work: &Work,
        ask: &Ask,
        before: &Record,
        ending: Ending,
    ) {
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
                let mut presented = request.presented.keys.iter();
                if presented.any(|key| self.state.works(key)) {
                    self.breaks(Law::ValidKeysWin);
                }
                if !judged && before.authenticated_at().is_some_and(|at| at == self.now()) {
                    self.breaks(Law::ReuseSparesSignIns);
                }
            }
            EndReason::OverLimit => self.check_limit(request, session, before),
            EndReason::Revoked => {
                // A sign-in that is refused ends what it has written, and nothing newer.
                let writer = before.revision().token() >> 8;
                let is_login = matches!(work, Work::Login(_));
                if is_login && writer != u64::from(request.number) {
                    self.breaks(Law::RefusalsSpareSignIns);
                }
            }
            _ => {
                if !self.holds_working_key(request, session) {
                    self.breaks(Law::OnlyWorkingKeysEnd);
                }
            }
        }
        if let (EndReason::SignedInAsAnother, Some(who)) = (reason, request.signs_in)
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
        matches!(fate, Some(&KeyFate::Replaced { at, how: Retirement::Timer, .. })
            if self.state.at - at >= (REUSE_AFTER + CLOCK_SLACK).as_secs())
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
        if loses && request.task.is_read() && matches!(&request.change, Change::Remove(_)) {
            self.breaks(Law::ReadsSignNoOneOut);
        }
        let damaged = self.state.store.damaged;
        let is_damaged =
            self.state.jar(request.client).keys().any(|key| Some(key.session()) == damaged);
        if loses && is_damaged && request.signs_in.is_none() {
            self.breaks(Law::UnreadableKeysStay);
        }
        // An application that has made checks of its own answers for them.
        if request.presented.is_foreign() && !matches!(request.task, Task::LoginVerified(_)) {
            // By a link without a marker, the browser has kept nothing back.
            let is_link = request.presented.origin == RequestOrigin::Link;
            if loses && (!is_link || request.presented.is_marked) {
                self.breaks(Law::ForeignSitesReplaceNothing);
            }
            let is_sign_in = request.signs_in.is_some() && !is_link;
            if is_sign_in && matches!(&request.change, Change::Send(..)) {
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

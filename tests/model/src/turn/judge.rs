//! What the laws say about the outcome of an operation.

use cloakroom::key::Carrier;
use cloakroom::protocol::steps::{Loaded, SessionState};
use cloakroom::protocol::{
    CLOCK_SLACK, CookieChange, NoSession, RENEWAL_GRACE, SecretStatus, TOUCH_FRACTION, recognise,
};
use cloakroom::record::Record;
use cloakroom::{Principal, Timestamp};

use super::Turn;
use crate::entry::Entry;
use crate::laws::Law;
use crate::model_key::{ModelKey, number_of};
use crate::scenarios::{EXTENSION, remembered};
use crate::state::{Client, KeyFate, Request, Task};
use crate::work::Value;

impl Turn<'_> {
    pub(super) fn note_opened(&mut self, request: &mut Request, loaded: &Loaded<Value>) {
        let now = self.now();
        let last = request.last.unwrap_or_default();
        if is_certain(last) && self.is_over(loaded) {
            self.breaks(Law::DeadlinesHold);
        }
        request.principal = loaded.record.principal().cloned();
        // Otherwise the bookkeeping failed, or another request did it.
        if !is_certain(last) || request.is_judged_again {
            return;
        }
        if request.task != Task::Peek && is_used_late(&loaded.record, now) {
            self.breaks(Law::UsesCount);
        }
        if !is_renewable(request) {
            return;
        }
        let credentials = loaded.record.credentials();
        if credentials.successor().is_none() && credentials.renew_at.has_passed(now) {
            self.breaks(Law::RenewalStarts);
        }
        let session = number_of(loaded.id());
        if session == 0 {
            self.check_renewal_by_real_time(&loaded.record);
        }
        for key in request.presented.keys.iter().filter(|key| key.session() == session) {
            self.note_use(key);
        }
    }

    /// A key has been presented, and its session was opened.
    fn note_use(&mut self, presented: &ModelKey) {
        let shadow = &mut self.state.shadow;
        let mut older = shadow.sent.iter().filter(|(_, next)| *next == presented).peekable();
        if older.peek().is_none() {
            return;
        }
        let first = *shadow.used.entry(presented.clone()).or_insert(self.state.at);
        let is_settled = self.state.at - first >= RENEWAL_GRACE.as_secs();
        if is_settled && older.any(|(old, _)| shadow.keys.get(old) == Some(&KeyFate::Works)) {
            self.breaks(Law::RenewalCompletes);
        }
    }

    /// Even if the clock was set back: the first key of the first session is renewed in time.
    fn check_renewal_by_real_time(&mut self, record: &Record) {
        let credentials = record.credentials();
        let is_first = credentials.successor().is_none() && credentials.retired().is_empty();
        let is_late = record
            .lifetime()
            .renewal_timeout()
            .is_some_and(|timeout| self.state.at >= timeout.saturating_add(CLOCK_SLACK).as_secs());
        if is_first && is_late {
            self.breaks(Law::RenewalIsNotPostponed);
        }
    }

    /// A response sends the next key, if there is one, and never the key that was presented.
    pub(super) fn check_next_key(
        &mut self,
        request: &Request,
        loaded: &Loaded<Value>,
        cookie: &CookieChange,
    ) {
        // The keys are judged again after another write, without bookkeeping.
        let is_due = is_renewable(request) && !request.is_judged_again;
        let Some(presented) = request.key.as_ref().filter(|_| is_due) else { return };
        let credentials = loaded.record.credentials();
        let has_next =
            credentials.successor().is_some() && credentials.current == *presented.verifier();
        let is_right = match cookie {
            CookieChange::Send { key, .. } => has_next && key != presented.key(),
            _ => !has_next,
        };
        if !is_right {
            self.breaks(Law::NextKeyIsSent);
        }
    }

    pub(super) fn note_not_opened(&mut self, request: &Request, session: &SessionState<Value>) {
        let presented = &request.presented;
        self.check_valid_key(request);
        let is_prompt = self.state.at - request.sent < RENEWAL_GRACE.as_secs();
        let is_owner = request.client == Client::Owner && !presented.is_foreign();
        if is_prompt && is_owner && !presented.keys.is_empty() {
            self.breaks(Law::PromptRequestsOpen);
        }
        let is_live = |key: &ModelKey| self.live(key.session()).is_some();
        if request.task != Task::OfKey
            && presented.keys.iter().any(|key| self.is_reused(key) && is_live(key))
        {
            self.breaks(Law::ReuseEnds);
        }
        if let Some(no_session) = session.no_session() {
            self.check_reason(request, no_session);
        }
    }

    /// No session was opened: then no presented key works.
    pub(super) fn check_valid_key(&mut self, request: &Request) {
        let presented = &request.presented;
        let is_readable = |key: &ModelKey| self.state.store.damaged != Some(key.session());
        let is_live = |key: &ModelKey| self.live(key.session()).is_some() && is_readable(key);
        if presented.keys.iter().any(|key| self.state.works(key) && is_live(key)) {
            self.breaks(Law::ValidKeysWin);
        }
    }

    /// The holder of a key of an ended session learns why it was ended, and no one else.
    pub(super) fn check_reason(&mut self, request: &Request, told: NoSession) {
        let [key] = &*request.presented.keys else { return };
        let shadow = &self.state.shadow;
        let reason = shadow.ended.get(&key.session());
        let is_holder = shadow.keys.contains_key(key);
        let told = match told {
            NoSession::Ended(reason) => Some(reason),
            _ => None,
        };
        if is_holder && reason.is_some() && told != reason.copied() {
            self.breaks(Law::ReasonsAreTold);
        }
        if !is_holder && told.is_some() {
            self.breaks(Law::ReasonsAreSecret);
        }
    }

    pub(super) fn note_logout(&mut self, request: &Request) {
        let acted_on = request.key.as_ref().map(ModelKey::session);
        if acted_on.is_some_and(|session| self.live(session).is_some()) {
            self.breaks(Law::LogoutEnds);
        }
        let mut others = request.presented.keys.iter();
        if others.any(|key| self.state.works(key) && self.live(key.session()).is_some()) {
            self.breaks(Law::LogoutEndsAll);
        }
    }

    /// A sign-in was refused: if its record was written, it is ended, or what it was before.
    pub(super) fn check_refusal(&mut self, request: &Request) {
        let is_undone = |last: &str| last.starts_with("end") || last.starts_with("replace");
        if !request.last.is_some_and(is_undone) {
            return;
        }
        let is_ours = |record: &Record| record.revision().token() >> 8 == u64::from(request.number);
        let is_left = |session: u8| {
            self.live(session).is_some_and(|record| record.principal().is_some() && is_ours(record))
        };
        let sessions = self.state.store.entries.keys();
        if sessions.copied().any(|session| request.owns(session) && is_left(session)) {
            self.breaks(Law::RefusedSignInsEnd);
        }
    }

    /// A write was answered.
    pub(super) fn note_written(
        &mut self,
        request: &Request,
        loaded: &Loaded<Value>,
        changed: bool,
    ) {
        let (session, record) = (number_of(loaded.id()), &loaded.record);
        if changed && is_used_late(record, self.now()) {
            self.breaks(Law::UsesCount);
        }
        match request.task {
            Task::Append | Task::Set | Task::LoginWith(_) => {
                self.state.shadow.acknowledged.insert((session, request.number));
            }
            _ => {}
        }
        if let Some(who) = request.signs_in {
            self.note_login(request, session, record, &who.principal());
        }
        let is_extended = match request.task {
            Task::Extend | Task::Set => record.idle_deadline() == self.now().after(EXTENSION),
            Task::Remember => *record.lifetime() == remembered(),
            _ => return,
        };
        if !is_extended {
            self.breaks(Law::ExtensionsCount);
        }
        let is_cookie = !request.presented.is_bearer();
        if is_cookie && record.credentials().cookie_until < longest(record) {
            self.breaks(Law::CookieOutlivesRecord);
        }
    }

    /// An extension sends a key although the cookie lasts as long as the session now does.
    pub(super) fn check_need(
        &mut self,
        request: &Request,
        loaded: &Loaded<Value>,
        cookie: &CookieChange,
    ) {
        let until = request.read.as_ref().and_then(Entry::live);
        let until = until.map(|before| before.credentials().cookie_until);
        let is_enough = until.is_some_and(|until| until >= longest(&loaded.record));
        let is_sent = matches!(cookie, CookieChange::Send { .. });
        if request.task == Task::Extend && is_enough && is_sent {
            self.breaks(Law::ExtensionsRenewByNeed);
        }
    }

    fn note_login(&mut self, request: &Request, session: u8, record: &Record, who: &Principal) {
        self.state.shadow.signed_in.insert(session);
        if record.principal() != Some(who) {
            self.breaks(Law::OnePrincipal);
        }
        let other = request.principal.as_ref().is_some_and(|old| old != who);
        let is_left = |old: &ModelKey| {
            old.session() == session
                || (self.state.works(old) && self.live(old.session()).is_some())
        };
        if other && request.key.as_ref().is_some_and(is_left) {
            self.breaks(Law::SwitchesEnd);
        }
    }

    /// A sign-in was confirmed that a revocation has ended, or will.
    pub(super) fn check_required(&mut self, request: &Request, record: &Record) {
        if request.task == Task::Require && request.is_revoked && self.is_before_revocation(record)
        {
            self.breaks(Law::RevokedFailsRequirements);
        }
    }

    /// Whether the sign-in of one of the request's sessions is older than a revocation.
    pub(super) fn is_revoked(&self, request: &Request) -> bool {
        let mut sessions = request.presented.keys.iter().map(ModelKey::session);
        sessions.any(|session| {
            self.live(session).is_some_and(|record| self.is_before_revocation(record))
        })
    }

    pub(super) fn is_before_revocation(&self, record: &Record) -> bool {
        let before = record.principal().and_then(|who| self.state.store.revoked_before.get(who));
        record.authenticated_at().zip(before).is_some_and(|(at, before)| at < *before)
    }

    /// The record, if it has neither ended nor reached a deadline.
    pub(super) fn live(&self, session: u8) -> Option<&Record> {
        let record = self.state.store.entries.get(&session).and_then(Entry::live)?;
        (!record.expires_at().has_passed(self.now())).then_some(record)
    }

    pub(super) fn is_over(&self, loaded: &Loaded<Value>) -> bool {
        self.live(number_of(loaded.id())).is_none()
    }
}

/// Whether the key is one of the record's two working ones.
pub(super) fn opens(record: &Record, key: &ModelKey) -> bool {
    let status = recognise(record.credentials(), key.verifier());
    matches!(status, SecretStatus::Current | SecretStatus::Successor)
}

/// Whether the key with which the request has opened its session can be renewed on a timer.
fn is_renewable(request: &Request) -> bool {
    let key = request.key.as_ref();
    request.task.renews() && key.is_some_and(|key| key.key().carrier() == Carrier::Cookie)
}

/// Whether the store has just confirmed the session.
pub(super) fn is_certain(last: &str) -> bool {
    matches!(
        last,
        "get_cached: live" | "get: live" | "get_each: done" | "touch: done" | "replace: done"
    )
}

/// When a session ends that is used from now on.
pub(super) fn longest(record: &Record) -> Timestamp {
    if record.lifetime().is_explicit() { record.expires_at() } else { record.absolute_deadline() }
}

/// Whether the idle deadline is further behind than touches are coalesced.
fn is_used_late(record: &Record, now: Timestamp) -> bool {
    record
        .lifetime()
        .idle_timeout()
        .filter(|_| !record.lifetime().is_explicit())
        .is_some_and(|idle| now.after(idle).since(record.idle_deadline()) >= idle / TOUCH_FRACTION)
}

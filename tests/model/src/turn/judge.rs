//! What the laws say about the outcome of an operation.

use cloakroom::protocol::steps::{Loaded, SessionState};
use cloakroom::protocol::{
    CookieChange, NoSession, RENEWAL_GRACE, SecretStatus, TOUCH_FRACTION, recognise,
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
        if !is_certain(last) {
            return;
        }
        if is_used_late(&loaded.record, now) {
            self.breaks(Law::UsesCount);
        }
        if request.presented.is_bearer {
            return;
        }
        let credentials = loaded.record.credentials();
        if credentials.successor().is_none() && credentials.renew_at.has_passed(now) {
            self.breaks(Law::RenewalStarts);
        }
        let Some(presented) = request.key.clone() else { return };
        let shadow = &mut self.state.shadow;
        let mut older = shadow.sent.iter().filter(|(_, next)| **next == presented).peekable();
        if older.peek().is_none() {
            return;
        }
        let first = *shadow.used.entry(presented.clone()).or_insert(self.state.at);
        let is_settled = self.state.at - first >= RENEWAL_GRACE.as_secs();
        if is_settled && older.any(|(old, _)| shadow.keys.get(old) == Some(&KeyFate::Works)) {
            self.breaks(Law::RenewalCompletes);
        }
    }

    /// A response sends the next key, if there is one, and never the key that was presented.
    pub(super) fn check_next_key(
        &mut self,
        request: &Request,
        loaded: &Loaded<Value>,
        cookie: &CookieChange,
    ) {
        let Some(presented) = request.key.as_ref().filter(|_| !request.presented.is_bearer) else {
            return;
        };
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
        if is_prompt && request.client == Client::Owner && !presented.keys.is_empty() {
            self.breaks(Law::PromptRequestsOpen);
        }
        let is_live = |key: &ModelKey| self.live(key.session()).is_some();
        if !presented.is_bearer
            && presented.keys.iter().any(|key| self.is_reused(key) && is_live(key))
        {
            self.breaks(Law::ReuseEnds);
        }
        let SessionState::Absent(no_session) = session else { return };
        self.check_reason(request, *no_session);
    }

    /// No session was opened: then no presented key works.
    pub(super) fn check_valid_key(&mut self, request: &Request) {
        let presented = &request.presented;
        let is_readable = |key: &ModelKey| self.state.store.damaged != Some(key.session());
        let mut keys = presented.keys.iter().chain(&presented.hidden);
        if keys.any(|key| self.state.works(key) && is_readable(key)) {
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

    /// A sign-in was refused: if its record was written, it is ended.
    pub(super) fn check_refusal(&mut self, request: &Request) {
        if !request.last.is_some_and(|last| last.starts_with("end:")) {
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
            Task::Append | Task::Set => {
                self.state.shadow.acknowledged.insert((session, request.number));
            }
            Task::Login(who) => self.note_login(request, session, record, &who.principal()),
            _ => {}
        }
        let is_extended = match request.task {
            Task::Extend | Task::Set => record.absolute_deadline() == self.now().after(EXTENSION),
            Task::Remember => *record.lifetime() == remembered(),
            _ => return,
        };
        if !is_extended {
            self.breaks(Law::ExtensionsCount);
        }
        if record.credentials().cookie_until < record.absolute_deadline() {
            self.breaks(Law::CookieOutlivesRecord);
        }
    }

    fn note_login(&mut self, request: &Request, session: u8, record: &Record, who: &Principal) {
        self.state.shadow.signed_in.insert(session);
        if record.principal() != Some(who) {
            self.breaks(Law::OnePrincipal);
        }
        let other = request.principal.as_ref().is_some_and(|old| old != who);
        let old = request.key.as_ref().map(ModelKey::session);
        if other && old.is_some_and(|old| old == session || self.live(old).is_some()) {
            self.breaks(Law::SwitchesEnd);
        }
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

/// Whether the store has just confirmed the session.
pub(super) fn is_certain(last: &str) -> bool {
    matches!(last, "get_cached: live" | "get: live" | "touch: done" | "replace: done")
}

/// Whether the idle deadline is further behind than touches are coalesced.
fn is_used_late(record: &Record, now: Timestamp) -> bool {
    record
        .lifetime()
        .idle_timeout()
        .is_some_and(|idle| now.after(idle).since(record.idle_deadline()) >= idle / TOUCH_FRACTION)
}

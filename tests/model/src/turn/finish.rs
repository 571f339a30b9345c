//! What a request does with the outcome of an operation.

use cloakroom::protocol::steps::{Imported, Loaded, Opened, SessionState, Written};
use cloakroom::protocol::{CookieChange, Failure};

use super::Turn;
use super::judge::{is_certain, opens};
use crate::jar::Change;
use crate::laws::Law;
use crate::model::moment;
use crate::model_key::{IMPORTED, ModelKey, number_of};
use crate::shared::Shared;
use crate::state::{Phase, Request, Task, Who};
use crate::work::{Outcome, Value, Work, revoked_before};

impl Turn<'_> {
    pub(super) fn finish(&mut self, request: &mut Request, work: Work, outcome: Outcome) -> Phase {
        match outcome {
            Outcome::Opened(opened) => self.opened(request, opened),
            Outcome::Written(written) => self.written(request, written),
            Outcome::Imported(Imported::Load) => Phase::Loading(Shared::new(work)),
            Outcome::Imported(imported) => self.imported(request, imported),
            Outcome::Reloaded(loaded) => {
                if request.last.is_some_and(is_certain) && self.is_over(&loaded) {
                    self.breaks(Law::DeadlinesHold);
                }
                Phase::Answered
            }
            Outcome::EndedAll => {
                let before = revoked_before(moment(request.sent));
                self.state.shadow.revoked.insert(Who::Alice.principal(), before);
                Phase::Answered
            }
            Outcome::Failed(failure) => {
                self.failed(request, &work, &failure);
                Phase::Answered
            }
        }
    }

    fn opened(&mut self, request: &mut Request, opened: Opened<Value>) -> Phase {
        let Opened { session, cookie, is_stale, .. } = opened;
        if let SessionState::Live(loaded) = &session {
            let mut presented = request.presented.keys.iter();
            request.key = presented.find(|key| opens(&loaded.record, key)).cloned();
            self.note_opened(request, loaded);
            self.check_next_key(request, loaded, &cookie);
            self.set_cookie(request, &cookie, Some(loaded));
            request.key = loaded.key().map(|key| self.name(key));
        } else {
            self.note_not_opened(request, &session);
        }
        if is_stale && request.task == Task::Navigate && !request.presented.is_bearer {
            request.change = Change::Remove(self.state.at);
        }
        let ready = Phase::Ready(Shared::new(session.clone()));
        if Work::of(request, self.now(), session).is_some() { ready } else { Phase::Answered }
    }

    fn written(&mut self, request: &mut Request, written: Written<Value, ()>) -> Phase {
        let Written { session, cookie, changed, .. } = written;
        let SessionState::Live(loaded) = &session else {
            self.set_cookie(request, &cookie, None);
            if request.task == Task::Logout {
                self.note_logout(request);
            }
            return Phase::Answered;
        };
        self.set_cookie(request, &cookie, Some(loaded));
        self.note_written(request, loaded, changed);
        Phase::Answered
    }

    fn imported(&mut self, request: &mut Request, imported: Imported<Value>) -> Phase {
        if imported == Imported::Nothing
            && request.last == Some("get: nothing")
            && self.live(IMPORTED).is_some()
        {
            self.breaks(Law::ImportsConverge);
        }
        if let Imported::Found { session, cookie, .. } = imported {
            self.state.has_legacy = false;
            let loaded = match &session {
                Some(SessionState::Live(loaded)) => Some(loaded),
                _ => None,
            };
            request.key = Some(ModelKey::fresh(IMPORTED, IMPORTED));
            self.set_cookie(request, &cookie, loaded);
            if loaded.is_some_and(|loaded| loaded.record.principal().is_some()) {
                self.state.shadow.signed_in.insert(IMPORTED);
            }
        }
        Phase::Answered
    }

    fn failed(&mut self, request: &mut Request, work: &Work, failure: &Failure) {
        let is_injected =
            request.last.is_some_and(|last| last.ends_with("failed") || last.ends_with("unknown"));
        if is_injected {
            return;
        }
        if matches!(failure, Failure::TooManySessions | Failure::LoginRevoked) {
            self.check_refusal(request);
            return;
        }
        if matches!(work, Work::Open(_)) {
            self.check_valid_key(request);
            return;
        }
        let is_refused = matches!(failure, Failure::NoSession(_) | Failure::Superseded);
        if is_refused && request.key.as_ref().is_some_and(|key| self.state.works(key)) {
            self.breaks(Law::WorkingKeysWrite);
        }
        // Otherwise it was the request's first read that said so.
        if let (Failure::NoSession(no_session), Some(_)) = (failure, request.last) {
            self.check_reason(request, *no_session);
        }
    }

    /// What the response says about the cookie.
    fn set_cookie(
        &mut self,
        request: &mut Request,
        cookie: &CookieChange,
        loaded: Option<&Loaded<Value>>,
    ) {
        let at = self.state.at;
        match cookie {
            CookieChange::Keep => {}
            CookieChange::Remove => request.change = Change::Remove(at),
            CookieChange::Send { key, life } => {
                let key = self.name(key);
                let until = life.map(|life| self.now().after(life));
                let deadline = loaded.map(|loaded| loaded.record.absolute_deadline());
                if until.zip(deadline).is_some_and(|(until, deadline)| until < deadline) {
                    self.breaks(Law::CookieOutlivesRecord);
                }
                let old = request.key.clone();
                if let Some(old) = old.filter(|old| *old != key && old.session() == key.session())
                    && !matches!(request.task, Task::Login(_) | Task::Renew)
                {
                    self.note_sent(&old, &key);
                }
                request.change = Change::Send(key, at);
            }
        }
    }

    /// The key as the laws know it.
    fn name(&self, key: &cloakroom::Key) -> ModelKey {
        let session = number_of(key.id());
        self.known(session, |known| known.key() == key).unwrap_or_else(|| ModelKey::stray(key))
    }
}

//! What a request does with the outcome of an operation.

use cloakroom::key::Carrier;
use cloakroom::protocol::steps::{Imported, Loaded, Opened, OtherSession, SessionState, Written};
use cloakroom::protocol::{CookieChange, Failure, RequestOrigin};

use cloakroom::store::Outcome as Certainty;

use super::Turn;
use super::judge::{is_certain, longest, opens};
use crate::entry::Entry;
use crate::flaws::Twist;
use crate::jar::Change;
use crate::laws::Law;
use crate::model::moment;
use crate::model_key::{IMPORTED, ModelKey, number_of};
use crate::shared::Shared;
use crate::state::{Found, Phase, Request, Task, Who};
use crate::work::{Outcome, Value, Work, revoked_before};

impl Turn<'_> {
    pub(super) fn finish(&mut self, request: &mut Request, work: Work, outcome: Outcome) -> Phase {
        match outcome {
            Outcome::Opened(opened) => self.opened(request, opened),
            Outcome::Written(written) => self.written(request, written),
            Outcome::Imported(Imported::Load) => Phase::Loading(Shared::new(work)),
            Outcome::Imported(imported) => self.imported(request, imported),
            Outcome::Reloaded(loaded) => {
                self.check_required(request, &loaded.record);
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
                self.check_denial(request, &work, &failure);
                self.failed(request, &work, &failure);
                Phase::Answered
            }
        }
    }

    /// An application repeats what is said not to have happened, or tells its user.
    fn check_denial(&mut self, request: &Request, work: &Work, failure: &Failure) {
        let is_denial = match failure {
            Failure::StoreFailed(error) => error.outcome() == Certainty::NotSent,
            Failure::NoSession(_) | Failure::Superseded | Failure::Conflict => true,
            // A sign-in that is refused has written, and ended or restored its session.
            _ => false,
        };
        // A read that first renews the key, or imports the session, is no write of the application.
        let is_read = matches!(work, Work::Open(_) | Work::Import(_));
        let has_happened = request.written.is_some_and(|(session, is_new)| {
            // No one had the key of a new session that is over by now.
            !is_new || self.state.store.entries.get(&session).and_then(Entry::live).is_some()
        });
        if is_denial && has_happened && !is_read {
            self.breaks(Law::DenialsAreTrue);
        }
    }

    fn opened(&mut self, request: &mut Request, opened: Opened<Value>) -> Phase {
        let Opened { session, cookie, others, .. } = opened;
        if !request.task.renews() && cookie != CookieChange::Keep {
            self.breaks(Law::PeeksChangeNothing);
        }
        match &session {
            SessionState::Live(loaded) => {
                request.key = self.opening_key(request, loaded);
                self.note_opened(request, loaded);
                self.check_next_key(request, loaded, &cookie);
                self.set_cookie(request, &cookie, Some(loaded));
                request.key = loaded.key().map(|key| self.name(key));
            }
            session => {
                self.note_not_opened(request, session);
                self.set_cookie(request, &cookie, None);
                if let SessionState::Former(former) = session {
                    request.former = Some(self.name(&former.key));
                }
            }
        }
        let found = self.twisted(request, session, others);
        let goes_on = Work::of(request, self.now(), &found).is_some();
        if goes_on { Phase::Ready(Shared::new(found)) } else { Phase::Answered }
    }

    /// What the handler is given, unless a mutant makes something else of it.
    fn twisted(
        &self,
        request: &mut Request,
        session: SessionState<Value>,
        others: Vec<OtherSession>,
    ) -> Found {
        let no_session = session.no_session();
        match (self.model.twist, no_session) {
            (Some(Twist::DeadCookiesRemoved), Some(_)) if !request.presented.keys.is_empty() => {
                request.change = Change::Remove(self.state.at);
                (session, others)
            }
            (Some(Twist::FormerForgotten), Some(no_session)) => {
                (SessionState::Absent(no_session), others)
            }
            (Some(Twist::OthersForgotten), _) => (session, Vec::new()),
            _ => (session, others),
        }
    }

    /// The presented key that has opened a session.
    fn opening_key(&self, request: &Request, loaded: &Loaded<Value>) -> Option<ModelKey> {
        if request.task == Task::OfKey {
            return loaded.key().map(|key| self.name(key));
        }
        let presented = || request.presented.keys.iter();
        let same = presented().find(|key| Some(key.key()) == loaded.key());
        same.or_else(|| presented().find(|key| opens(&loaded.record, key))).cloned()
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
        self.check_need(request, loaded, &cookie);
        if let (CookieChange::Send { key, .. }, Task::LoginBearer(_)) = (&cookie, request.task)
            && key.carrier() == Carrier::Cookie
        {
            self.breaks(Law::BearerKeysStay);
        }
        self.set_cookie(request, &cookie, Some(loaded));
        self.note_written(request, loaded, changed);
        let Task::LoginTwice(_, second) = request.task else { return Phase::Answered };
        request.drawn.logins += 1;
        if request.drawn.logins == 2 {
            return Phase::Answered;
        }
        let opened_with = request.key.take().or_else(|| request.former.take());
        if self.model.twist != Some(Twist::PresentedForgotten) {
            request.replaced = request.replaced.take().or(opened_with);
        }
        request.key = loaded.key().map(|key| self.name(key));
        request.principal = loaded.record.principal().cloned();
        request.signs_in = Some(second);
        Phase::Ready(Shared::new((session, Vec::new())))
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
                SessionState::Live(loaded) => Some(loaded),
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
        if matches!(failure, Failure::OutOfOrder) {
            self.breaks(Law::OperationsGoOn);
        }
        if matches!(failure, Failure::CrossSite) {
            let presented = &request.presented;
            if presented.origin == RequestOrigin::Link && !presented.is_marked {
                self.breaks(Law::FirstVisitsBegin);
            }
            if matches!(request.task, Task::LoginVerified(_)) {
                self.breaks(Law::VerifiedSignInsWork);
            }
        }
        let is_refused = match failure {
            Failure::NoSession(_) | Failure::Superseded | Failure::Unreadable => true,
            Failure::CrossSite => !request.presented.is_foreign(),
            _ => false,
        };
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
            // A client that uses no cookie has none to remove.
            CookieChange::Remove if request.presented.is_bearer() => {}
            CookieChange::Remove => request.change = Change::Remove(at),
            CookieChange::Send { key, life } => {
                let key = self.name(key);
                let until = life.map(|life| self.now().after(life));
                let deadline = loaded.map(|loaded| longest(&loaded.record));
                if until.zip(deadline).is_some_and(|(until, deadline)| until < deadline) {
                    self.breaks(Law::CookieOutlivesRecord);
                }
                let old = request.key.clone();
                if let Some(old) = old.filter(|old| *old != key && old.session() == key.session())
                    && request.signs_in.is_none()
                    && request.task != Task::Renew
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

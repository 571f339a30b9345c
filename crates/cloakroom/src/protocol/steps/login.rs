//! Signing in: on the session that there is, or on a new one.

mod plan;
mod switch;

use std::mem;

pub(super) use plan::may_offer;
use plan::{Refusal, SignInPlan};

use super::super::{Failure, NoSession, Rules as _, SignIn};
use super::context::decode;
use super::create::{Create, Created};
use super::reservation::{RecordState, Reservation, index_login};
use super::session::{FormerKey, judge_credential};
use super::write::{INDEX_MARGIN, first_cookie};
use super::{
    Answer, Ask, Context, Credential, Edit, KeptError, Loaded, Next, NoEdit, SessionState, Step,
    Steps, Write, Written,
};
use crate::key::{Carrier, Key};
use crate::observe::Event;
use crate::policy::{self, ClientInfo};
use crate::record::Stored;
use crate::store::Indexed;
use crate::time::Timestamp;

/// Signs a user in, under a fresh key: from then on the old one opens and writes nothing.
///
/// The session stays, also if the client presented a key that the session remembers, unless another
/// principal was signed in on it: then a new one is created, and the old one is ended if it was
/// open to this client. A new one is created, too, if the session ended meanwhile, so the user is
/// signed in either way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_field_names, reason = "what the application calls its login")]
pub struct Login<T, E = NoEdit> {
    login: policy::Login,
    /// The key that the request presented.
    presented: Option<Key>,
    /// The change of the value; given to the plan while that is written.
    edit: Option<E>,
    /// The session of another principal, to be ended once the new one is there.
    other: Option<Loaded<T>>,
    /// Whether the operation has its turn among the principal's sign-ins.
    has_turn: bool,
    /// Whether it has its turn among the session's writers. It would wait for itself if it asked
    /// for it again.
    has_writer_turn: bool,
    /// Whether the sign-in has dropped the session's binding to a device.
    drops_device: bool,
    attempts: u32,
    state: State<T, E>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T, E> {
    #[default]
    Over,
    Starting(SessionState<T>),
    /// The user is signed in on a new session, and another principal's is being ended.
    Switching(Written<T, ()>, Loaded<T>),
    /// That failed: the new session is ended again, so that it is in no one's way.
    Withdrawing(KeptError),
    /// Another sign-in has been written with this key meanwhile.
    Overtaken(Key),
    /// Is the session, to which the key is no longer valid, older than a revocation?
    Checking(Loaded<T>),
    Reserving(Loaded<T>, Box<SignInPlan<E>>, Reservation),
    Writing(Writing<T, E>),
    Confirming(Written<T, ()>, Reservation),
    Creating(Create<T>),
}

/// A sign-in that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Writing<T, E> {
    write: Box<Write<T, SignInPlan<E>, ()>>,
    reservation: Reservation,
    /// The key that it replaces.
    key: Option<Key>,
}

impl<T, E> Writing<T, E> {
    /// Whose sign-in the record has now.
    fn record_state(&self, written: &Written<T, ()>) -> RecordState {
        match &written.session {
            SessionState::Live(loaded)
                if loaded.record.authenticated_at() == Some(self.write.plan().at) =>
            {
                RecordState::Written(loaded.record.clone())
            }
            _ => RecordState::Repeated,
        }
    }
}

impl<T, E> Login<T, E> {
    /// Signs in as `login` says, in a request with this session, which presented this key; `edit`
    /// changes the value in the same write.
    pub fn new(
        session: SessionState<T>,
        presented: Option<Key>,
        login: policy::Login,
        edit: E,
    ) -> Self {
        let state = State::Starting(session);
        Self {
            login,
            presented,
            edit: Some(edit),
            other: None,
            has_turn: false,
            has_writer_turn: false,
            drops_device: false,
            attempts: 0,
            state,
        }
    }
}

impl<C: Context, E: Edit<C>> Steps<C> for Login<C::Value, E> {
    type Outcome = Written<C::Value, ()>;

    /// A sign-in that a limit or a revocation refuses at its confirmation.
    const TAKES_BACK: bool = true;

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        let State::Starting(session) = mem::take(&mut self.state) else {
            return Err(Failure::OutOfOrder);
        };
        self.check(context, &session)?;
        match session {
            SessionState::Live(loaded) => self.sign_in(context, loaded),
            SessionState::Former(former) => self.sign_in_again(context, former),
            SessionState::Absent(_) | SessionState::Over => self.create(context),
        }
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::Switching(written, other), Answer::Swapped(swap)) => {
                self.switched(context, written, &other, swap)
            }
            (State::Withdrawing(error), Answer::Ended(ended)) => Err(match ended {
                Ok(_) => error.0.into(),
                // The new session is still there.
                Err(_) => error.0.of_unknown_outcome().into(),
            }),
            (State::Overtaken(key), Answer::Stored(stored)) => match stored? {
                Some(Stored::Live(record)) => {
                    let (why, record) = (NoSession::Superseded, Some(record));
                    self.sign_in_again(context, FormerKey { key, why, record })
                }
                Some(Stored::Ended(_)) | None => self.create(context),
            },
            (State::Checking(loaded), Answer::Indexed(indexed)) => match indexed? {
                Indexed::Revoked => self.create(context),
                Indexed::Done | Indexed::Full(_) => self.reserve(context, loaded),
            },
            (State::Reserving(loaded, plan, mut reservation), answer) => {
                let next = reservation.step(context, answer)?;
                self.reserving(context, loaded, plan, reservation, next)
            }
            (State::Writing(mut writing), answer) => {
                let next = writing.write.step(context, answer);
                self.writing(context, writing, next)
            }
            (State::Confirming(written, mut reservation), answer) => {
                let next = reservation.step(context, answer)?;
                self.confirming(context, written, reservation, next)
            }
            (State::Creating(mut create), answer) => {
                let next = create.step(context, answer)?;
                self.creating(context, create, next)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

impl<T: Clone + PartialEq, E> Login<T, E> {
    /// Refuses a sign-in that cannot be answered, or that another site may have forged.
    fn check<C: Context>(&self, context: &C, session: &SessionState<T>) -> Result<(), Failure> {
        if !context.can_send_key() {
            return Err(Failure::HeadersSent);
        }
        let presented = match session {
            SessionState::Live(loaded) => loaded.key(),
            SessionState::Former(former) => Some(&former.key),
            SessionState::Absent(_) | SessionState::Over => None,
        };
        let usual = presented.map_or(context.policy().carrier(), Key::carrier);
        if self.login.carrier.unwrap_or(usual) == Carrier::Bearer {
            // No cookie is set, so no browser can be signed in by another site.
            return if context.policy().bearer { Ok(()) } else { Err(Failure::NoBearer) };
        }
        let is_verified = self.login.is_cross_site_verified;
        let is_withheld = matches!(session, SessionState::Absent(NoSession::Withheld));
        if context.rules().is_login_forged(context.origin(), is_verified)
            || (is_withheld && !is_verified)
        {
            return Err(Failure::CrossSite);
        }
        Ok(())
    }

    /// Signs in on a session that is open to the request.
    fn sign_in<C>(&mut self, context: &C, loaded: Loaded<T>) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        if context.rules().plan_sign_in(&loaded.record, &self.login.principal) == SignIn::Keep {
            return self.reserve(context, loaded);
        }
        // First the new session: a sign-in that is refused ends nothing.
        self.other = Some(loaded);
        self.create(context)
    }

    /// Signs in on a session that was open to the request's key once, if it is the same
    /// principal's.
    fn sign_in_again<C>(&mut self, context: &C, former: FormerKey) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        let FormerKey { key, record, .. } = former;
        let Some(record) = record else { return self.create(context) };
        let credential = Credential::Key(key);
        let status = judge_credential(context, &credential, &record);
        let Ok(value) = decode(context, credential.id(), record.payload()) else {
            return self.create(context);
        };
        if !plan::admits(status, &record, &self.login, plan::admits_reused(context)) {
            return self.create(context);
        }
        // A session that a revocation should have ended is not taken up again.
        let at = record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        let until = record.absolute_deadline().after(INDEX_MARGIN);
        let principal = self.login.principal.clone();
        let login = index_login(context, principal, credential.id(), until, at);
        self.state = State::Checking(Loaded { credential, record, value });
        Ok(Step::Ask(Ask::IndexLogin(login)))
    }

    /// Enters the session in the principal index.
    fn reserve<C>(&mut self, context: &C, loaded: Loaded<T>) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        let (now, id) = (context.now(), loaded.id());
        let presented = self.presented.clone().filter(|key| key.id() == id);
        let Some(presented) = presented.or_else(|| loaded.key().cloned()) else {
            return Err(Failure::HeadersSent);
        };
        let lifetime = self.login.lifetime.unwrap_or(*loaded.record.lifetime());
        let (until, at) = (lifetime.absolute_deadline(now), self.login.authenticated_at(now));
        let (login, client) = (self.login.clone(), self.client(context));
        let Some(edit) = self.edit.take() else { return Err(Failure::OutOfOrder) };
        let known = loaded.record.authenticated_at();
        let plan = Box::new(SignInPlan {
            login,
            client,
            at,
            known,
            refusal: None,
            presented,
            nonce: None,
            seed: None,
            drops_device: false,
            admits_reused: plan::admits_reused(context),
            before: None,
            edit,
        });
        let mut reservation = Reservation::new(self.login.principal.clone(), id, until, at);
        let next = reservation.reserve(context, self.has_turn)?;
        self.has_turn = true;
        self.reserving(context, loaded, plan, reservation, next)
    }

    /// Writes the sign-in, once the session is in the principal index.
    fn reserving<C>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        plan: Box<SignInPlan<E>>,
        reservation: Reservation,
        next: Step<()>,
    ) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        match next {
            Step::Ask(ask) => {
                self.state = State::Reserving(loaded, plan, reservation);
                Ok(Step::Ask(ask))
            }
            Step::Done(()) => {
                let key = loaded.key().cloned();
                let write = Write::new(SessionState::Live(loaded), *plan);
                let mut write = Box::new(write.with_turn(self.has_writer_turn));
                let next = write.start(context);
                self.writing(context, Writing { write, reservation, key }, next)
            }
        }
    }

    /// Confirms the entry in the index, once the sign-in is written.
    fn writing<C>(
        &mut self,
        context: &C,
        mut writing: Writing<T, E>,
        next: Next<Written<T, ()>>,
    ) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        match next {
            Ok(Step::Ask(ask)) => {
                self.state = State::Writing(writing);
                Ok(Step::Ask(ask))
            }
            Ok(Step::Done(written)) => {
                let record = writing.record_state(&written);
                if let SessionState::Live(loaded) = &written.session {
                    writing.reservation.last_until(loaded.record.absolute_deadline());
                }
                self.drops_device = writing.write.plan().drops_device;
                if record != RecordState::Repeated {
                    writing.reservation.restore(writing.write.plan().before.clone());
                }
                let next = writing.reservation.confirm(context, record)?;
                self.confirming(context, written, writing.reservation, next)
            }
            Err(Failure::Superseded) if writing.write.plan().refusal == Some(Refusal::Answered) => {
                Err(Failure::Superseded)
            }
            Err(Failure::NoSession(_) | Failure::Superseded) => {
                // Also if the new session is then refused.
                if let Some(key) = &writing.key {
                    context.retract_key(key);
                }
                self.has_writer_turn = writing.write.has_turn();
                let plan = writing.write.into_plan();
                self.edit = Some(plan.edit);
                if plan.refusal != Some(Refusal::Overtaken) {
                    return self.create(context);
                }
                self.count_attempt()?;
                let id = plan.presented.id();
                self.state = State::Overtaken(plan.presented);
                Ok(Step::Ask(Ask::Get(id)))
            }
            Err(failure) => Err(failure),
        }
    }

    fn confirming<C: Context<Value = T>>(
        &mut self,
        context: &C,
        written: Written<T, ()>,
        reservation: Reservation,
        next: Step<()>,
    ) -> Next<Written<T, ()>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Confirming(written, reservation);
                Ok(Step::Ask(ask))
            }
            Step::Done(()) => {
                if let SessionState::Live(loaded) = &written.session {
                    let (id, principal) = (loaded.id(), &self.login.principal);
                    context.report(&Event::Renewed { id });
                    context.report(&Event::SignedIn { id, principal });
                    if self.drops_device {
                        context.report(&Event::Unbound { id });
                    }
                }
                Ok(Step::Done(written))
            }
        }
    }

    /// Signs in on a new session.
    fn create<C>(&mut self, context: &C) -> Next<Written<T, ()>>
    where
        C: Context<Value = T>,
        E: Edit<C>,
    {
        let carrier = self.login.carrier.unwrap_or(context.policy().carrier());
        let key = context.new_key()?.carried_by(carrier);
        let lifetime = self.login.lifetime.unwrap_or_else(|| context.lifetime());
        let default = context.default_value();
        let edited = self.edit.as_mut().and_then(|edit| edit.edit(context, Some(&default)));
        let value = Some(edited.unwrap_or(default));
        let mut create = Create::new(key, value, lifetime, self.client(context))
            .with_login(Some(self.login.clone()))
            .with_turn(self.has_turn);
        let next = create.start(context)?;
        self.creating(context, create, next)
    }

    fn creating<C: Context<Value = T>>(
        &mut self,
        context: &C,
        create: Create<T>,
        next: Step<Created<T>>,
    ) -> Next<Written<T, ()>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Creating(create);
                Ok(Step::Ask(ask))
            }
            Step::Done(Created::New(loaded) | Created::Existing(loaded)) => {
                let cookie = first_cookie(context, &loaded, loaded.record.created());
                let session = SessionState::Live(loaded);
                let written = Written { session, cookie, result: (), changed: true };
                match self.other.take() {
                    Some(other) => self.switch(context, written, other),
                    None => Ok(Step::Done(written)),
                }
            }
            Step::Done(Created::Taken) => Err(Failure::Conflict),
        }
    }

    /// What the request says about its client, with the label that the sign-in gives it.
    fn client<C: Context<Value = T>>(&self, context: &C) -> ClientInfo {
        client_of(context, &self.login)
    }
}

/// What the request says about its client, with the label that `login` gives it.
pub(super) fn client_of<C: Context>(context: &C, login: &policy::Login) -> ClientInfo {
    match login.client.label() {
        Some(label) => context.client().with_label(label),
        None => context.client(),
    }
}

//! Signing in: on the session that there is, or on a new one.

use std::mem;

use super::super::{Failure, NoSession, Rules as _, SignIn};
use super::create::{Create, Created};
use super::end::report_end;
use super::plans::fresh_secret;
use super::reservation::Reservation;
use super::write::first_cookie;
use super::{
    Answer, Ask, Context, Draft, Loaded, Next, Plan, Planned, SessionState, Step, Steps, Write,
    Written,
};
use crate::key::{Key, PublicId, Secret};
use crate::observe::Event;
use crate::policy::{self, ClientInfo};
use crate::record::EndReason;
use crate::time::Timestamp;

/// Signs a user in, under a fresh key: from then on the old one opens and writes nothing.
///
/// The session stays, unless another principal was signed in on it: that session is ended and a new
/// one created. A new one is created, too, if the key was replaced or the session ended meanwhile,
/// so the user is signed in either way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login<T> {
    login: policy::Login,
    state: State<T>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Over,
    Starting(SessionState<T>),
    /// Another principal's session is being ended.
    Switching(PublicId),
    Reserving(Loaded<T>, SignInPlan, Reservation),
    Writing(Writing<T>),
    Confirming(Written<T, ()>, Reservation),
    Creating(Create<T>),
}

/// A sign-in that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Writing<T> {
    write: Box<Write<T, SignInPlan, ()>>,
    reservation: Reservation,
    /// The key that it replaces.
    key: Option<Key>,
}

impl<T> Login<T> {
    /// Signs in as `login` says, in a request with this session.
    pub fn new(session: SessionState<T>, login: policy::Login) -> Self {
        Self { login, state: State::Starting(session) }
    }
}

impl<C: Context> Steps<C> for Login<C::Value> {
    type Outcome = Written<C::Value, ()>;

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        if !context.can_send_key() {
            return Err(Failure::HeadersSent);
        }
        let State::Starting(SessionState::Live(loaded)) = mem::take(&mut self.state) else {
            return self.create(context, false);
        };
        let (now, id) = (context.now(), loaded.id());
        if context.rules().plan_sign_in(&loaded.record, &self.login.principal) == SignIn::Switch {
            self.state = State::Switching(id);
            let ending = context.rules().end(EndReason::SignedInAsAnother, now);
            return Ok(Step::Ask(Ask::End(id, ending)));
        }
        let lifetime = self.login.lifetime.unwrap_or(*loaded.record.lifetime());
        let (until, at) = (lifetime.absolute_deadline(now), self.login.authenticated_at(now));
        let (login, client) = (self.login.clone(), self.client(context));
        let plan = SignInPlan { login, client, at, fresh: None };
        let mut reservation = Reservation::new(self.login.principal.clone(), id, until, at);
        let next = reservation.reserve(context, false)?;
        self.reserving(context, loaded, plan, reservation, next)
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::Switching(id), Answer::Ended(ended)) => {
                report_end(context, id, EndReason::SignedInAsAnother, ended)?;
                self.create(context, false)
            }
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

impl<T: Clone + PartialEq> Login<T> {
    /// Writes the sign-in, once the session is in the principal index.
    fn reserving<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        plan: SignInPlan,
        reservation: Reservation,
        next: Step<()>,
    ) -> Next<Written<T, ()>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Reserving(loaded, plan, reservation);
                Ok(Step::Ask(ask))
            }
            Step::Done(()) => {
                let key = loaded.key().cloned();
                let mut write = Box::new(Write::new(SessionState::Live(loaded), plan));
                let next = write.start(context);
                self.writing(context, Writing { write, reservation, key }, next)
            }
        }
    }

    /// Confirms the entry in the index, once the sign-in is written.
    fn writing<C: Context<Value = T>>(
        &mut self,
        context: &C,
        mut writing: Writing<T>,
        next: Next<Written<T, ()>>,
    ) -> Next<Written<T, ()>> {
        match next {
            Ok(Step::Ask(ask)) => {
                self.state = State::Writing(writing);
                Ok(Step::Ask(ask))
            }
            Ok(Step::Done(written)) => {
                let next = writing.reservation.confirm(context)?;
                self.confirming(context, written, writing.reservation, next)
            }
            Err(Failure::NoSession(_) | Failure::Superseded) => {
                // Also if the new session is then refused.
                if let Some(key) = &writing.key {
                    context.retract_key(key);
                }
                self.create(context, true)
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
                }
                Ok(Step::Done(written))
            }
        }
    }

    /// Signs in on a new session, with the turn among the principal's sign-ins or without.
    fn create<C: Context<Value = T>>(
        &mut self,
        context: &C,
        has_turn: bool,
    ) -> Next<Written<T, ()>> {
        let key = context.new_key()?;
        let lifetime = self.login.lifetime.unwrap_or_else(|| context.lifetime());
        let value = Some(context.default_value());
        let mut create = Create::new(key, value, lifetime, self.client(context))
            .with_login(Some(self.login.clone()))
            .with_turn(has_turn);
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
                Ok(Step::Done(Written { session, cookie, result: (), changed: true }))
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

/// The write of a sign-in on a session that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SignInPlan {
    login: policy::Login,
    client: ClientInfo,
    at: Timestamp,
    fresh: Option<Secret>,
}

impl<C: Context> Plan<C> for SignInPlan {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        let (rules, login) = (context.rules(), &self.login);
        if rules.plan_sign_in(&loaded.record, &login.principal) == SignIn::Switch {
            // Another principal signed in on it while this login lost a race.
            return Err(Failure::NoSession(NoSession::Retired));
        }
        let key = loaded.key_with(fresh_secret(context, &mut self.fresh)?);
        let record = match login.lifetime {
            Some(lifetime) => &rules.give_lifetime(&loaded.record, lifetime, now),
            None => &loaded.record,
        };
        let verifier = key.verifier(context.policy().kind);
        let record = rules.sign_in(record, &login.principal, verifier, now);
        let record = record.edited(|fields| {
            (fields.authenticated_at, fields.assurance) = (self.at, login.assurance);
            fields.client = fields.client.seen_as(&self.client);
        });
        Ok(Planned::Write(Draft { record, value: loaded.value.clone(), fresh: Some(key) }, ()))
    }
}

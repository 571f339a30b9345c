//! Importing a session of another library, under a key derived from its token.

use std::mem;
use std::net::IpAddr;

use super::super::{CookieChange, Failure, NoSession, PresentedKeys};
use super::create::{Create, Created};
use super::login::client_of;
use super::open::{Open, Opened};
use super::reservation::Reservation;
use super::{Answer, Ask, Context, Next, SessionState, Step, Steps};
use crate::key::Key;
use crate::observe::Event;
use crate::policy::Login;
use crate::record::{Record, Stored};
use crate::store::StoreErrorKind;

/// Imports a session of another library, or opens the one that was imported.
///
/// It is over twice if nothing was imported yet: first with [`Imported::Load`], and then, started
/// again after [`with_old`](Import::with_old), with its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Import<T> {
    key: Key,
    client: Option<IpAddr>,
    state: State<T>,
}

/// The result of an import.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Imported<T> {
    /// No session was imported under this key: load the old one.
    Load,
    /// There is no old session, or its user's sign-in was refused.
    Nothing,
    /// The imported session, or why it is not open to this key.
    Found {
        /// What the request has from now on.
        session: SessionState<T>,
        /// What the response does to the cookie.
        cookie: CookieChange,
        /// Whether the imported session has ended: there is nothing left to import.
        has_ended: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Over,
    Starting,
    LookingUp,
    /// The old session, if there is one.
    Loaded(Option<(T, Option<Login>)>),
    /// Another request may have imported it meanwhile, and the old session been deleted.
    LookingAgain,
    Creating(Create<T>),
    /// The sign-in is entered in the index again: its creator may have been interrupted.
    Confirming(Reservation, Confirmation),
    Opening(Open<T>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Confirmation {
    First,
    Last,
}

impl<T> Import<T> {
    /// Imports a session under `key`, for a request without a session of ours.
    pub fn new(key: Key, client: Option<IpAddr>) -> Self {
        Self { key, client, state: State::Starting }
    }

    /// The same operation, once the old session was looked for.
    #[must_use = "the changed operation is returned"]
    pub fn with_old(self, old: Option<(T, Option<Login>)>) -> Self {
        Self { state: State::Loaded(old), ..self }
    }
}

impl<C: Context> Steps<C> for Import<C::Value> {
    type Outcome = Imported<C::Value>;

    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        match mem::take(&mut self.state) {
            State::Starting => {
                self.state = State::LookingUp;
                Ok(Step::Ask(Ask::Get(self.key.id())))
            }
            State::Loaded(Some((value, login))) => self.create(context, value, login),
            State::Loaded(None) => {
                self.state = State::LookingAgain;
                Ok(Step::Ask(Ask::Get(self.key.id())))
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::LookingUp, Answer::Stored(Ok(None))) => Ok(Step::Done(Imported::Load)),
            (State::LookingUp | State::LookingAgain, Answer::Stored(found)) => match found? {
                Some(Stored::Live(record)) => self.confirm(context, &record),
                Some(Stored::Ended(_)) => self.open(context),
                None => {
                    context.report(&Event::UnknownImport { client: self.client });
                    Ok(Step::Done(Imported::Nothing))
                }
            },
            (State::Creating(mut create), answer) => {
                let next = create.step(context, answer);
                self.creating(context, create, next)
            }
            (State::Confirming(mut reservation, at), answer) => {
                let next = reservation.step(context, answer);
                self.confirming(context, reservation, at, next)
            }
            (State::Opening(mut open), answer) => {
                let next = open.step(context, answer)?;
                self.opening(open, next)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

impl<T: Clone + PartialEq> Import<T> {
    /// Creates the session under the derived key, unless another request is first.
    fn create<C: Context<Value = T>>(
        &mut self,
        context: &C,
        value: T,
        login: Option<Login>,
    ) -> Next<Imported<T>> {
        let lifetime = login.as_ref().and_then(|login| login.lifetime);
        let client = match &login {
            Some(login) => client_of(context, login),
            None => context.client(),
        };
        let lifetime = lifetime.unwrap_or_else(|| context.lifetime());
        let mut create = Create::new(self.key.clone(), Some(value), lifetime, client)
            .with_login(login)
            .imported();
        let next = create.start(context);
        self.creating(context, create, next)
    }

    fn creating<C: Context<Value = T>>(
        &mut self,
        context: &C,
        create: Create<T>,
        next: Next<Created<T>>,
    ) -> Next<Imported<T>> {
        match next {
            Ok(Step::Ask(ask)) => {
                self.state = State::Creating(create);
                Ok(Step::Ask(ask))
            }
            // The request that created it may have changed it since: open it as it is now.
            Ok(Step::Done(_)) | Err(Failure::Superseded | Failure::Corrupt(_)) => {
                self.open(context)
            }
            Err(Failure::StoreFailed(error)) if error.kind() == StoreErrorKind::Corrupt => {
                self.open(context)
            }
            Err(failure) => unless_refused(failure),
        }
    }

    /// The session exists. If a user is signed in on it and it was never used, the request that
    /// created it may have been interrupted before its sign-in was certain.
    fn confirm<C: Context<Value = T>>(
        &mut self,
        context: &C,
        record: &Record,
    ) -> Next<Imported<T>> {
        let Some(principal) = record.principal().filter(|_| !record.credentials().is_renewed())
        else {
            return self.open(context);
        };
        let mut reservation = Reservation::of_record(self.key.id(), record, principal.clone());
        let next = reservation.reserve(context, false);
        self.confirming(context, reservation, Confirmation::First, next)
    }

    fn confirming<C: Context<Value = T>>(
        &mut self,
        context: &C,
        mut reservation: Reservation,
        at: Confirmation,
        next: Next<()>,
    ) -> Next<Imported<T>> {
        match (next, at) {
            (Ok(Step::Ask(ask)), at) => {
                self.state = State::Confirming(reservation, at);
                Ok(Step::Ask(ask))
            }
            (Ok(Step::Done(())), Confirmation::First) => {
                let record = reservation.record().clone();
                let next = reservation.confirm(context, record);
                self.confirming(context, reservation, Confirmation::Last, next)
            }
            (Ok(Step::Done(())), Confirmation::Last) => self.open(context),
            (Err(failure), _) => unless_refused(failure),
        }
    }

    fn open<C: Context<Value = T>>(&mut self, context: &C) -> Next<Imported<T>> {
        let keys = PresentedKeys::one(self.key.clone());
        let mut open = Open::new(keys, self.client);
        let next = open.start(context)?;
        self.opening(open, next)
    }

    fn opening(&mut self, open: Open<T>, next: Step<Opened<T>>) -> Next<Imported<T>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Opening(open);
                Ok(Step::Ask(ask))
            }
            Step::Done(Opened { session, cookie, .. }) => {
                let has_ended = matches!(session, SessionState::Absent(NoSession::Ended(_)));
                Ok(Step::Done(Imported::Found { session, cookie, has_ended }))
            }
        }
    }
}

/// A refused sign-in fails no request: its client has no session.
fn unless_refused<T>(failure: Failure) -> Next<Imported<T>> {
    match failure {
        Failure::LoginRevoked | Failure::TooManySessions => Ok(Step::Done(Imported::Nothing)),
        failure => Err(failure),
    }
}

//! Creating a session: its first write.

use std::mem;

use super::super::{Failure, Rules as _, begin, force_renewal};
use super::login::may_offer;
use super::reservation::{RecordState, Reservation};
use super::session::load_record;
use super::{Answer, Ask, Context, Credential, KeptError, Loaded, Next, Step, Steps};
use crate::key::{Key, KeyFamily};
use crate::observe::Event;
use crate::policy::{ClientInfo, Lifetime, Login};
use crate::record::{Revision, Stored};
use crate::store::{Inserted, Outcome, StoreError};
use crate::time::Timestamp;
use crate::value::Payload;

/// How many new ids can turn out to be taken before something is wrong with the randomness.
const MAX_ID_ATTEMPTS: u8 = 4;

/// Stores a new session, with its sign-in if there is one.
///
/// A sign-in is entered in the principal index before the record is written, and again after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Create<T> {
    key: Key,
    value: Option<T>,
    lifetime: Lifetime,
    client: ClientInfo,
    login: Option<Box<Login>>,
    /// The key is derived from another library's token: no other key will do, and it is to be
    /// renewed at its first use.
    is_imported: bool,
    attempts: u8,
    /// Whether the operation has its turn among the principal's sign-ins.
    has_turn: bool,
    /// Its entry in the principal index, while the record is being written.
    reservation: Option<Box<Reservation>>,
    state: State<T>,
}

/// The result of creating a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Created<T> {
    /// The session exists now.
    New(Loaded<T>),
    /// The session existed, and the key opens it: another handle of this request, or another
    /// import, created it.
    Existing(Loaded<T>),
    /// The id of the imported session belongs to another.
    Taken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State<T> {
    #[default]
    Idle,
    Reserving(Loaded<T>, Box<Reservation>),
    Inserting(Loaded<T>),
    /// The first write may have happened. Repeating it is safe: if it did, the id is taken by it.
    Repeating(Loaded<T>, KeptError),
    /// Whose is the id? If the first write may have happened, with its error.
    Resolving(Loaded<T>, Option<KeptError>),
    Confirming(Created<T>, Box<Reservation>),
}

impl<T> Create<T> {
    /// Creates a session under `key`, or under another one if its id is taken.
    pub(super) fn new(key: Key, value: Option<T>, lifetime: Lifetime, client: ClientInfo) -> Self {
        let state = State::Idle;
        Self {
            key,
            value,
            lifetime,
            client,
            login: None,
            is_imported: false,
            attempts: 0,
            has_turn: false,
            reservation: None,
            state,
        }
    }

    /// The same, with a user who signs in on it.
    pub(super) fn with_login(mut self, login: Option<Login>) -> Self {
        self.login = login.map(Box::new);
        self
    }

    /// The same, in an operation that has its turn among the principal's sign-ins or not.
    pub(super) fn with_turn(mut self, has_turn: bool) -> Self {
        self.has_turn = has_turn;
        self
    }

    /// The same, under a key that was derived from another library's token.
    pub(super) fn imported(mut self) -> Self {
        self.is_imported = true;
        self
    }
}

impl<C: Context> Steps<C> for Create<C::Value> {
    type Outcome = Created<C::Value>;

    #[inline(always)]
    fn start(&mut self, context: &C) -> Next<Self::Outcome> {
        let loaded = self.prepare(context)?;
        let Some(login) = &self.login else { return self.insert(context, loaded) };
        let at = loaded.record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        let until = loaded.record.absolute_deadline();
        let mut reservation =
            Box::new(Reservation::new(login.principal.clone(), loaded.id(), until, at));
        let next = reservation.reserve(context, self.has_turn)?;
        self.has_turn = true;
        self.reserving(context, loaded, reservation, next)
    }

    #[inline(always)]
    fn step(&mut self, context: &C, answer: Answer) -> Next<Self::Outcome> {
        match (mem::take(&mut self.state), answer) {
            (State::Reserving(loaded, mut reservation), answer) => {
                let next = reservation.step(context, answer)?;
                self.reserving(context, loaded, reservation, next)
            }
            (State::Confirming(created, mut reservation), answer) => {
                let next = reservation.step(context, answer)?;
                self.confirming(context, created, reservation, next)
            }
            (State::Inserting(loaded), Answer::Inserted(Err(error)))
                if error.outcome() == Outcome::Unknown =>
            {
                let ask = Ask::Insert(loaded.id(), loaded.record.clone());
                self.state = State::Repeating(loaded, KeptError(error));
                Ok(Step::Ask(ask))
            }
            (State::Inserting(loaded), Answer::Inserted(inserted)) => {
                self.inserted(context, loaded, None, inserted)
            }
            // If it is not sent this time, the outcome of the first write stays unknown.
            (State::Repeating(loaded, first), Answer::Inserted(inserted)) => {
                let inserted = inserted.map_err(|_| first.0.clone());
                self.inserted(context, loaded, Some(first), inserted)
            }
            (State::Resolving(loaded, first), Answer::Stored(found)) => {
                self.resolve(context, loaded, first, found)
            }
            _ => Err(Failure::OutOfOrder),
        }
    }
}

impl<T: Clone + PartialEq> Create<T> {
    /// The session and its first record, not yet stored.
    #[inline(always)]
    fn prepare<C: Context<Value = T>>(&mut self, context: &C) -> Result<Loaded<T>, Failure> {
        let now = context.now();
        let payload = match &self.value {
            Some(value) => context.payload(value, &Payload::unset()).map_err(Failure::Unfit)?,
            None => Payload::unset(),
        };
        let kind = context.policy().kind;
        let verifier = self.key.verifier(kind);
        let revision = Revision::new(1, context.token());
        let principal = self.login.as_ref().map(|login| login.principal.clone());
        let mut record = begin(kind, verifier, self.lifetime, principal, payload, revision, now);
        if self.client.is_known() {
            record = record.edited(|fields| fields.client = self.client.clone());
        }
        if self.is_imported {
            // Anyone who knows the token can derive this key, and must not be able to derive the
            // next.
            record = force_renewal(&record, KeyFamily::from_bytes(context.random()?));
        }
        if let Some(login) = &self.login {
            let at =
                if self.is_imported { login.imported_at(now) } else { login.authenticated_at(now) };
            record = record.edited(|fields| {
                (fields.authenticated_at, fields.assurance) = (at, login.assurance);
            });
        }
        let carrier = self.key.carrier();
        if self.login.is_some() && !self.is_imported && may_offer(context, &record, carrier) {
            record = context.rules().offer_binding(&record, context.random()?, now);
        }
        let credential = Credential::Key(self.key.clone());
        Ok(Loaded { credential, record, value: self.value.take() })
    }

    fn reserving<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        reservation: Box<Reservation>,
        next: Step<()>,
    ) -> Next<Created<T>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Reserving(loaded, reservation);
                Ok(Step::Ask(ask))
            }
            Step::Done(()) => {
                self.reservation = Some(reservation);
                self.insert(context, loaded)
            }
        }
    }

    #[inline(always)]
    fn insert<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
    ) -> Next<Created<T>> {
        // The response may have been sent while the sign-in waited for the store.
        if self.login.is_some() && !context.can_send_key() {
            return Err(Failure::HeadersSent);
        }
        let ask = Ask::Insert(loaded.id(), loaded.record.clone());
        self.state = State::Inserting(loaded);
        Ok(Step::Ask(ask))
    }

    #[inline(always)]
    fn inserted<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        first: Option<KeptError>,
        inserted: Result<Inserted, StoreError>,
    ) -> Next<Created<T>> {
        match inserted? {
            Inserted::Done => self.confirm(context, Created::New(loaded)),
            Inserted::Taken => {
                let id = loaded.id();
                self.state = State::Resolving(loaded, first);
                Ok(Step::Ask(Ask::Get(id)))
            }
        }
    }

    /// Finds out whether a taken id belongs to this write, to this key's session, or to another.
    fn resolve<C: Context<Value = T>>(
        &mut self,
        context: &C,
        loaded: Loaded<T>,
        first: Option<KeptError>,
        found: Result<Option<Stored>, StoreError>,
    ) -> Next<Created<T>> {
        let ours = loaded.record.revision();
        // What failed now says nothing of the first write.
        let found = found.map_err(|error| first.as_ref().map_or(error, |first| first.0.clone()))?;
        match found {
            Some(Stored::Live(record)) if record.revision() == ours => {
                self.confirm(context, Created::New(loaded))
            }
            Some(Stored::Live(record)) => {
                let has_changed = record.revision().count() > ours.count();
                match (load_record(context, &loaded.credential, record), first) {
                    // Another handle has changed the session since: it cannot be known whether it
                    // was this write that created it, and a change must not be made twice.
                    (Ok(_), Some(first)) if has_changed && !self.is_imported => Err(first.0.into()),
                    (Ok(existing), _) => self.confirm(context, Created::Existing(existing)),
                    (Err(Failure::NoSession(_)), _) => self.taken(context, loaded.value),
                    (Err(failure), _) => Err(failure),
                }
            }
            _ => self.taken(context, loaded.value),
        }
    }

    /// The id belongs to another session: tries another key, if another will do.
    fn taken<C: Context<Value = T>>(&mut self, context: &C, value: Option<T>) -> Next<Created<T>> {
        if self.is_imported {
            return Ok(Step::Done(Created::Taken));
        }
        // A sign-in has a key of its own. All other handles share the request's first key.
        let is_first_key = self.login.is_none();
        if is_first_key {
            context.forget_first_key();
        }
        self.attempts += 1;
        if self.attempts == MAX_ID_ATTEMPTS {
            return Err(Failure::Conflict);
        }
        let carrier = self.key.carrier();
        let key = if is_first_key { context.first_key()? } else { context.new_key()? };
        self.key = key.carried_by(carrier);
        self.value = value;
        self.start(context)
    }

    /// Confirms the sign-in, also on a session that existed: its creator may have been interrupted
    /// before this step.
    #[inline(always)]
    fn confirm<C: Context<Value = T>>(
        &mut self,
        context: &C,
        created: Created<T>,
    ) -> Next<Created<T>> {
        let Some(mut reservation) = self.reservation.take() else {
            return finish(context, created);
        };
        let record = match &created {
            Created::New(loaded) | Created::Existing(loaded) => {
                RecordState::Written(loaded.record.clone())
            }
            Created::Taken => RecordState::Unwritten,
        };
        let next = reservation.confirm(context, record)?;
        self.confirming(context, created, reservation, next)
    }

    fn confirming<C: Context<Value = T>>(
        &mut self,
        context: &C,
        created: Created<T>,
        reservation: Box<Reservation>,
        next: Step<()>,
    ) -> Next<Created<T>> {
        match next {
            Step::Ask(ask) => {
                self.state = State::Confirming(created, reservation);
                Ok(Step::Ask(ask))
            }
            Step::Done(()) => finish(context, created),
        }
    }
}

#[inline(always)]
fn finish<C: Context>(context: &C, created: Created<C::Value>) -> Next<Created<C::Value>> {
    if let Created::New(loaded) = &created {
        let id = loaded.id();
        context.report(&Event::Created { id });
        if let Some(principal) = loaded.record.principal() {
            context.report(&Event::SignedIn { id, principal });
        }
    }
    Ok(Step::Done(created))
}

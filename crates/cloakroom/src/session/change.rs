//! How a session's changes are made: begun, written, ended, and made known to the request's other handles.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::cell::{Cell, Holding};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::io::Io;
use crate::lifetime::Lifetime;
use crate::login::Login;
use crate::manager::{Attempt, Beginning, Created, Draft, Held, MINTS, Manager, Plan, Written};
use crate::observer::Event;
use crate::payload::{Holder, Payload};
use crate::protocol::{self, CookieChange, SignIn, Vacancy};
use crate::record::EndReason;
use crate::time::Timestamp;
use crate::value::{Kind, Value};

impl<V: Value, K: Kind> Session<V, K> {
    pub(super) async fn sign_in_here(&mut self, login: &Login) -> Result<(), Error> {
        let manager = Arc::clone(&self.cell.manager);
        let fresh = manager.secret()?;
        let Some(held) = self.held() else { return Err(Error::vacant(Vacancy::Unknown)) };
        let now = manager.now();
        let lifetime = login.lifetime.unwrap_or(*held.record.lifetime());
        let (until, at) = (lifetime.absolute_deadline(now), login.authenticated_at(now));
        let entrance = manager.enter(&login.principal, held.id(), until, at).await?;
        let client = self.cell.client(&login.client);
        let signed_in = self.plan(|manager, held, now| {
            if protocol::plan_sign_in(&held.record, &login.principal) == SignIn::Switch {
                // Somebody else signed in on it while this login lost a race: not ours to take over.
                return Err(Error::vacant(Vacancy::Replaced));
            }
            let key = held.key_with(&fresh);
            let record = match login.lifetime {
                Some(lifetime) => &protocol::give_lifetime(&held.record, lifetime, now),
                None => &held.record,
            };
            let record = protocol::sign_in(record, &login.principal, manager.verifier(&key), now);
            let record = record.edited(|facts| {
                (facts.authenticated_at, facts.assurance) = (at, login.assurance);
                facts.client = facts.client.seen_as(&client);
            });
            Ok(Plan::Write(Draft { record, value: held.value.clone(), fresh: Some(key) }, ()))
        });
        let written = signed_in.await?;
        manager.confirm_entrance(entrance).await?;
        self.publish(written);
        self.report_renewal();
        if let Some(id) = self.id() {
            manager.observe(&Event::SignedIn { id, principal: &login.principal });
        }
        Ok(())
    }

    /// Signs in on a new session.
    pub(super) async fn sign_in_anew(&mut self, login: Login) -> Result<(), Error> {
        let lifetime = login.lifetime.unwrap_or(self.manager().lifetime());
        self.create(Some(V::default()), lifetime, Some(login)).await
    }

    /// Begins a session under a new key, whatever this handle held.
    pub(crate) async fn begin_anew(&mut self, value: Option<V>, lifetime: Lifetime) -> Result<(), Error> {
        self.create(value, lifetime, None).await
    }

    async fn create(
        &mut self,
        value: Option<V>,
        lifetime: Lifetime,
        login: Option<Login>,
    ) -> Result<(), Error> {
        let manager = self.manager();
        let client = self.cell.client(login.as_ref().map_or(&Client::new(), |login| &login.client));
        let value = value.map(|value| manager.holder(value));
        let held = Io::future(manager.create_fresh(lifetime, client, value, login)).await?;
        Minted { seen: &mut self.seen, modified: &mut self.modified }.hold(&self.cell, held);
        Ok(())
    }

    /// Keeps a signed-in session in its principal's directory for as long as it will live.
    pub(super) async fn readmit(&self, lifetime: Lifetime) -> Result<(), Error> {
        let Some((held, principal)) = self.held().zip(self.principal()) else { return Ok(()) };
        let manager = self.manager();
        manager.readmit(principal, held.id(), lifetime.absolute_deadline(manager.now())).await
    }

    pub(super) async fn put(&mut self, value: V, expiry: Option<Duration>) -> Result<(), Error> {
        self.adopt();
        self.check_writable()?;
        let lifetime = self.manager().lifetime();
        let lifetime = expiry.map_or(lifetime, |expiry| lifetime.exactly(expiry));
        if self.is_vacant() && self.begin(self.manager().holder(value.clone()), lifetime).await? {
            return Ok(());
        }
        if expiry.is_some() {
            self.readmit(lifetime).await?;
        }
        let renews = self.cell.renews();
        self.write(|manager, held, now| {
            let planned = to_value(manager, held, value.clone(), expiry, now);
            match planned {
                Plan::Write(draft, ()) if expiry.is_some() => {
                    Ok(Plan::Write(outlasting(manager, held, draft, renews, now)?, ()))
                }
                planned => Ok(planned),
            }
        })
        .await
    }

    /// Begins a session for a vacant handle; false if another handle of this request was first.
    pub(super) fn begin(&mut self, value: Arc<Holder<V>>, lifetime: Lifetime) -> Io<'_, Result<bool, Error>> {
        if let Err(error) = self.check_writable() {
            return Io::ready(Err(error));
        }
        let Self { cell, seen, modified, .. } = self;
        let (cell, mut handle): (&Cell<V>, _) = (cell, Minted { seen, modified });
        match create(cell, &value, lifetime).at_once() {
            Ok(Ok(Created::New(held))) => {
                handle.hold(cell, held);
                Io::ready(Ok(true))
            }
            Ok(created) => Io::future(handle.begin(cell, value, lifetime, Io::ready(created))),
            Err(creating) => Io::future(handle.begin(cell, value, lifetime, creating)),
        }
    }

    /// A vacant handle may begin a session only if its request did not end one for good and its key is not superseded.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        match &self.seen {
            Holding::Live(_) | Holding::Vacant(_) => Ok(()),
            Holding::Superseded => Err(Error::new(ErrorKind::Superseded)),
            Holding::Over => Err(Error::vacant(Vacancy::Ended(EndReason::Ended))),
        }
    }

    /// Every change of a live session goes through here.
    pub(super) async fn write<R>(
        &mut self,
        mut plan: impl FnMut(&Manager<V>, &Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> Result<R, Error> {
        let written = match self.attempt(&mut plan)? {
            Attempt::Done(written) => written,
            // Boxed, since it is a part of every handler's future, which is moved about.
            attempt => Box::pin(self.go_on(attempt, plan)).await?,
        };
        Ok(self.publish(written))
    }

    /// Plans and writes a change, which nobody knows of yet.
    async fn plan<R>(
        &self,
        mut plan: impl FnMut(&Manager<V>, &Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> Result<Written<V, R>, Error> {
        let attempt = self.attempt(&mut plan)?;
        Box::pin(self.go_on(attempt, plan)).await
    }

    fn attempt<R>(
        &self,
        plan: &mut impl FnMut(&Manager<V>, &Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> Result<Attempt<'_, V, R>, Error> {
        self.check_writable()?;
        let held = self.live()?;
        self.manager().attempt(held, plan).inspect_err(|error| self.retract(held, error))
    }

    async fn go_on<R>(
        &self,
        attempt: Attempt<'_, V, R>,
        plan: impl FnMut(&Manager<V>, &Held<V>, Timestamp) -> Result<Plan<V, R>, Error>,
    ) -> Result<Written<V, R>, Error> {
        let held = self.live()?;
        self.manager().go_on(held, attempt, plan).await.inspect_err(|error| self.retract(held, error))
    }

    /// Takes back a key that was about to be sent, if this is an error that tells of its end.
    fn retract(&self, held: &Held<V>, error: &Error) {
        if let (Some(key), ErrorKind::Superseded | ErrorKind::NotFound) = (held.key(), error.kind()) {
            self.cell.retract(key);
        }
    }

    fn live(&self) -> Result<&Held<V>, Error> {
        self.held().ok_or_else(|| Error::vacant(self.vacancy().unwrap_or(Vacancy::Unknown)))
    }

    /// Makes a change known to the request's other handles.
    fn publish<R>(&mut self, written: Written<V, R>) -> R {
        self.modified |= written.changed;
        self.seen = self.cell.publish(Holding::Live(written.held), written.cookie);
        written.result
    }

    /// Ends the session for `reason` and holds `after` from then on.
    pub(super) async fn finish(&mut self, reason: EndReason, after: Holding<V>) -> Result<(), Error> {
        self.adopt();
        if matches!(self.seen, Holding::Superseded) {
            return Err(Error::new(ErrorKind::Superseded));
        }
        if let Some(held) = self.held() {
            self.manager().end_held(held, reason).await?;
            self.modified = true;
        }
        let nothing_to_forget = matches!(self.seen, Holding::Vacant(Vacancy::NoKey));
        self.cell.give_up_intended();
        let cookie = if nothing_to_forget { CookieChange::Keep } else { CookieChange::Remove };
        self.seen = self.cell.publish(after, cookie);
        Ok(())
    }
}

/// A handle that a session is minted for.
struct Minted<'a, V> {
    seen: &'a mut Holding<V>,
    modified: &'a mut bool,
}

impl<V: Value> Minted<'_, V> {
    /// A session came to be under a key of this request.
    fn hold(&mut self, cell: &Cell<V>, held: Held<V>) {
        let now = held.record.created();
        self.hold_at(cell, held, now);
    }

    fn hold_at(&mut self, cell: &Cell<V>, held: Held<V>, now: Timestamp) {
        let cookie = held.key().map(|key| CookieChange::send(key.clone(), &held.record, now));
        *self.modified = true;
        *self.seen = cell.publish(Holding::Live(held), cookie.unwrap_or_default());
    }

    async fn begin(
        mut self,
        cell: &Cell<V>,
        value: Arc<Holder<V>>,
        lifetime: Lifetime,
        mut creating: Io<'_, Result<Created<V>, Error>>,
    ) -> Result<bool, Error> {
        for taken in 1.. {
            match creating.await? {
                Created::New(held) => {
                    self.hold(cell, held);
                    return Ok(true);
                }
                Created::Existing(held) => {
                    self.hold_at(cell, held, cell.manager.now());
                    return Ok(false);
                }
                Created::Taken => cell.give_up_intended(),
            }
            if taken == MINTS {
                break;
            }
            creating = create(cell, &value, lifetime);
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// Creates a session under the key that this request intends for it.
fn create<'a, V: Value>(
    cell: &'a Cell<V>,
    value: &Arc<Holder<V>>,
    lifetime: Lifetime,
) -> Io<'a, Result<Created<V>, Error>> {
    match cell.intended() {
        Ok((key, client)) => {
            let value = Some(Arc::clone(value));
            cell.manager.create(Beginning { key, lifetime, client, value })
        }
        Err(error) => Io::ready(Err(error)),
    }
}

impl<V, R> Plan<V, R> {
    pub(super) fn map<U>(self, change: impl FnOnce(R) -> U) -> Plan<V, U> {
        match self {
            Self::Keep(result) => Plan::Keep(change(result)),
            Self::Write(draft, result) => Plan::Write(draft, change(result)),
        }
    }
}

/// The write of a new value, and of a new expiry if there is one; none if nothing changes.
pub(super) fn to_value<V: Value>(
    manager: &Manager<V>,
    held: &Held<V>,
    value: V,
    expiry: Option<Duration>,
    now: Timestamp,
) -> Plan<V, ()> {
    if expiry.is_none() && held.value.as_ref().is_some_and(|holder| holder.value == value) {
        return Plan::Keep(());
    }
    let value = manager.holder(value);
    let payload = Payload::typed(Arc::clone(&value));
    let used = match expiry {
        Some(expiry) => protocol::extend(&held.record, expiry, now),
        None => protocol::used(&held.record, now),
    };
    let record = used.edited(|facts| facts.payload = payload);
    Plan::Write(Draft { record, value: Some(value), fresh: None }, ())
}

/// The draft with a renewal in the same write, if the cookie would end before the session.
pub(super) fn outlasting<V: Value>(
    manager: &Manager<V>,
    held: &Held<V>,
    draft: Draft<V>,
    renews: bool,
    now: Timestamp,
) -> Result<Draft<V>, Error> {
    let Some(key) = held.key().filter(|_| renews) else { return Ok(draft) };
    let nonce = manager.nonce()?;
    match protocol::outlast(&draft.record, key, manager.kind, nonce, now) {
        Some((record, key)) => Ok(Draft { record, fresh: Some(key), ..draft }),
        None => Ok(draft),
    }
}

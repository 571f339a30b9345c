//! How a session is changed: created, written, ended, and made known to the request's other
//! handles.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::manager::{
    Attempt, Created, Draft, LoadedSession, MAX_ID_ATTEMPTS, Manager, NewSession, Plan, PlanFn,
    Written,
};
use crate::observe::Event;
use crate::policy::{ClientInfo, Lifetime, Login};
use crate::protocol::{self, CookieChange, NoSession, SignIn};
use crate::record::EndReason;
use crate::session::{RequestState, SessionState};
use crate::store::Io;
use crate::time::Timestamp;
use crate::value::{Payload, SessionKind, SessionValue, TypedValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    pub(super) async fn login_on_this_session(&mut self, login: &Login) -> Result<(), Error> {
        let manager = Arc::clone(&self.shared.manager);
        let fresh = manager.secret()?;
        let Some(loaded) = self.loaded() else { return Err(Error::not_found(NoSession::Unknown)) };
        let now = manager.now();
        let lifetime = login.lifetime.unwrap_or(*loaded.record.lifetime());
        let (until, at) = (lifetime.absolute_deadline(now), login.authenticated_at(now));
        let reservation = manager.reserve_login(&login.principal, loaded.id(), until, at).await?;
        let client = self.shared.client(&login.client);
        let signed_in = self.plan(|manager, loaded, now| {
            if protocol::plan_sign_in(&loaded.record, &login.principal) == SignIn::Switch {
                // Another principal signed in on it while this login lost a race.
                return Err(Error::not_found(NoSession::Retired));
            }
            let key = loaded.key_with(&fresh);
            let record = match login.lifetime {
                Some(lifetime) => &protocol::give_lifetime(&loaded.record, lifetime, now),
                None => &loaded.record,
            };
            let record = protocol::sign_in(record, &login.principal, manager.verifier(&key), now);
            let record = record.edited(|fields| {
                (fields.authenticated_at, fields.assurance) = (at, login.assurance);
                fields.client = fields.client.seen_as(&client);
            });
            Ok(Plan::Write(Draft { record, value: loaded.value.clone(), fresh: Some(key) }, ()))
        });
        let written = signed_in.await?;
        manager.confirm_login(reservation).await?;
        self.publish(written);
        self.report_renewal();
        if let Some(id) = self.id() {
            manager.observe(&Event::SignedIn { id, principal: &login.principal });
        }
        Ok(())
    }

    /// Signs in on a new session.
    pub(super) async fn login_on_new_session(&mut self, login: Login) -> Result<(), Error> {
        let lifetime = login.lifetime.unwrap_or(self.manager().lifetime());
        self.create(Some(V::default()), lifetime, Some(login)).await
    }

    /// Creates a session under a new key, whatever session this handle has.
    pub(crate) async fn create_fresh_session(
        &mut self,
        value: Option<V>,
        lifetime: Lifetime,
    ) -> Result<(), Error> {
        self.create(value, lifetime, None).await
    }

    async fn create(
        &mut self,
        value: Option<V>,
        lifetime: Lifetime,
        login: Option<Login>,
    ) -> Result<(), Error> {
        let manager = self.manager();
        let client =
            self.shared.client(login.as_ref().map_or(&ClientInfo::new(), |login| &login.client));
        let value = value.map(|value| manager.typed_value(value));
        let loaded = Io::future(manager.create_fresh(lifetime, client, value, login)).await?;
        HandleMut { seen: &mut self.seen, modified: &mut self.modified }.hold(&self.shared, loaded);
        Ok(())
    }

    /// Keeps a signed-in session in the principal index for as long as it will last.
    pub(super) async fn reindex(&self, lifetime: Lifetime) -> Result<(), Error> {
        let Some((loaded, principal)) = self.loaded().zip(self.principal()) else { return Ok(()) };
        let manager = self.manager();
        manager.reindex(principal, loaded.id(), lifetime.absolute_deadline(manager.now())).await
    }

    pub(super) async fn put(&mut self, value: V, expiry: Option<Duration>) -> Result<(), Error> {
        self.refresh();
        self.check_writable()?;
        let lifetime = self.manager().lifetime();
        let lifetime = expiry.map_or(lifetime, |expiry| lifetime.exactly(expiry));
        if !self.exists() && self.begin(self.manager().typed_value(value.clone()), lifetime).await?
        {
            return Ok(());
        }
        if expiry.is_some() {
            self.reindex(lifetime).await?;
        }
        let can_renew = self.shared.can_renew();
        self.write(|manager, loaded, now| {
            let planned = plan_value(manager, loaded, value.clone(), expiry, now);
            match planned {
                Plan::Write(draft, ()) if expiry.is_some() => Ok(Plan::Write(
                    renew_if_cookie_ends_first(manager, loaded, draft, can_renew, now)?,
                    (),
                )),
                planned => Ok(planned),
            }
        })
        .await
    }

    /// Creates a session for a handle without one. False if another handle of this request was
    /// first.
    pub(super) fn begin(
        &mut self,
        value: Arc<TypedValue<V>>,
        lifetime: Lifetime,
    ) -> Io<'_, Result<bool, Error>> {
        if let Err(error) = self.check_writable() {
            return Io::ready(Err(error));
        }
        let Self { shared, seen, modified, .. } = self;
        let (shared, mut handle): (&RequestState<V>, _) = (shared, HandleMut { seen, modified });
        match create(shared, &value, lifetime).into_ready() {
            Ok(Ok(Created::New(loaded))) => {
                handle.hold(shared, loaded);
                Io::ready(Ok(true))
            }
            Ok(created) => Io::future(handle.begin(shared, value, lifetime, Io::ready(created))),
            Err(creating) => Io::future(handle.begin(shared, value, lifetime, creating)),
        }
    }

    /// Without a session, a handle can create one only if its request has not ended it and its key
    /// is not superseded.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        match &self.seen {
            SessionState::Live(_) | SessionState::Absent(_) => Ok(()),
            SessionState::Superseded => Err(Error::new(ErrorKind::Superseded)),
            SessionState::Over => Err(Error::not_found(NoSession::Ended(EndReason::Ended))),
        }
    }

    /// Every change of a live session goes through here.
    pub(super) async fn write<R>(&mut self, mut plan: impl PlanFn<V, R>) -> Result<R, Error> {
        let written = match self.attempt(&mut plan)? {
            Attempt::Done(written) => written,
            // Boxed, because it is part of every handler's future, which is moved around.
            attempt => Box::pin(self.complete(attempt, plan)).await?,
        };
        Ok(self.publish(written))
    }

    /// Plans and writes a change, without making it known to other handles yet.
    async fn plan<R>(&self, mut plan: impl PlanFn<V, R>) -> Result<Written<V, R>, Error> {
        let attempt = self.attempt(&mut plan)?;
        Box::pin(self.complete(attempt, plan)).await
    }

    fn attempt<R>(&self, plan: &mut impl PlanFn<V, R>) -> Result<Attempt<'_, V, R>, Error> {
        self.check_writable()?;
        let loaded = self.live()?;
        self.manager().attempt(loaded, plan).inspect_err(|error| self.retract(loaded, error))
    }

    async fn complete<R>(
        &self,
        attempt: Attempt<'_, V, R>,
        plan: impl PlanFn<V, R>,
    ) -> Result<Written<V, R>, Error> {
        let loaded = self.live()?;
        self.manager()
            .complete(loaded, attempt, plan)
            .await
            .inspect_err(|error| self.retract(loaded, error))
    }

    /// Takes back a key that was to be sent, if this error says that it is no longer valid.
    fn retract(&self, loaded: &LoadedSession<V>, error: &Error) {
        if let (Some(key), ErrorKind::Superseded | ErrorKind::NotFound) =
            (loaded.key(), error.kind())
        {
            self.shared.retract(key);
        }
    }

    fn live(&self) -> Result<&LoadedSession<V>, Error> {
        self.loaded()
            .ok_or_else(|| Error::not_found(self.no_session().unwrap_or(NoSession::Unknown)))
    }

    /// Makes a change known to the request's other handles.
    fn publish<R>(&mut self, written: Written<V, R>) -> R {
        self.modified |= written.changed;
        self.seen = self.shared.publish(SessionState::Live(written.loaded), written.cookie);
        written.result
    }

    /// Ends the session for `reason` and puts `after` in its place.
    pub(super) async fn finish(
        &mut self,
        reason: EndReason,
        after: SessionState<V>,
    ) -> Result<(), Error> {
        self.refresh();
        if matches!(self.seen, SessionState::Superseded) {
            return Err(Error::new(ErrorKind::Superseded));
        }
        if let Some(loaded) = self.loaded() {
            self.manager().end_loaded(loaded, reason).await?;
            self.modified = true;
        }
        let has_no_cookie = matches!(self.seen, SessionState::Absent(NoSession::NoKey));
        self.shared.discard_intended_key();
        let cookie = if has_no_cookie { CookieChange::Keep } else { CookieChange::Remove };
        self.seen = self.shared.publish(after, cookie);
        Ok(())
    }
}

/// The parts of a handle that creating a session changes.
struct HandleMut<'a, V> {
    seen: &'a mut SessionState<V>,
    modified: &'a mut bool,
}

impl<V: SessionValue> HandleMut<'_, V> {
    /// Takes over a session that was created under a key of this request.
    fn hold(&mut self, shared: &RequestState<V>, loaded: LoadedSession<V>) {
        let now = loaded.record.created();
        self.hold_at(shared, loaded, now);
    }

    fn hold_at(&mut self, shared: &RequestState<V>, loaded: LoadedSession<V>, now: Timestamp) {
        let cookie = loaded.key().map(|key| CookieChange::send(key.clone(), &loaded.record, now));
        *self.modified = true;
        *self.seen = shared.publish(SessionState::Live(loaded), cookie.unwrap_or_default());
    }

    async fn begin(
        mut self,
        shared: &RequestState<V>,
        value: Arc<TypedValue<V>>,
        lifetime: Lifetime,
        mut creating: Io<'_, Result<Created<V>, Error>>,
    ) -> Result<bool, Error> {
        for taken in 1.. {
            match creating.await? {
                Created::New(loaded) => {
                    self.hold(shared, loaded);
                    return Ok(true);
                }
                Created::Existing(loaded) => {
                    self.hold_at(shared, loaded, shared.manager.now());
                    return Ok(false);
                }
                Created::Taken => shared.discard_intended_key(),
            }
            if taken == MAX_ID_ATTEMPTS {
                break;
            }
            creating = create(shared, &value, lifetime);
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// Creates a session under the key that this request intends for it.
fn create<'a, V: SessionValue>(
    shared: &'a RequestState<V>,
    value: &Arc<TypedValue<V>>,
    lifetime: Lifetime,
) -> Io<'a, Result<Created<V>, Error>> {
    match shared.intended_key() {
        Ok((key, client)) => {
            let value = Some(Arc::clone(value));
            shared.manager.create(NewSession { key, lifetime, client, value })
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

/// The write of a new value, and of a new expiry if one is given; nothing if neither changes.
pub(super) fn plan_value<V: SessionValue>(
    manager: &Manager<V>,
    loaded: &LoadedSession<V>,
    value: V,
    expiry: Option<Duration>,
    now: Timestamp,
) -> Plan<V, ()> {
    if expiry.is_none()
        && loaded.value.as_ref().is_some_and(|typed_value| typed_value.value == value)
    {
        return Plan::Keep(());
    }
    let value = manager.typed_value(value);
    let payload = Payload::typed(Arc::clone(&value));
    let used = match expiry {
        Some(expiry) => protocol::extend(&loaded.record, expiry, now),
        None => protocol::used(&loaded.record, now),
    };
    let record = used.edited(|fields| fields.payload = payload);
    Plan::Write(Draft { record, value: Some(value), fresh: None }, ())
}

/// The draft, with a renewed key if the cookie would otherwise end before the session.
pub(super) fn renew_if_cookie_ends_first<V: SessionValue>(
    manager: &Manager<V>,
    loaded: &LoadedSession<V>,
    draft: Draft<V>,
    can_renew: bool,
    now: Timestamp,
) -> Result<Draft<V>, Error> {
    let Some(key) = loaded.key().filter(|_| can_renew) else { return Ok(draft) };
    let nonce = manager.nonce()?;
    match protocol::extend_cookie(&draft.record, key, manager.kind, nonce, now) {
        Some((record, key)) => Ok(Draft { record, fresh: Some(key), ..draft }),
        None => Ok(draft),
    }
}

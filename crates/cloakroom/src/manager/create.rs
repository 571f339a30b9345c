//! Creating a session: its first write.

use std::sync::Arc;

use super::{Credential, LoadedSession, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, KeyFamily, random};
use crate::observe::Event;
use crate::policy::{ClientInfo, Lifetime, Login, Principal};
use crate::protocol;
use crate::record::{Revision, Stored};
use crate::store::{Inserted, Io, Outcome, StoreError};
use crate::value::{Payload, SessionValue, TypedValue};

/// The result of an attempt to create a session under a new key.
pub(crate) enum Created<V> {
    /// The session exists now.
    New(LoadedSession<V>),
    /// The session existed, and the key opens it: another handle of this request created it.
    Existing(LoadedSession<V>),
    /// The id belongs to another session: try another key.
    Taken,
}

/// A session that is to be created.
pub(crate) struct NewSession<V> {
    pub(crate) key: Key,
    pub(crate) lifetime: Lifetime,
    pub(crate) client: ClientInfo,
    pub(crate) value: Option<Arc<TypedValue<V>>>,
}

/// What else to do when a session is created.
#[derive(Clone)]
pub(crate) struct CreateOptions {
    /// Who signs in on it, if anyone.
    pub(crate) login: Option<Login>,
    /// Its key is derived from another library's token, and is to be renewed at its first use.
    pub(crate) imported: bool,
}

/// How many new ids can turn out to be taken before something is wrong with the randomness.
pub(crate) const MAX_ID_ATTEMPTS: usize = 4;

impl<V: SessionValue> Manager<V> {
    /// Stores a new session; done at once if the store answers at once.
    pub(crate) fn create(&self, new: NewSession<V>) -> Io<'_, Result<Created<V>, Error>> {
        let loaded = self.prepare(new, None);
        match self.store.insert(loaded.id(), loaded.record.clone()).into_ready() {
            Ok(Ok(Inserted::Done)) => {
                self.report_created(&loaded);
                Io::ready(Ok(Created::New(loaded)))
            }
            Ok(answer) => Io::future(self.finish_create(loaded, Io::ready(answer))),
            Err(inserting) => Io::future(self.finish_create(loaded, inserting)),
        }
    }

    /// The session and its first record, not yet stored.
    fn prepare(&self, new: NewSession<V>, principal: Option<Principal>) -> LoadedSession<V> {
        let NewSession { key, lifetime, client, value } = new;
        let payload =
            value.as_ref().map_or(Payload::unset(), |value| Payload::typed(Arc::clone(value)));
        let (verifier, revision) = (self.verifier(&key), Revision::new(1, self.tokens.next()));
        let record = protocol::begin(verifier, lifetime, principal, payload, revision, self.now());
        let record =
            if client.is_known() { record.edited(|fields| fields.client = client) } else { record };
        LoadedSession { credential: Credential::Key(key), record, value }
    }

    /// Creates a session with these options. A sign-in is entered in the principal index first.
    pub(crate) async fn create_with(
        &self,
        options: &CreateOptions,
        new: NewSession<V>,
    ) -> Result<Created<V>, Error> {
        let CreateOptions { login, imported } = options;
        let principal = login.as_ref().map(|login| login.principal.clone());
        let mut loaded = self.prepare(new, principal);
        if *imported {
            // Anyone who knows the token can derive this key, and must not be able to derive the
            // next.
            let family =
                random(&*self.entropy).map(KeyFamily::from_bytes).map_err(Error::unavailable)?;
            loaded.record = protocol::force_renewal(&loaded.record, family);
        }
        let mut reservation = None;
        if let Some(login) = login {
            let now = loaded.record.created();
            let at = if *imported { login.imported_at(now) } else { login.authenticated_at(now) };
            loaded.record = loaded.record.edited(|fields| {
                (fields.authenticated_at, fields.assurance) = (at, login.assurance);
            });
            let until = loaded.record.absolute_deadline();
            reservation = Some(self.reserve_login(&login.principal, loaded.id(), until, at).await?);
        }
        let inserting = self.store.insert(loaded.id(), loaded.record.clone());
        let created = self.insert(loaded, inserting).await?;
        // Also for a session that existed: its creator may have been interrupted before this step.
        if let (Some(reservation), Created::New(_) | Created::Existing(_)) = (reservation, &created)
        {
            self.confirm_login(reservation).await?;
        }
        if let Created::New(loaded) = &created {
            self.report_created(loaded);
        }
        Ok(created)
    }

    /// Waits for the insertion and reports a session that was created.
    async fn finish_create(
        &self,
        loaded: LoadedSession<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let created = self.insert(loaded, inserting).await?;
        if let Created::New(loaded) = &created {
            self.report_created(loaded);
        }
        Ok(created)
    }

    /// Waits for the insertion, and repeats it once if its outcome is unknown.
    async fn insert(
        &self,
        loaded: LoadedSession<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let mut answer = inserting.await;
        if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
            // Safe to repeat: if the first attempt was stored, the id is taken by this write.
            // If this attempt is not sent, the outcome stays unknown.
            answer = self.store.insert(loaded.id(), loaded.record.clone()).await.or(answer);
        }
        match answer? {
            Inserted::Done => Ok(Created::New(loaded)),
            Inserted::Taken => self.resolve_taken_id(loaded).await,
        }
    }

    fn report_created(&self, loaded: &LoadedSession<V>) {
        let id = loaded.id();
        self.observe(&Event::Created { id });
        if let Some(principal) = loaded.record.principal() {
            self.observe(&Event::SignedIn { id, principal });
        }
    }

    /// Creates a session under a new key.
    pub(crate) async fn create_fresh(
        &self,
        lifetime: Lifetime,
        client: ClientInfo,
        value: Option<Arc<TypedValue<V>>>,
        login: Option<Login>,
    ) -> Result<LoadedSession<V>, Error> {
        let options = CreateOptions { login, imported: false };
        for _ in 0..MAX_ID_ATTEMPTS {
            let (key, client, value) = (self.mint()?, client.clone(), value.clone());
            match self.create_with(&options, NewSession { key, lifetime, client, value }).await? {
                Created::New(loaded) | Created::Existing(loaded) => return Ok(loaded),
                Created::Taken => {}
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Finds out whether a taken id belongs to this write, to this key's session, or to another.
    async fn resolve_taken_id(&self, loaded: LoadedSession<V>) -> Result<Created<V>, Error> {
        let ours = loaded.record.revision();
        match self.store.get(loaded.id()).await? {
            Some(Stored::Live(record)) if record.revision() == ours => Ok(Created::New(loaded)),
            Some(Stored::Live(record)) => match self.load_record(&loaded.credential, record) {
                Ok(loaded) => Ok(Created::Existing(loaded)),
                Err(error) if error.no_session().is_some() => Ok(Created::Taken),
                Err(error) => Err(error),
            },
            _ => Ok(Created::Taken),
        }
    }
}

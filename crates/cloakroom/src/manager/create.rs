//! A session's first write.

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

/// What an attempt to create a session under a minted key led to.
pub(crate) enum Created<V> {
    /// The session exists now.
    New(LoadedSession<V>),
    /// It existed already and the key opens it: another handle of this request was first.
    Existing(LoadedSession<V>),
    /// The id belongs to somebody else: mint another key.
    Taken,
}

/// A session to be created.
pub(crate) struct NewSession<V> {
    pub(crate) key: Key,
    pub(crate) lifetime: Lifetime,
    pub(crate) client: ClientInfo,
    pub(crate) value: Option<Arc<TypedValue<V>>>,
}

/// For whom a session is created, unless it is for anybody.
#[derive(Clone)]
pub(crate) struct Guest {
    /// Who signs in on it, if somebody does.
    pub(crate) login: Option<Login>,
    /// Its key follows from a token of another library, and is renewed at its first use.
    pub(crate) imported: bool,
}

/// How many minted ids may turn out to be taken before something is wrong with the randomness.
pub(crate) const MAX_ID_ATTEMPTS: usize = 4;

impl<V: SessionValue> Manager<V> {
    /// Stores a new session under the new's key: at once if the store answers at once.
    pub(crate) fn create(&self, new: NewSession<V>) -> Io<'_, Result<Created<V>, Error>> {
        let loaded = self.begin(new, None);
        match self.store.insert(loaded.id(), loaded.record.clone()).into_ready() {
            Ok(Ok(Inserted::Done)) => {
                self.tell_of(&loaded);
                Io::ready(Ok(Created::New(loaded)))
            }
            Ok(answer) => Io::future(self.settle(loaded, Io::ready(answer))),
            Err(inserting) => Io::future(self.settle(loaded, inserting)),
        }
    }

    fn begin(&self, new: NewSession<V>, principal: Option<Principal>) -> LoadedSession<V> {
        let NewSession { key, lifetime, client, value } = new;
        let payload =
            value.as_ref().map_or(Payload::unset(), |value| Payload::typed(Arc::clone(value)));
        let (verifier, revision) = (self.verifier(&key), Revision::new(1, self.tokens.draw()));
        let record = protocol::begin(verifier, lifetime, principal, payload, revision, self.now());
        let record =
            if client.is_known() { record.edited(|fields| fields.client = client) } else { record };
        LoadedSession { credential: Credential::Key(key), record, value }
    }

    /// The same for a guest; one who signs in is entered in the directory first.
    pub(crate) async fn create_for(
        &self,
        guest: &Guest,
        new: NewSession<V>,
    ) -> Result<Created<V>, Error> {
        let Guest { login, imported } = guest;
        let principal = login.as_ref().map(|login| login.principal.clone());
        let mut loaded = self.begin(new, principal);
        if *imported {
            // Who knows the token knows what follows from it, and must know nothing of what is to come.
            let family =
                random(&*self.entropy).map(KeyFamily::from_bytes).map_err(Error::no_randomness)?;
            loaded.record = protocol::force_renewal(&loaded.record, family);
        }
        let mut reservation = None;
        if let Some(login) = login {
            let now = loaded.record.created();
            let at = if *imported { login.inherited_at(now) } else { login.authenticated_at(now) };
            loaded.record = loaded.record.edited(|fields| {
                (fields.authenticated_at, fields.assurance) = (at, login.assurance)
            });
            let until = loaded.record.absolute_deadline();
            reservation = Some(self.enter(&login.principal, loaded.id(), until, at).await?);
        }
        let inserting = self.store.insert(loaded.id(), loaded.record.clone());
        let created = self.insert(loaded, inserting).await?;
        // Also for one whose answer was lost, or whose first writer may have gone away in between.
        if let (Some(reservation), Created::New(_) | Created::Existing(_)) = (reservation, &created)
        {
            self.confirm_login(reservation).await?;
        }
        if let Created::New(loaded) = &created {
            self.tell_of(loaded);
        }
        Ok(created)
    }

    async fn settle(
        &self,
        loaded: LoadedSession<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let created = self.insert(loaded, inserting).await?;
        if let Created::New(loaded) = &created {
            self.tell_of(loaded);
        }
        Ok(created)
    }

    /// Waits for an insertion under way; if its answer is lost it is asked for once more.
    async fn insert(
        &self,
        loaded: LoadedSession<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let mut answer = inserting.await;
        if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
            // Safe to ask again: if the first attempt was kept, the id is taken, by us. If this one is not sent, nobody knows.
            answer = self.store.insert(loaded.id(), loaded.record.clone()).await.or(answer);
        }
        match answer? {
            Inserted::Done => Ok(Created::New(loaded)),
            Inserted::Taken => self.whose(loaded).await,
        }
    }

    fn tell_of(&self, loaded: &LoadedSession<V>) {
        let id = loaded.id();
        self.observe(&Event::Created { id });
        if let Some(principal) = loaded.record.principal() {
            self.observe(&Event::SignedIn { id, principal });
        }
    }

    /// Creates a session under a key minted here.
    pub(crate) async fn create_fresh(
        &self,
        lifetime: Lifetime,
        client: ClientInfo,
        value: Option<Arc<TypedValue<V>>>,
        login: Option<Login>,
    ) -> Result<LoadedSession<V>, Error> {
        let guest = Guest { login, imported: false };
        for _ in 0..MAX_ID_ATTEMPTS {
            let (key, client, value) = (self.mint()?, client.clone(), value.clone());
            match self.create_for(&guest, NewSession { key, lifetime, client, value }).await? {
                Created::New(loaded) | Created::Existing(loaded) => return Ok(loaded),
                Created::Taken => {}
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn whose(&self, loaded: LoadedSession<V>) -> Result<Created<V>, Error> {
        let ours = loaded.record.revision();
        match self.store.get(loaded.id()).await? {
            Some(Stored::Live(record)) if record.revision() == ours => Ok(Created::New(loaded)),
            Some(Stored::Live(record)) => match self.recognise(&loaded.credential, record) {
                Ok(loaded) => Ok(Created::Existing(loaded)),
                Err(error) if error.no_session().is_some() => Ok(Created::Taken),
                Err(error) => Err(error),
            },
            _ => Ok(Created::Taken),
        }
    }
}

//! A session's first write.

use std::sync::Arc;

use super::{Claim, Held, Manager};
use crate::client::Client;
use crate::entropy::random;
use crate::error::{Error, ErrorKind};
use crate::io::Io;
use crate::key::{Key, Lineage};
use crate::lifetime::Lifetime;
use crate::login::Login;
use crate::observer::Event;
use crate::payload::{Holder, Payload};
use crate::principal::Principal;
use crate::protocol;
use crate::record::{Revision, Stored};
use crate::store::{Inserted, Outcome, StoreError};
use crate::value::Value;

/// What an attempt to create a session under a minted key led to.
pub(crate) enum Created<V> {
    /// The session exists now.
    New(Held<V>),
    /// It existed already and the key opens it: another handle of this request was first.
    Existing(Held<V>),
    /// The id belongs to somebody else: mint another key.
    Taken,
}

/// A session to be created.
pub(crate) struct Beginning<V> {
    pub(crate) key: Key,
    pub(crate) lifetime: Lifetime,
    pub(crate) client: Client,
    pub(crate) value: Option<Arc<Holder<V>>>,
}

/// For whom a session is created, unless it is for anybody.
#[derive(Clone)]
pub(crate) struct Guest {
    /// Who signs in on it, if somebody does.
    pub(crate) login: Option<Login>,
    /// Its key follows from a token of another library, and is renewed at its first use.
    pub(crate) inherited: bool,
}

/// How many minted ids may turn out to be taken before something is wrong with the randomness.
pub(crate) const MINTS: usize = 4;

impl<V: Value> Manager<V> {
    /// Stores a new session under the beginning's key: at once if the store answers at once.
    pub(crate) fn create(&self, beginning: Beginning<V>) -> Io<'_, Result<Created<V>, Error>> {
        let held = self.begin(beginning, None);
        match self.store.insert(held.id(), held.record.clone()).at_once() {
            Ok(Ok(Inserted::Done)) => {
                self.tell_of(&held);
                Io::ready(Ok(Created::New(held)))
            }
            Ok(answer) => Io::future(self.settle(held, Io::ready(answer))),
            Err(inserting) => Io::future(self.settle(held, inserting)),
        }
    }

    fn begin(&self, beginning: Beginning<V>, principal: Option<Principal>) -> Held<V> {
        let Beginning { key, lifetime, client, value } = beginning;
        let payload = value.as_ref().map_or(Payload::unset(), |value| Payload::typed(Arc::clone(value)));
        let (verifier, revision) = (self.verifier(&key), Revision::new(1, self.tokens.draw()));
        let record = protocol::begin(verifier, lifetime, principal, payload, revision, self.now());
        let record = if client.is_known() { record.edited(|facts| facts.client = client) } else { record };
        Held { claim: Claim::Key(key), record, value }
    }

    /// The same for a guest; one who signs in is entered in the directory first.
    pub(crate) async fn create_for(
        &self,
        guest: &Guest,
        beginning: Beginning<V>,
    ) -> Result<Created<V>, Error> {
        let Guest { login, inherited } = guest;
        let principal = login.as_ref().map(|login| login.principal.clone());
        let mut held = self.begin(beginning, principal);
        if *inherited {
            // Who knows the token knows what follows from it, and must know nothing of what is to come.
            let lineage = random(&*self.entropy).map(Lineage::from_bytes).map_err(Error::no_randomness)?;
            held.record = protocol::hasten(&held.record, lineage);
        }
        let mut entrance = None;
        if let Some(login) = login {
            let now = held.record.created();
            let at = if *inherited { login.inherited_at(now) } else { login.authenticated_at(now) };
            held.record =
                held.record.edited(|facts| (facts.authenticated_at, facts.assurance) = (at, login.assurance));
            let until = held.record.absolute_deadline();
            entrance = Some(self.enter(&login.principal, held.id(), until, at).await?);
        }
        let inserting = self.store.insert(held.id(), held.record.clone());
        let created = self.insert(held, inserting).await?;
        // Also for one whose answer was lost, or whose first writer may have gone away in between.
        if let (Some(entrance), Created::New(_) | Created::Existing(_)) = (entrance, &created) {
            self.confirm_entrance(entrance).await?;
        }
        if let Created::New(held) = &created {
            self.tell_of(held);
        }
        Ok(created)
    }

    async fn settle(
        &self,
        held: Held<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let created = self.insert(held, inserting).await?;
        if let Created::New(held) = &created {
            self.tell_of(held);
        }
        Ok(created)
    }

    /// Waits for an insertion under way; if its answer is lost it is asked for once more.
    async fn insert(
        &self,
        held: Held<V>,
        inserting: Io<'_, Result<Inserted, StoreError>>,
    ) -> Result<Created<V>, Error> {
        let mut answer = inserting.await;
        if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
            // Safe to ask again: if the first attempt was kept, the id is taken, by us. If this one is not sent, nobody knows.
            answer = self.store.insert(held.id(), held.record.clone()).await.or(answer);
        }
        match answer? {
            Inserted::Done => Ok(Created::New(held)),
            Inserted::Taken => self.whose(held).await,
        }
    }

    fn tell_of(&self, held: &Held<V>) {
        let id = held.id();
        self.observe(&Event::Created { id });
        if let Some(principal) = held.record.principal() {
            self.observe(&Event::SignedIn { id, principal });
        }
    }

    /// Creates a session under a key minted here.
    pub(crate) async fn create_fresh(
        &self,
        lifetime: Lifetime,
        client: Client,
        value: Option<Arc<Holder<V>>>,
        login: Option<Login>,
    ) -> Result<Held<V>, Error> {
        let guest = Guest { login, inherited: false };
        for _ in 0..MINTS {
            let (key, client, value) = (self.mint()?, client.clone(), value.clone());
            match self.create_for(&guest, Beginning { key, lifetime, client, value }).await? {
                Created::New(held) | Created::Existing(held) => return Ok(held),
                Created::Taken => {}
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn whose(&self, held: Held<V>) -> Result<Created<V>, Error> {
        let ours = held.record.revision();
        match self.store.get(held.id()).await? {
            Some(Stored::Live(record)) if record.revision() == ours => Ok(Created::New(held)),
            Some(Stored::Live(record)) => match self.recognise(&held.claim, record) {
                Ok(held) => Ok(Created::Existing(held)),
                Err(error) if error.vacancy().is_some() => Ok(Created::Taken),
                Err(error) => Err(error),
            },
            _ => Ok(Created::Taken),
        }
    }
}

//! A session's first write.

use std::sync::Arc;

use super::{Claim, Held, Manager};
use crate::client::Client;
use crate::entropy::random;
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Lineage};
use crate::lifetime::Lifetime;
use crate::login::Login;
use crate::observer::Event;
use crate::payload::{Holder, Payload};
use crate::protocol;
use crate::record::{Revision, Stored};
use crate::store::{Inserted, Outcome};
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
    /// Who signs in on it, if anybody.
    pub(crate) login: Option<Login>,
    pub(crate) client: Client,
    pub(crate) value: Option<Arc<Holder<V>>>,
    pub(crate) payload: Payload,
    /// Its key follows from a token of another library, and is renewed at its first use.
    pub(crate) inherited: bool,
}

/// How many minted ids may turn out to be taken before something is wrong with the randomness.
pub(crate) const MINTS: usize = 4;

impl<V: Value> Manager<V> {
    /// Stores a new session under the beginning's key. A principal is entered in the directory first.
    pub(crate) async fn create(&self, beginning: &Beginning<V>) -> Result<Created<V>, Error> {
        let Beginning { key, lifetime, login, client, value, payload, inherited } = beginning;
        let (id, now) = (key.id(), self.now());
        let verifier = self.verifier(key);
        let revision = Revision::new(1, self.tokens.draw());
        let principal = login.as_ref().map(|login| login.principal.clone());
        let mut record = protocol::begin(verifier, *lifetime, principal, payload.clone(), revision, now);
        if *inherited {
            // Who knows the token knows what follows from it, and must know nothing of what is to come.
            let lineage = random(&*self.entropy).map(Lineage::from_bytes).map_err(Error::no_randomness)?;
            record = protocol::hasten(&record, lineage);
        }
        record = record.edited(|facts| facts.client = client.clone());
        let mut entrance = None;
        if let Some(login) = login {
            let at = if *inherited { login.inherited_at(now) } else { login.authenticated_at(now) };
            record = record.edited(|facts| (facts.authenticated_at, facts.assurance) = (at, login.assurance));
            entrance = Some(self.enter(&login.principal, id, record.absolute_deadline(), at).await?);
        }
        let mut answer = self.store.insert(id, record.clone()).await;
        if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
            // Safe to ask again: if the first attempt was kept, the id is taken, by us. If this one is not sent, nobody knows.
            answer = self.store.insert(id, record.clone()).await.or(answer);
        }
        let held = Held { key: key.clone(), claim: Claim::Secret(verifier), record, value: value.clone() };
        let created = match answer? {
            Inserted::Done => Created::New(held),
            Inserted::Taken => self.whose(held).await?,
        };
        // Also for one whose answer was lost, or whose first writer may have gone away in between.
        if let (Some(entrance), Created::New(_) | Created::Existing(_)) = (entrance, &created) {
            self.confirm_entrance(entrance).await?;
        }
        let Created::New(held) = created else { return Ok(created) };
        self.observe(&Event::Created { id });
        if let Some(principal) = held.record.principal() {
            self.observe(&Event::SignedIn { id, principal });
        }
        Ok(Created::New(held))
    }

    /// Creates a session under a key minted here.
    pub(crate) async fn create_fresh(&self, mut beginning: Beginning<V>) -> Result<Held<V>, Error> {
        for _ in 0..MINTS {
            match self.create(&beginning).await? {
                Created::New(held) | Created::Existing(held) => return Ok(held),
                Created::Taken => beginning.key = self.mint()?,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn whose(&self, held: Held<V>) -> Result<Created<V>, Error> {
        let ours = held.record.revision();
        match self.store.get(held.key.id()).await? {
            Some(Stored::Live(record)) if record.revision() == ours => Ok(Created::New(held)),
            Some(Stored::Live(record)) => match self.recognise(&held.key, held.claim, record) {
                Ok(held) => Ok(Created::Existing(held)),
                Err(error) if error.vacancy().is_some() => Ok(Created::Taken),
                Err(error) => Err(error),
            },
            _ => Ok(Created::Taken),
        }
    }
}

//! The store that is given to the middleware of tower-sessions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom::key::KindTag;
use cloakroom::record::{Revision, Stored};
use cloakroom::store::{Inserted, Outcome};
use cloakroom::value::JsonCodec;
use cloakroom::{
    ConfigError, Error, ErrorKind, Lifetime, NoSession, PublicId, SessionKind, Sessions,
    SessionsBuilder, Store, protocol,
};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::Result;
use tower_sessions_core::{ExpiredDeletion, SessionStore};

use crate::state::{self, SCHEMA, State, TowerSessions};
use crate::{error, key};

/// How many ids may be taken before the source of randomness must be broken.
const MAX_ID_ATTEMPTS: usize = 4;
/// How many expired sessions are removed per call.
const SWEEP: usize = 1000;

/// One of Cloakroom's stores as a tower-sessions [`SessionStore`]; cheap to clone.
///
/// ```
/// # use cloakroom::MemoryStore;
/// # use cloakroom_tower_sessions::TowerSessionStore;
/// use tower_sessions::SessionManagerLayer;
///
/// let layer = SessionManagerLayer::new(TowerSessionStore::new(MemoryStore::new())?);
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// Sessions live as long as the middleware says, in whole milliseconds, and at most 400 days from
/// each save.
///
/// # Errors
/// Each method fails if the store cannot be reached or cannot answer; the error says if a write
/// may have happened. `save` also fails if the session no longer exists, and `create` and `save`
/// fail for a value nested more than 126 levels deep, which could not be read back. They then
/// write nothing.
///
/// # Security
/// The store gets a hash of the id and a verifier, never the id, so a stolen store makes no
/// cookie. An id has 128 random bits from tower-sessions and is all that a client needs. Only
/// `cycle_id` replaces it: call it after every sign-in.
#[derive(Clone)]
pub struct TowerSessionStore {
    sessions: Sessions<State, TowerSessions>,
    store: Arc<dyn Store>,
}

impl TowerSessionStore {
    /// Keeps the sessions of tower-sessions on `store`.
    ///
    /// # Errors
    /// [`ConfigError`] if the operating system provides no random bytes.
    pub fn new(store: impl Store) -> std::result::Result<Self, ConfigError> {
        Self::with(store, |builder| builder)
    }

    /// The same, with a clock or observers of your own. A cookie policy, lifetime or codec set by
    /// `adjust` is ignored, since tower-sessions decides these.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cloakroom::MemoryStore;
    /// # use cloakroom::observe::{Event, Observer};
    /// # use cloakroom_tower_sessions::TowerSessionStore;
    /// # fn with(observer: Arc<dyn Observer>) -> Result<(), cloakroom::ConfigError> {
    /// let store = MemoryStore::new();
    /// let store = TowerSessionStore::with(store, |builder| builder.observer(observer))?;
    /// # Ok(()) }
    /// ```
    ///
    /// Observers receive an event for every ended session and every key that opens nothing, but
    /// none for created sessions, whose ids tower-sessions chooses.
    ///
    /// # Errors
    /// [`ConfigError`] for a policy that cannot work.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(
            SessionsBuilder<State, TowerSessions>,
        ) -> SessionsBuilder<State, TowerSessions>,
    ) -> std::result::Result<Self, ConfigError> {
        let store: Arc<dyn Store> = Arc::new(store);
        let builder = adjust(Sessions::builder(Arc::clone(&store)));
        let builder =
            builder.lifetime(lifetime()).codec(JsonCodec).schema(SCHEMA, state::refuse_old);
        Ok(Self { sessions: builder.build()?, store })
    }

    /// Inserts the record under its id. False if the id is taken.
    async fn insert(&self, record: &Record) -> Result<bool> {
        let (key, now) = (key::key(&record.id), self.sessions.now());
        let span = key::deadline(record.expiry_date).since(now);
        let revision = Revision::new(1, token()?);
        let kind = KindTag::of(TowerSessions::NAME);
        let (verifier, lifetime) = (key.verifier(kind), lifetime().exactly(span));
        let payload = state::to_payload(&state::checked(&record.data)?)?;
        let begun = protocol::begin(kind, verifier, lifetime, None, payload, revision, now);
        let mut answer = self.store.insert(key.id(), begun.clone()).await;
        let is_repeated = answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown);
        if is_repeated {
            // Safe to repeat: if the first attempt was applied, the id is taken, by us. If this
            // one is not sent, the outcome stays unknown.
            answer = self.store.insert(key.id(), begun).await.or(answer);
        }
        match answer.map_err(error::to_theirs)? {
            Inserted::Done => Ok(true),
            Inserted::Taken => Ok(is_repeated && self.is_at(key.id(), revision).await?),
        }
    }

    /// True if the record under the id is the write with this revision.
    async fn is_at(&self, id: PublicId, revision: Revision) -> Result<bool> {
        let found = self.store.get(id).await.map_err(error::to_theirs)?;
        Ok(matches!(found, Some(Stored::Live(record)) if record.revision() == revision))
    }
}

#[async_trait]
impl SessionStore for TowerSessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..MAX_ID_ATTEMPTS {
            if self.insert(record).await? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(error::backend("every new session id was already taken"))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let state = state::checked(&record.data)?;
        let mut session =
            self.sessions.of_key(&key::key(&record.id)).await.map_err(error::to_theirs)?;
        let span = key::deadline(record.expiry_date).since(self.sessions.now());
        session.set_for(state, span).await.map_err(error::to_theirs)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = self.sessions.now();
        let session = match self.sessions.of_key(&key::key(id)).await {
            Err(error) if is_absence(&error) => return Ok(None),
            session => session.map_err(error::to_theirs)?,
        };
        let expiry_date = key::date(now.after(session.expires_in()));
        Ok(Some(Record { id: *id, data: session.value().0.clone(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let key = key::key(id);
        let ended = match self.sessions.of_key(&key).await {
            Ok(mut session) => session.end().await,
            // The id is the key, so its holder may end a session whose value cannot be read.
            Err(error) if error.no_session() == Some(NoSession::Unreadable) => {
                self.sessions.revoke(key.id()).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Err(error) if is_absence(&error) => Ok(()),
            ended => ended.map_err(error::to_theirs),
        }
    }
}

#[async_trait]
impl ExpiredDeletion for TowerSessionStore {
    async fn delete_expired(&self) -> Result<()> {
        while self.sessions.sweep(SWEEP).await.map_err(error::to_theirs)? >= SWEEP {}
        Ok(())
    }
}

impl fmt::Debug for TowerSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TowerSessionStore").field(&self.store).finish()
    }
}

/// True if the id opens nothing, as opposed to an outage.
fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet | ErrorKind::Superseded)
}

/// The lifetime of every session, each of which has an explicit expiry. The cookie is the
/// middleware's, so no key is ever renewed.
fn lifetime() -> Lifetime {
    Lifetime::absolute(Duration::MAX).until_browser_closes()
}

/// A random token that identifies a write.
fn token() -> Result<u64> {
    getrandom::u64().map_err(|_| error::backend("the operating system provided no random bytes"))
}

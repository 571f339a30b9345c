//! The store that their middleware is given.

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
use crate::{error, ticket};

/// How many ids may turn out to be taken before something is wrong with the randomness.
const MINTS: usize = 4;
/// How many expired sessions are removed at once.
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
/// Sessions live as long as their middleware says, in whole milliseconds, and at most 400 days from each save: longer spans are cut.
///
/// # Errors
/// Each method of the trait fails if the store can't be asked or can't answer; a write may then have happened, and says so.
/// `save` also fails if there is no such session any more, and `create` and `save` for a value nested more than 126 levels deep, which no
/// reader would take; they then write nothing.
///
/// # Security
/// The store is given a hash of the id's and a verifier, never the id: who steals it can't make a cookie. An id is 128 random bits
/// of theirs and all that a visitor needs; it is never renewed but by `cycle_id`, which belongs after every login.
#[derive(Clone)]
pub struct TowerSessionStore {
    sessions: Sessions<State, TowerSessions>,
    store: Arc<dyn Store>,
}

impl TowerSessionStore {
    /// Sessions of tower-sessions on `store`.
    ///
    /// # Errors
    /// [`ConfigError`] if the system has no randomness to give.
    pub fn new(store: impl Store) -> std::result::Result<Self, ConfigError> {
        Self::with(store, |builder| builder)
    }

    /// The same, with a clock or observers of your own. Cookie, lifetime and codec are not the store's to choose: what is said of
    /// them is ignored.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cloakroom::MemoryStore;
    /// # use cloakroom::observe::{Event, Observer};
    /// # use cloakroom_tower_sessions::TowerSessionStore;
    /// # fn with(observer: Arc<dyn Observer>) -> Result<(), cloakroom::ConfigError> {
    /// let store = TowerSessionStore::with(MemoryStore::new(), |builder| builder.observer(observer))?;
    /// # Ok(()) }
    /// ```
    ///
    /// Observers hear of every end and every key that opens nothing. Of a session's beginning they do not: it is written past them, since
    /// the id is tower-sessions' choice.
    ///
    /// # Errors
    /// [`ConfigError`] for a policy that could never work.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(
            SessionsBuilder<State, TowerSessions>,
        ) -> SessionsBuilder<State, TowerSessions>,
    ) -> std::result::Result<Self, ConfigError> {
        let store: Arc<dyn Store> = Arc::new(store);
        let builder = adjust(Sessions::builder(Arc::clone(&store)));
        let builder = builder
            .lifetime(lifetime(Duration::MAX))
            .codec(JsonCodec)
            .schema(SCHEMA, state::refuse_old);
        Ok(Self { sessions: builder.build()?, store })
    }

    /// Inserts the record under its id; false if that is taken.
    async fn insert(&self, record: &Record) -> Result<bool> {
        let (key, now) = (ticket::key(&record.id), self.sessions.now());
        let span = ticket::deadline(record.expiry_date).since(now);
        let revision = Revision::new(1, token()?);
        let verifier = key.verifier(KindTag::of(TowerSessions::NAME));
        let payload = state::to_payload(&state::checked(&record.data)?)?;
        let begun = protocol::begin(verifier, lifetime(span), None, payload, revision, now);
        let mut answer = self.store.insert(key.id(), begun.clone()).await;
        let is_repeated = answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown);
        if is_repeated {
            // Safe to ask again: if the first attempt was kept, the id is taken, by us. If this one is not sent, nobody knows.
            answer = self.store.insert(key.id(), begun).await.or(answer);
        }
        match answer.map_err(error::told)? {
            Inserted::Done => Ok(true),
            Inserted::Taken => Ok(is_repeated && self.is_at(key.id(), revision).await?),
        }
    }

    /// True if what is kept under the id is the write with this revision.
    async fn is_at(&self, id: PublicId, revision: Revision) -> Result<bool> {
        let found = self.store.get(id).await.map_err(error::told)?;
        Ok(matches!(found, Some(Stored::Live(record)) if record.revision() == revision))
    }
}

#[async_trait]
impl SessionStore for TowerSessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..MINTS {
            if self.insert(record).await? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(error::backend("every new session id turned out to be taken"))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let state = state::checked(&record.data)?;
        let mut session =
            self.sessions.of_key(&ticket::key(&record.id)).await.map_err(error::told)?;
        let span = ticket::deadline(record.expiry_date).since(self.sessions.now());
        session.set_for(state, span).await.map_err(error::told)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = self.sessions.now();
        let session = match self.sessions.of_key(&ticket::key(id)).await {
            Err(error) if is_absence(&error) => return Ok(None),
            session => session.map_err(error::told)?,
        };
        let expiry_date = ticket::date(now.after(session.expires_in()));
        Ok(Some(Record { id: *id, data: session.value().0.clone(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let key = ticket::key(id);
        let ended = match self.sessions.of_key(&key).await {
            Ok(mut session) => session.end().await,
            // Who knows the id has the session, whatever has become of its value.
            Err(error) if error.no_session() == Some(NoSession::Unreadable) => {
                self.sessions.revoke(key.id()).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Err(error) if is_absence(&error) => Ok(()),
            ended => ended.map_err(error::told),
        }
    }
}

#[async_trait]
impl ExpiredDeletion for TowerSessionStore {
    async fn delete_expired(&self) -> Result<()> {
        while self.sessions.sweep(SWEEP).await.map_err(error::told)? >= SWEEP {}
        Ok(())
    }
}

impl fmt::Debug for TowerSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TowerSessionStore").field(&self.store).finish()
    }
}

/// True if there is nothing behind the id; false if nobody could tell.
fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotSet | ErrorKind::Superseded)
}

/// How long a session lives that was saved with so much ahead of it. The cookie is theirs, and nothing of ours is renewed with it.
fn lifetime(span: Duration) -> Lifetime {
    Lifetime::absolute(span).until_browser_closes()
}

/// What marks a write among all others.
fn token() -> Result<u64> {
    getrandom::u64().map_err(|_| error::backend("the system has no randomness to give"))
}

//! The store that is given to the middleware of tower-sessions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::{Revision, Stored};
use cloakroom::store::{Inserted, Outcome};
use cloakroom::value::JsonCodec;
use cloakroom::{
    ConfigError, Error, ErrorKind, Lifetime, NoSession, PublicId, SessionKind, Sessions,
    SessionsBuilder, Store, protocol,
};
use time::OffsetDateTime;

use crate::error::Failure;
use crate::key;
use crate::old_store::OldStore;
use crate::state::{self, Data, SCHEMA, State, TowerSessions};

/// How many ids may be taken before the source of randomness must be broken.
const MAX_ID_ATTEMPTS: usize = 4;
/// How many expired sessions are removed per call.
const SWEEP: usize = 1000;

/// One of Cloakroom's stores as a `SessionStore` of tower-sessions 0.14 and 0.15; cheap to clone.
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
/// each save. The date of a loaded record is the deadline that the store keeps.
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
    /// Where sessions are that have not been moved here yet.
    old: Option<Arc<dyn OldStore>>,
}

impl TowerSessionStore {
    /// Keeps the sessions of tower-sessions on `store`.
    ///
    /// # Errors
    /// [`ConfigError`] if the operating system provides no random bytes.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
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
    ) -> Result<Self, ConfigError> {
        let store: Arc<dyn Store> = Arc::new(store);
        let builder = adjust(Sessions::builder(Arc::clone(&store)));
        let builder =
            builder.lifetime(lifetime()).codec(JsonCodec).schema(SCHEMA, state::refuse_old);
        Ok(Self { sessions: builder.build()?, store, old: None })
    }

    /// Moves sessions here from another store.
    pub(crate) fn with_old(self, old: impl OldStore) -> Self {
        Self { old: Some(Arc::new(old)), ..self }
    }

    /// Creates a session, under this id or, while it is taken, under another. Returns its id.
    pub(crate) async fn begin(
        &self,
        mut id: i128,
        data: &Data,
        expires: OffsetDateTime,
        another: impl Fn() -> i128,
    ) -> Result<i128, Failure> {
        let state = state::checked(data)?;
        for _ in 0..MAX_ID_ATTEMPTS {
            if self.insert(id, &state, expires).await? {
                return Ok(id);
            }
            id = another();
        }
        Err(Failure::backend("every new session id was already taken"))
    }

    /// Inserts a session under this id. False if the id is taken.
    async fn insert(
        &self,
        id: i128,
        state: &State,
        expires: OffsetDateTime,
    ) -> Result<bool, Failure> {
        let (key, now) = (key::key(id), self.sessions.now());
        let span = key::deadline(expires).since(now);
        let revision = Revision::new(1, token()?);
        let kind = KindTag::of(TowerSessions::NAME);
        let (verifier, lifetime) = (key.verifier(kind), lifetime().exactly(span));
        let payload = state::to_payload(state)?;
        let begun = protocol::begin(kind, verifier, lifetime, None, payload, revision, now);
        let mut answer = self.store.insert(key.id(), begun.clone()).await;
        let is_repeated = answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown);
        if is_repeated {
            // Safe to repeat: if the first attempt was applied, the id is taken, by us. If this
            // one is not sent, the outcome stays unknown.
            answer = self.store.insert(key.id(), begun).await.or(answer);
        }
        match answer.map_err(Failure::of)? {
            Inserted::Done => Ok(true),
            Inserted::Taken => Ok(is_repeated && self.is_at(key.id(), revision).await?),
        }
    }

    /// True if the record under the id is the write with this revision.
    async fn is_at(&self, id: PublicId, revision: Revision) -> Result<bool, Failure> {
        let found = self.store.get(id).await.map_err(Failure::of)?;
        Ok(matches!(found, Some(Stored::Live(record)) if record.revision() == revision))
    }

    /// Writes data and expiry to a session that exists.
    pub(crate) async fn write(
        &self,
        id: i128,
        data: &Data,
        expires: OffsetDateTime,
    ) -> Result<(), Failure> {
        let state = state::checked(data)?;
        let mut session = self.sessions.of_key(&key::key(id)).await.map_err(Failure::of)?;
        session.set_until(Some(state), key::deadline(expires)).await.map_err(Failure::of)
    }

    /// The data of a session, and when the session ends; `None` if there is none.
    pub(crate) async fn read(&self, id: i128) -> Result<Option<(Data, OffsetDateTime)>, Failure> {
        self.import(id).await?;
        let session = match self.sessions.of_key(&key::key(id)).await {
            Err(error) if is_absence(&error) => return Ok(None),
            session => session.map_err(Failure::of)?,
        };
        let found = |expires| (session.value().0.clone(), key::date(expires));
        Ok(session.expires_at().map(found))
    }

    /// Moves a session here, if it is in the old store only.
    async fn import(&self, id: i128) -> Result<(), Failure> {
        let Some(old) = &self.old else { return Ok(()) };
        let here = self.sessions.of_key(&key::key(id)).await;
        if !here.is_err_and(|error| is_absence(&error)) {
            return Ok(());
        }
        let (data, expires) = match old.load(id).await {
            Err(Failure::Decode(_)) | Ok(None) => return Ok(()),
            Err(failure) => return Err(failure),
            Ok(Some(found)) => found,
        };
        // The id is taken if the session has ended here, or another request has moved it.
        self.insert(id, &state::checked(&data)?, expires).await?;
        old.delete(id).await
    }

    /// Ends a session; success if there is none.
    pub(crate) async fn end(&self, id: i128) -> Result<(), Failure> {
        // Another request may be moving it: what has ended here cannot be moved any more.
        self.import(id).await?;
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
            ended => ended.map_err(Failure::of),
        }
    }

    /// Removes expired sessions.
    pub(crate) async fn sweep(&self) -> Result<(), Failure> {
        while self.sessions.sweep(SWEEP).await.map_err(Failure::of)? >= SWEEP {}
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
fn token() -> Result<u64, Failure> {
    getrandom::u64().map_err(|_| Failure::backend("the operating system provided no random bytes"))
}

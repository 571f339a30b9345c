//! The store that is given to the middleware of actix-session.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration as Span;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;
use anyhow::{Context, anyhow};
use cloakroom::{
    ConfigError, Key, Lifetime, NoSession, Session, Sessions, SessionsBuilder, Store, Timestamp,
};

use crate::error;
use crate::state::{ActixSession, State};

/// One of Cloakroom's stores as an actix-session [`SessionStore`].
///
/// It is cheap to clone; each worker has a clone.
///
/// ```
/// # use actix_session::SessionMiddleware;
/// # use actix_web::cookie::Key;
/// # use cloakroom::MemoryStore;
/// # use cloakroom_actix_session::ActixSessionStore;
/// let store = ActixSessionStore::new(MemoryStore::new())?;
/// let sessions = SessionMiddleware::new(store, Key::generate());
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// Sessions live as long as the middleware says, in whole milliseconds, and at most 400 days from
/// each write.
///
/// # Errors
/// Each method fails if the store cannot be reached or cannot answer; the error says if a write
/// may have happened. `update` and `update_ttl` also fail if the session no longer exists, and
/// then write nothing. `save` fails if the time to live is not positive.
///
/// # Security
/// The key in the cookie is a public id and a secret of 128 bits each. The store gets the public
/// id and a verifier, so a stolen store makes no cookie. Only `renew` replaces a key: call it
/// after every sign-in.
#[derive(Clone)]
pub struct ActixSessionStore {
    sessions: Sessions<State, ActixSession>,
    store: Arc<dyn Store>,
}

impl ActixSessionStore {
    /// Keeps the sessions of actix-session on `store`.
    ///
    /// # Errors
    /// [`ConfigError`] if the operating system provides no random bytes.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::with(store, |builder| builder)
    }

    /// The same, with a clock or observers of your own. A cookie policy or lifetime set by
    /// `adjust` is ignored, since actix-session decides these.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cloakroom::MemoryStore;
    /// # use cloakroom::observe::Observer;
    /// # use cloakroom_actix_session::ActixSessionStore;
    /// # fn with(observer: Arc<dyn Observer>) -> Result<(), cloakroom::ConfigError> {
    /// let store = MemoryStore::new();
    /// let store = ActixSessionStore::with(store, |builder| builder.observer(observer))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] for a policy that cannot work.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(
            SessionsBuilder<State, ActixSession>,
        ) -> SessionsBuilder<State, ActixSession>,
    ) -> Result<Self, ConfigError> {
        let store: Arc<dyn Store> = Arc::new(store);
        // Each session gets its own lifetime. The cookie is the middleware's, so no key is ever
        // renewed.
        let lifetime = Lifetime::absolute(Span::MAX).until_browser_closes();
        let builder = adjust(Sessions::builder(Arc::clone(&store)));
        Ok(Self { sessions: builder.lifetime(lifetime).build()?, store })
    }

    /// Removes at most `limit` expired sessions from the store and returns how many.
    ///
    /// Only `PostgresStore` needs it: elsewhere new sessions remove expired ones, or the server
    /// does.
    ///
    /// # Errors
    /// Those of [`Sessions::sweep`].
    pub async fn sweep(&self, limit: usize) -> Result<usize, cloakroom::Error> {
        self.sessions.sweep(limit).await
    }

    /// The session that the key opens; `None` if it opens nothing or is malformed.
    async fn open(
        &self,
        key: &SessionKey,
    ) -> Result<Option<Session<State, ActixSession>>, cloakroom::Error> {
        let Ok(key) = key.as_ref().parse::<Key>() else { return Ok(None) };
        match self.sessions.of_key(&key).await {
            Err(error) if error::is_absence(&error) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// When a session ends that is written now.
    fn end_of(&self, ttl: Duration) -> Timestamp {
        self.sessions.now().after(span(ttl))
    }

    async fn end(&self, key: &Key) -> Result<(), cloakroom::Error> {
        self.sessions.of_key(key).await?.end().await
    }
}

impl SessionStore for ActixSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let session = self.open(key).await.map_err(error::load)?;
        Ok(session.map(|session| session.value().0.clone()))
    }

    async fn save(
        &self,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, SaveError> {
        let session =
            self.sessions.generate_for(State(state), span(*ttl)).await.map_err(error::save)?;
        let key = session.key().ok_or_else(|| anyhow!("the time to live is not positive"));
        let text = key.map_err(SaveError::Other)?.expose();
        text.try_into().context("cannot convert the session's key").map_err(SaveError::Other)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let session = self.open(&key).await.map_err(error::update)?;
        let mut session = session.ok_or_else(gone).map_err(UpdateError::Other)?;
        session.set_until(Some(State(state)), self.end_of(*ttl)).await.map_err(error::update)?;
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> anyhow::Result<()> {
        let mut session = self.open(key).await.map_err(error::to_theirs)?.ok_or_else(gone)?;
        session.set_until(None, self.end_of(*ttl)).await.map_err(error::to_theirs)
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        let Ok(key) = key.as_ref().parse::<Key>() else { return Ok(()) };
        let ended = match self.end(&key).await {
            // The policy has either ended it now or set it aside. A second call tells which.
            Err(error) if is_set_aside(&error) => self.end(&key).await,
            ended => ended,
        };
        match ended {
            Err(error) if error::is_absence(&error) && !is_set_aside(&error) => Ok(()),
            ended => ended.map_err(error::to_theirs),
        }
    }
}

impl fmt::Debug for ActixSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActixSessionStore").field(&self.store).finish()
    }
}

/// The time to live as a span; zero if it is negative.
fn span(ttl: Duration) -> Span {
    ttl.try_into().unwrap_or(Span::ZERO)
}

/// True for a session that cannot be read: it looks absent, but has not ended.
fn is_set_aside(error: &cloakroom::Error) -> bool {
    error.no_session() == Some(NoSession::Unreadable)
}

fn gone() -> anyhow::Error {
    anyhow!("the session has ended; a late write does not begin another")
}

//! The store that their middleware is given.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration as Span;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;
use anyhow::{Context, anyhow};
use cloakroom::{ConfigError, Key, Lifetime, NoSession, Session, Sessions, SessionsBuilder, Store};

use crate::error;
use crate::state::{ActixSession, State};

/// One of Cloakroom's stores as an actix-session [`SessionStore`]; cheap to clone, for each worker its own.
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
/// Sessions live as long as their middleware says, in whole milliseconds, and at most 400 days from each write: longer spans are cut.
///
/// # Errors
/// Each method of the trait fails if the store can't be asked or can't answer; a write may then have happened, and says so.
/// `update` and `update_ttl` also fail if there is no such session any more, and then write nothing. `save` fails for a span that is not
/// longer than zero.
///
/// # Security
/// The key in the cookie is 128 bits of name and 128 of secret; the store is given the name and a verifier, and who steals it can't
/// make a cookie. A key is replaced by `renew` alone, which belongs after every login.
#[derive(Clone)]
pub struct ActixSessionStore {
    sessions: Sessions<State, ActixSession>,
    store: Arc<dyn Store>,
}

impl ActixSessionStore {
    /// Sessions of actix-session on `store`.
    ///
    /// # Errors
    /// [`ConfigError`] if the system has no randomness to give.
    pub fn new(store: impl Store) -> Result<Self, ConfigError> {
        Self::with(store, |builder| builder)
    }

    /// The same, with a clock or observers of your own. Cookie and lifetime are not the store's to choose: what is said of them is ignored.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cloakroom::MemoryStore;
    /// # use cloakroom::observe::Observer;
    /// # use cloakroom_actix_session::ActixSessionStore;
    /// # fn with(observer: Arc<dyn Observer>) -> Result<(), cloakroom::ConfigError> {
    /// let store = ActixSessionStore::with(MemoryStore::new(), |builder| builder.observer(observer))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] for a policy that could never work.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(
            SessionsBuilder<State, ActixSession>,
        ) -> SessionsBuilder<State, ActixSession>,
    ) -> Result<Self, ConfigError> {
        let store: Arc<dyn Store> = Arc::new(store);
        // Each session is given a span of its own. The cookie is theirs, and nothing of ours is renewed with it.
        let lifetime = Lifetime::absolute(Span::MAX).until_browser_closes();
        let builder = adjust(Sessions::builder(Arc::clone(&store)));
        Ok(Self { sessions: builder.lifetime(lifetime).build()?, store })
    }

    /// Removes at most `limit` expired sessions from the store; how many went.
    ///
    /// Only `PostgresStore` needs it now and then: elsewhere new sessions take along what expired, or the server removes it.
    ///
    /// # Errors
    /// Those of [`Sessions::sweep`].
    pub async fn sweep(&self, limit: usize) -> Result<usize, cloakroom::Error> {
        self.sessions.sweep(limit).await
    }

    /// What the key opens; `None` if that is nothing, or it is no key of ours.
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
        let key = session.key().ok_or_else(|| anyhow!("a session of no time can't be begun"));
        let text = key.map_err(SaveError::Other)?.expose();
        text.try_into().context("cannot hand over the session's key").map_err(SaveError::Other)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let session = self.open(&key).await.map_err(error::update)?;
        let mut session = session.ok_or_else(gone).map_err(UpdateError::Other)?;
        session.set_for(State(state), span(*ttl)).await.map_err(error::update)?;
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> anyhow::Result<()> {
        let mut session = self.open(key).await.map_err(error::told)?.ok_or_else(gone)?;
        session.extend(span(*ttl)).await.map_err(error::told)
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        let Ok(key) = key.as_ref().parse::<Key>() else { return Ok(()) };
        let ended = match self.end(&key).await {
            // By the policy it has ended just now, or is set aside and lives: asked again, it says which.
            Err(error) if is_set_aside(&error) => self.end(&key).await,
            ended => ended,
        };
        match ended {
            Err(error) if error::is_absence(&error) && !is_set_aside(&error) => Ok(()),
            ended => ended.map_err(error::told),
        }
    }
}

impl fmt::Debug for ActixSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActixSessionStore").field(&self.store).finish()
    }
}

/// A span of theirs; zero for what lies in the past.
fn span(ttl: Duration) -> Span {
    ttl.try_into().unwrap_or(Span::ZERO)
}

/// True for a session that can't be read: absent to a reader, but it has not ended by that.
fn is_set_aside(error: &cloakroom::Error) -> bool {
    error.no_session() == Some(NoSession::Unreadable)
}

fn gone() -> anyhow::Error {
    anyhow!("the session is over: it is not begun anew for a request that was late")
}

//! A session outside its request.

mod grant;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use grant::{ParseGrantError, SessionGrant};

use crate::error::Error;
use crate::key::PublicId;
use crate::manager::Manager;
use crate::session::Session;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// A session outside its request: what a WebSocket, an event stream or a background job holds for as long as it runs.
///
/// It holds no key and no value: each [`session`](DetachedSession::session) is the session as it stands then. It lasts through
/// renewals on the timer, and ends when the session ends, or somebody signs in on it again: who opened a socket before a
/// login has no part in what comes after. Cheap to clone and to keep.
///
/// ```
/// # use cloakroom::{Error, MemoryStore, Session, SessionMap, Sessions};
/// # use cloakroom::session::DetachedSession;
/// async fn export(session: Session<SessionMap>) -> Result<(), Error> {
///     let detached = session.detach()?; // in the handler
///     let job = async move {
///         // .. a minute later, the response has long been sent ..
///         detached.session().await?.update(|map| map.insert("export", "ready")).await
///     };
///     # job.await?.map_err(|_| ()).unwrap();
///     // tokio::spawn(job);
///     Ok(())
/// }
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// # export(sessions.generate(SessionMap::default()).await?).await?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[must_use = "an detached that nobody asks notices nothing"]
#[doc(alias = "websocket")]
pub struct DetachedSession<V: SessionValue, K: SessionKind = DefaultKind> {
    manager: Arc<Manager<V>>,
    grant: SessionGrant,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> DetachedSession<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>, grant: SessionGrant) -> Self {
        Self { manager, grant, kind: PhantomData }
    }

    /// The public name of the session.
    pub fn id(&self) -> PublicId {
        self.grant.id
    }

    /// The session as it stands; its value can be changed, and it can be ended. Looking is no use: it extends nothing.
    ///
    /// It has no key and can be given none: `login` and `renew` are [`HeadersSent`](crate::ErrorKind::HeadersSent).
    ///
    /// # Errors
    /// `NotFound` if the session is over ([`Error::no_session`] says why), `Unavailable`, `Corrupt`.
    pub async fn session(&self) -> Result<Session<V, K>, Error> {
        let loaded = self.manager.detached(self.grant.id, self.grant.family).await?;
        Ok(Session::detached(Arc::clone(&self.manager), loaded))
    }

    /// The same, and a use of the session: it does not go idle while somebody keeps doing this.
    ///
    /// Written once per tenth of the idle timeout, as any use is. Call it for what the visitor does, not on a timer, unless an
    /// open page is meant to stay signed in.
    ///
    /// # Errors
    /// Those of [`session`](DetachedSession::session).
    pub async fn keep_alive(&self) -> Result<Session<V, K>, Error> {
        let loaded = self.manager.detached(self.grant.id, self.grant.family).await?;
        let loaded = self.manager.note_use(loaded).await?;
        Ok(Session::detached(Arc::clone(&self.manager), loaded))
    }

    /// Waits until the session is over, and says why; looks once per `every`, and at its deadline.
    ///
    /// A store that can't be asked ends nothing: it is asked again. Behind a [`CachedStore`](crate::stores::CachedStore) store a look costs no
    /// round trip, and what ended elsewhere is known within milliseconds: look every second.
    ///
    /// ```no_run
    /// # use cloakroom::SessionMap;
    /// # use cloakroom::session::DetachedSession;
    /// # use std::{pin::pin, time::Duration};
    /// # async fn next_message() -> Option<String> { None }
    /// async fn serve_socket(detached: DetachedSession<SessionMap>) {
    ///     let mut ended = pin!(detached.ended(Duration::from_secs(5)));
    ///     loop {
    ///         tokio::select! {
    ///             why = &mut ended => return println!("closing: {why}"),
    ///             message = next_message() => match message {
    ///                 Some(_) => { let _ = detached.keep_alive().await; }
    ///                 None => return,
    ///             },
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "tokio")]
    pub async fn ended(&self, every: std::time::Duration) -> Error {
        loop {
            let wait = match self.session().await {
                Ok(session) => session.expires_in().min(every),
                Err(over) if over.no_session().is_some() => return over,
                Err(_) => every,
            };
            tokio::time::sleep(wait.max(SHORTEST)).await;
        }
    }

    /// What another process needs to attend the same session: for a job that waits in a queue; see [`Sessions::detached`](crate::Sessions::detached).
    pub fn grant(&self) -> SessionGrant {
        self.grant
    }
}

/// A session is not looked for more often than this.
#[cfg(feature = "tokio")]
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(10);

impl<V: SessionValue, K: SessionKind> Clone for DetachedSession<V, K> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.manager), self.grant)
    }
}

impl<V: SessionValue, K: SessionKind> fmt::Debug for DetachedSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DetachedSession({})", self.grant.id)
    }
}

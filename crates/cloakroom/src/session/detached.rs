//! A session outside its request.

mod grant;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use grant::{ParseGrantError, SessionGrant};

use crate::error::Error;
use crate::key::PublicId;
use crate::manager::{Manager, SessionState};
use crate::protocol::steps::{Credential, HeldFamily, Reload};
use crate::protocol::{NoSession, bound_until};
use crate::session::{RequestState, Session};
use crate::value::{DefaultKind, SessionKind, SessionValue, TypedValue};

/// A session outside its request: what a WebSocket, an event stream or a background job holds while
/// it runs.
///
/// It holds neither a key nor a value: each call of [`session`](DetachedSession::session) returns
/// the session as it is then. It stays valid through timed renewals. It ends with the session, and
/// when a user signs in on the session again: a socket that was opened before a sign-in has no
/// access to what comes after. It is cheap to clone.
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
#[must_use = "a detached session does nothing until it is used"]
#[doc(alias = "websocket")]
pub struct DetachedSession<V: SessionValue, K: SessionKind = DefaultKind> {
    manager: Arc<Manager<V>>,
    grant: SessionGrant,
    needs_proof: bool,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> DetachedSession<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>, grant: SessionGrant) -> Self {
        Self { manager, grant, needs_proof: true, kind: PhantomData }
    }

    /// Goes on although the bound secret that opened the session is good no more: for a job that
    /// the user started, or an open page, that lasts longer than a bound cookie.
    ///
    /// Otherwise it is over at that secret's deadline, whether or not the browser has refreshed
    /// ([`NoSession::ProofNeeded`]). A page opens its socket again, with the cookie that it has
    /// then.
    ///
    /// # Security
    /// What an attacker opened or started within the minutes of a copied cookie goes on as well.
    pub fn without_proof(self) -> Self {
        Self { needs_proof: false, ..self }
    }

    /// The public id of the session.
    pub fn id(&self) -> PublicId {
        self.grant.id
    }

    /// The session as it is now.
    ///
    /// Its value can be changed, and it can be ended.
    ///
    /// This is not a use of the session and does not extend it. The session has no key and cannot
    /// be given one: `login` and `renew` fail with [`HeadersSent`](crate::ErrorKind::HeadersSent).
    ///
    /// # Errors
    /// `NotFound` if the session is over ([`Error::no_session`] says why), `Unavailable`,
    /// `Corrupt`.
    pub async fn session(&self) -> Result<Session<V, K>, Error> {
        self.open(Reload::from_cache(self.credential())).await
    }

    /// The session as it is now; counts as a use, so the session does not become idle.
    ///
    /// A use is recorded once per tenth of the idle timeout. Call this for what the user does, not
    /// on a timer, unless an open page is meant to stay signed in.
    ///
    /// # Errors
    /// Those of [`session`](DetachedSession::session).
    pub async fn keep_alive(&self) -> Result<Session<V, K>, Error> {
        self.open(Reload::from_cache(self.credential()).as_use()).await
    }

    /// Waits until the session is over, and returns why.
    ///
    /// Checks once per `every`, and at its deadline.
    ///
    /// If the store cannot be asked, the check is repeated later. With a
    /// [`CachedStore`](crate::stores::CachedStore) a check costs no round trip and an end on
    /// another node is known within milliseconds, so check every second.
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
    /// Panics outside a tokio runtime.
    #[cfg(feature = "tokio")]
    pub async fn ended(&self, every: std::time::Duration) -> Error {
        loop {
            let wait = match self.session().await {
                Ok(session) => session.expires_in().min(every),
                Err(over) if over.no_session().is_some() => return over,
                Err(_) => every,
            };
            tokio::time::sleep(wait.max(MIN_WAIT)).await;
        }
    }

    /// What another process needs to use the same session, such as a job that waits in a queue.
    ///
    /// See [`Sessions::detached`](crate::Sessions::detached).
    pub fn grant(&self) -> SessionGrant {
        self.grant
    }

    fn credential(&self) -> Credential {
        let SessionGrant { id, family, until, .. } = self.grant;
        if self.needs_proof {
            Credential::KeyFamily(id, Box::new(HeldFamily { family, until }))
        } else {
            Credential::WithoutProof(id, family)
        }
    }

    async fn open(&self, reload: Reload<Arc<TypedValue<V>>>) -> Result<Session<V, K>, Error> {
        let loaded = self.manager.run(reload).await?;
        Ok(Session::of(Arc::new(RequestState::detached(Arc::clone(&self.manager), loaded))))
    }
}

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// A handle on this session that outlives the request: for a WebSocket, an event stream or a
    /// background job.
    ///
    /// # Errors
    /// `NotFound` if there is no session (status 401), `Superseded`.
    pub fn detach(&self) -> Result<DetachedSession<V, K>, Error> {
        match &self.request.session() {
            SessionState::Live(loaded) => {
                let (id, family) = (loaded.id(), loaded.record.credentials().family());
                let manager = Arc::clone(&self.request.manager);
                let until = match &loaded.credential {
                    Credential::Key(key) => {
                        let verifier = key.verifier(manager.policy.kind);
                        bound_until(&loaded.record, &verifier, manager.now())
                    }
                    Credential::KeyFamily(_, held) => held.until,
                    Credential::WithoutProof(..) | Credential::Id(_) => None,
                };
                let grant = SessionGrant::new(id, family, manager.policy.kind, until);
                let detached = DetachedSession::new(manager, grant);
                Ok(match &loaded.credential {
                    Credential::WithoutProof(..) => detached.without_proof(),
                    _ => detached,
                })
            }
            _ => Err(self.beginning_refused().unwrap_or_else(|| {
                Error::never_open(self.no_session().unwrap_or(NoSession::Unknown))
            })),
        }
    }
}

/// The session is not checked more often than this.
#[cfg(feature = "tokio")]
const MIN_WAIT: std::time::Duration = std::time::Duration::from_millis(10);

impl<V: SessionValue, K: SessionKind> Clone for DetachedSession<V, K> {
    fn clone(&self) -> Self {
        let Self { grant, needs_proof, .. } = *self;
        Self { needs_proof, ..Self::new(Arc::clone(&self.manager), grant) }
    }
}

impl<V: SessionValue, K: SessionKind> fmt::Debug for DetachedSession<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DetachedSession({})", self.grant.id)
    }
}

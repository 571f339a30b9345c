//! The same sessions for code that blocks: a thread-per-request server, a command-line tool.
//!
//! ```
//! use cloakroom::{Map, MemoryStore, Sessions, blocking};
//!
//! let sessions = blocking::Sessions::new(Sessions::<Map>::new(MemoryStore::new())?);
//! let mut session = sessions.generate(Map::default())?;
//! session.update(|map| map.insert("visits", 1))??;
//! assert_eq!(session.get::<u32>("visits")?, Some(1)); // reads are those of the async handle
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here holds logic: each method waits for its async twin. In-process stores are done at once and never block.

use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attendance::Attendance;
use crate::csrf::CsrfToken;
use crate::error::Error;
use crate::freshness::Freshness;
use crate::header_map::Headers;
use crate::io::block_on;
use crate::key::{Key, SessionId};
use crate::lifetime::Lifetime;
use crate::login::Login;
use crate::map::Map;
use crate::principal::Principal;
use crate::store::Page;
use crate::summary::Summary;
use crate::time::Timestamp;
use crate::value::{DefaultKind, Kind, Value};

/// [`Sessions`](crate::Sessions) whose methods wait.
///
/// # Panics
/// With the feature `tokio`, a method that has to wait panics on a thread that is driving async tasks, as tokio's own
/// `block_on` does: await the async twin there. Threads for blocking work (`spawn_blocking`) may wait.
#[derive(Clone, Debug)]
pub struct Sessions<V, K = DefaultKind>(crate::Sessions<V, K>);

impl<V: Value, K: Kind> Sessions<V, K> {
    /// Blocking access to `sessions`.
    pub const fn new(sessions: crate::Sessions<V, K>) -> Self {
        Self(sessions)
    }

    /// Waits for [`generate`](crate::Sessions::generate).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn generate(&self, value: V) -> Result<Session<V, K>, Error> {
        wait(self.0.generate(value)).map(Session)
    }

    /// Waits for [`generate_for`](crate::Sessions::generate_for).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn generate_for(&self, value: V, expiry: Duration) -> Result<Session<V, K>, Error> {
        wait(self.0.generate_for(value, expiry)).map(Session)
    }

    /// Waits for [`of_key`](crate::Sessions::of_key).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn of_key(&self, key: &Key) -> Result<Session<V, K>, Error> {
        wait(self.0.of_key(key)).map(Session)
    }

    /// Waits for [`of_headers`](crate::Sessions::of_headers).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn of_headers(&self, request: &(impl Headers + ?Sized)) -> Result<Option<Session<V, K>>, Error> {
        wait(self.0.of_headers(request)).map(|session| session.map(Session))
    }

    /// Waits for [`of_headers_or_create`](crate::Sessions::of_headers_or_create).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn of_headers_or_create(
        &self,
        request: &(impl Headers + ?Sized),
        default: V,
    ) -> Result<Session<V, K>, Error> {
        wait(self.0.of_headers_or_create(request, default)).map(Session)
    }

    /// Waits for [`Visit::session`](crate::Visit::session).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn of_visit(
        &self,
        visit: &crate::Visit<V, K>,
        request: &(impl Headers + ?Sized),
    ) -> Result<Session<V, K>, Error> {
        wait(visit.session(request)).map(Session)
    }

    /// Waits for [`Attendance::session`](crate::Attendance::session).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn of_attendance(&self, attendance: &Attendance<V, K>) -> Result<Session<V, K>, Error> {
        wait(attendance.session()).map(Session)
    }

    /// Waits for [`list`](crate::Sessions::list).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn list(&self, principal: &Principal, page: Page) -> Result<Vec<Summary<V>>, Error> {
        wait(self.0.list(principal, page))
    }

    /// Waits for [`revoke`](crate::Sessions::revoke).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn revoke(&self, id: SessionId) -> Result<(), Error> {
        wait(self.0.revoke(id))
    }

    /// Waits for [`revoke_all`](crate::Sessions::revoke_all).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn revoke_all(&self, principal: &Principal) -> Result<usize, Error> {
        wait(self.0.revoke_all(principal))
    }

    /// Waits for [`revoke_issued_before`](crate::Sessions::revoke_issued_before).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn revoke_issued_before(&self, principal: &Principal, before: Timestamp) -> Result<usize, Error> {
        wait(self.0.revoke_issued_before(principal, before))
    }

    /// Waits for [`sweep`](crate::Sessions::sweep).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn sweep(&self, limit: usize) -> Result<usize, Error> {
        wait(self.0.sweep(limit))
    }
}

/// What needs no waiting is the async twin's: `visit`, `clear_headers`, `lifetime`, `set_lifetime`.
impl<V, K> Deref for Sessions<V, K> {
    type Target = crate::Sessions<V, K>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A [`Session`](crate::Session) whose changes wait.
#[derive(Debug)]
pub struct Session<V: Value, K: Kind = DefaultKind>(crate::Session<V, K>);

impl<V: Value, K: Kind> Session<V, K> {
    /// Waits for [`update`](crate::Session::update).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn update<R>(&mut self, change: impl FnMut(&mut V) -> R) -> Result<R, Error> {
        wait(self.0.update(change))
    }

    /// Waits for [`try_update`](crate::Session::try_update).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn try_update<R, E>(
        &mut self,
        change: impl FnMut(&mut V) -> Result<R, E>,
    ) -> Result<Result<R, E>, Error> {
        wait(self.0.try_update(change))
    }

    /// Waits for [`set`](crate::Session::set).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn set(&mut self, value: V) -> Result<(), Error> {
        wait(self.0.set(value))
    }

    /// Waits for [`set_for`](crate::Session::set_for).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn set_for(&mut self, value: V, expiry: Duration) -> Result<(), Error> {
        wait(self.0.set_for(value, expiry))
    }

    /// Waits for [`extend`](crate::Session::extend).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn extend(&mut self, expiry: Duration) -> Result<(), Error> {
        wait(self.0.extend(expiry))
    }

    /// Waits for [`start`](crate::Session::start).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn start(&mut self) -> Result<(), Error> {
        wait(self.0.start())
    }

    /// Waits for [`end`](crate::Session::end).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn end(&mut self) -> Result<(), Error> {
        wait(self.0.end())
    }

    /// Waits for [`login`](crate::Session::login).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn login(&mut self, login: impl Into<Login>) -> Result<(), Error> {
        wait(self.0.login(login))
    }

    /// Waits for [`live_for`](crate::Session::live_for).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn live_for(&mut self, lifetime: Lifetime) -> Result<(), Error> {
        wait(self.0.live_for(lifetime))
    }

    /// Waits for [`set_label`](crate::Session::set_label).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn set_label(&mut self, label: &str) -> Result<(), Error> {
        wait(self.0.set_label(label))
    }

    /// Waits for [`require`](crate::Session::require).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn require(&mut self, freshness: Freshness) -> Result<(), Error> {
        wait(self.0.require(freshness))
    }

    /// Waits for [`csrf_token`](crate::Session::csrf_token).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn csrf_token(&mut self, purpose: &str) -> Result<CsrfToken, Error> {
        wait(self.0.csrf_token(purpose))
    }

    /// Waits for [`logout`](crate::Session::logout).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn logout(&mut self) -> Result<(), Error> {
        wait(self.0.logout())
    }

    /// Waits for [`logout_other`](crate::Session::logout_other).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn logout_other(&mut self, id: SessionId) -> Result<bool, Error> {
        wait(self.0.logout_other(id))
    }

    /// Waits for [`logout_others`](crate::Session::logout_others).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn logout_others(&mut self) -> Result<usize, Error> {
        wait(self.0.logout_others())
    }

    /// Waits for [`logout_everywhere`](crate::Session::logout_everywhere).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn logout_everywhere(&mut self) -> Result<usize, Error> {
        wait(self.0.logout_everywhere())
    }

    /// Waits for [`elevate`](crate::Session::elevate).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn elevate(&mut self) -> Result<(), Error> {
        wait(self.0.elevate())
    }
}

impl<K: Kind> Session<Map, K> {
    /// Waits for [`insert`](crate::Session::insert).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn insert<T: Serialize>(&mut self, key: &str, value: T) -> Result<(), Error> {
        wait(self.0.insert(key, value))
    }

    /// Waits for [`remove`](crate::Session::remove).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn remove<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Error> {
        wait(self.0.remove(key))
    }

    /// Waits for [`merge`](crate::Session::merge).
    ///
    /// # Errors
    /// Those of its twin.
    pub fn merge(&mut self, base: &Map, edited: &Map) -> Result<(), Error> {
        wait(self.0.merge(base, edited))
    }
}

impl<V: Value, K: Kind> Deref for Session<V, K> {
    type Target = crate::Session<V, K>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Waits for a future: not at all if it is done at once, else as this thread may.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return runtime.block_on(future);
    }
    block_on(future)
}

//! A manager in a world of its own.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::observe::{Event, Observer};
use cloakroom::{Io, Key, SessionMap, SessionValue, Sessions, SessionsBuilder, Store};
use http::{HeaderMap, HeaderValue, header};

use crate::clock::ManualClock;

/// A manager by the default policy, its clock, and what it reported.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap};
/// # use cloakroom_testkit::{World, block_on};
/// # use std::time::Duration;
/// let world: World<SessionMap> = World::new(MemoryStore::new());
/// let session = block_on(world.sessions.generate(SessionMap::default()))?;
/// world.clock.advance(Duration::from_secs(30 * 60));
/// assert!(block_on(world.sessions.of_key(session.key().unwrap())).is_err());
/// assert!(world.events()[0].starts_with("Created"));
/// # Ok::<(), cloakroom::Error>(())
/// ```
pub struct World<V = SessionMap> {
    /// The time, as the manager sees it.
    pub clock: ManualClock,
    /// The manager.
    pub sessions: Sessions<V>,
    events: Recorder,
}

impl<V: SessionValue> World<V> {
    /// Sessions on `store` by the default policy.
    pub fn new(store: impl Store) -> Self {
        Self::with(store, |builder| builder)
    }

    /// Sessions on `store` by a policy of your own. The clock may be replaced too, but the world then knows nothing of it;
    /// observers are added to the world's own.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(SessionsBuilder<V>) -> SessionsBuilder<V>,
    ) -> Self {
        let (clock, events) = (ManualClock::new(), Recorder::default());
        let builder = Sessions::builder(store).clock(clock.clone()).observer(events.clone());
        let sessions = adjust(builder).build().expect("the policy is sound");
        Self { clock, sessions, events }
    }

    /// What the manager reported so far, each event as its `Debug` text.
    pub fn events(&self) -> Vec<String> {
        self.events.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The headers of a request that carries `key` in the default cookie, `__Host-id`.
    pub fn request(&self, key: &Key) -> HeaderMap {
        let cookie = format!("__Host-id={}", key.expose());
        let cookie = HeaderValue::try_from(cookie).expect("a key is plain ASCII");
        HeaderMap::from_iter([(header::COOKIE, cookie)])
    }

    /// The same for a page that the visitor navigates to (`Sec-Fetch-Mode: navigate`).
    pub fn navigation(&self, key: &Key) -> HeaderMap {
        let mut request = self.request(key);
        request.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        request
    }
}

impl<V> fmt::Debug for World<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("clock", &self.clock)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
    }
}

/// Runs a future to its end on this thread. It needs no runtime.
pub fn block_on<T>(future: impl Future<Output = T> + Send) -> T {
    Io::future(future).wait()
}

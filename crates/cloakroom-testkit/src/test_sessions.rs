//! A session manager for tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::observe::{Event, Observer};
use cloakroom::{Key, SessionMap, SessionValue, Sessions, SessionsBuilder, Store};
use http::{HeaderMap, HeaderValue, header};

use crate::clock::ManualClock;

/// A session manager on a [`ManualClock`], with a log of the events it reported.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap};
/// # use cloakroom_testkit::{TestSessions, block_on};
/// # use std::time::Duration;
/// let test: TestSessions<SessionMap> = TestSessions::new(MemoryStore::new());
/// let session = block_on(test.sessions.generate(SessionMap::default()))?;
/// test.clock.advance(Duration::from_secs(30 * 60)); // the idle timeout
/// assert!(block_on(test.sessions.of_key(session.key().unwrap())).is_err());
/// assert!(test.events()[0].starts_with("Created"));
/// # Ok::<(), cloakroom::Error>(())
/// ```
pub struct TestSessions<V = SessionMap> {
    /// The clock that the manager reads.
    pub clock: ManualClock,
    /// The manager.
    pub sessions: Sessions<V>,
    events: Recorder,
}

impl<V: SessionValue> TestSessions<V> {
    /// Sessions on `store` with the default policy.
    pub fn new(store: impl Store) -> Self {
        Self::with(store, |builder| builder)
    }

    /// Sessions on `store` with a policy of your own.
    ///
    /// An observer that `adjust` adds is called as well as the recorder behind
    /// [`events`](Self::events). If `adjust` replaces the clock, the field `clock` has no effect.
    pub fn with(
        store: impl Store,
        adjust: impl FnOnce(SessionsBuilder<V>) -> SessionsBuilder<V>,
    ) -> Self {
        let (clock, events) = (ManualClock::new(), Recorder::default());
        let builder = Sessions::builder(store).clock(clock.clone()).observer(events.clone());
        let sessions = adjust(builder).build().expect("the policy is valid");
        Self { clock, sessions, events }
    }

    /// The events reported so far but the store's calls, each as its `Debug` text.
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

impl<V> fmt::Debug for TestSessions<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSessions")
            .field("clock", &self.clock)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        if !matches!(event, Event::StoreCalled { .. }) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
        }
    }
}

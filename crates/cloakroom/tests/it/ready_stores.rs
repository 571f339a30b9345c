//! Stores that answer at once, for which some operations take a path without futures: both paths
//! must behave the same.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use cloakroom::observe::{Event, Observer};
use cloakroom::store::{Call, Operation, StoreError};
use cloakroom::{
    ErrorKind, Io, MemoryStore, RequestSession, SessionMap, Sessions, Store, decorate_store,
};
use cloakroom_testkit::{SeededEntropy, block_on};
use http::HeaderMap;

/// Counts the sessions that were created and the writes that were retried.
#[derive(Clone, Debug, Default)]
struct EventCounts(Arc<[AtomicUsize; 2]>);

impl Observer for EventCounts {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Created { .. } => self.0[0].fetch_add(1, Ordering::Relaxed),
            Event::WriteRetried { .. } => self.0[1].fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl EventCounts {
    fn get(&self) -> [usize; 2] {
        [0, 1].map(|which| self.0[which].load(Ordering::Relaxed))
    }
}

fn request_with_session(sessions: &Sessions<SessionMap>) -> HeaderMap {
    let session = block_on(sessions.generate(SessionMap::default())).unwrap();
    let mut headers = HeaderMap::new();
    let pair = format!("__Host-id={}", session.key().unwrap().expose());
    headers.insert("cookie", pair.parse().unwrap());
    headers
}

#[test]
fn a_session_that_finds_no_free_id_is_not_created() {
    let blocks =
        [[1; 16], [2; 16]].into_iter().chain((3..7).flat_map(|secret| [[1; 16], [secret; 16]]));
    let counts = EventCounts::default();
    let builder = Sessions::builder(MemoryStore::new()).observer(counts.clone());
    let sessions: Sessions<SessionMap> =
        builder.entropy(SeededEntropy::from_blocks(blocks.collect())).build().unwrap();
    block_on(async {
        let empty = HeaderMap::new();
        sessions.request_session().session(&empty).await.unwrap().start().await.unwrap();
        let second = sessions.request_session().session(&empty).await.unwrap().start().await;
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Conflict);
    });
    assert_eq!(counts.get(), [1, 0], "the second session was reported as created");
}

#[test]
fn losing_a_race_to_the_same_change_is_not_a_retried_write() {
    let counts = EventCounts::default();
    let builder = Sessions::builder(MemoryStore::new()).observer(counts.clone());
    let sessions: Sessions<SessionMap> = builder.build().unwrap();
    let headers = request_with_session(&sessions);
    block_on(async {
        let mut slow = sessions.request_session().session(&headers).await.unwrap();
        let mut quick = sessions.request_session().session(&headers).await.unwrap();
        quick.insert("seen", true).await.unwrap();
        slow.insert("seen", true).await.unwrap();
        assert_eq!(counts.get()[1], 0);
        quick.insert("seen", false).await.unwrap();
        slow.insert("late", true).await.unwrap();
        assert_eq!(counts.get()[1], 1);
    });
}

/// Holds reads back until it is opened.
#[derive(Debug)]
struct Gate<S>(S, Arc<AtomicBool>);

impl<S: Store> Gate<S> {
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        ask: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        if call.operation != Operation::Get {
            return ask(&self.0);
        }
        Io::future(async move {
            let is_open = |_: &mut Context<'_>| {
                if self.1.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            };
            std::future::poll_fn(is_open).await;
            ask(&self.0).await
        })
    }
}

decorate_store!(Gate);

/// A task that, when woken, uses the session in the waker itself.
struct InlineTask(RequestSession<SessionMap>);

impl Wake for InlineTask {
    fn wake(self: Arc<Self>) {
        drop(self.0.opened());
    }
}

#[test]
fn a_waker_can_use_the_session_at_once() {
    let is_open = Arc::new(AtomicBool::new(true));
    let gate: Arc<dyn Store> = Arc::new(Gate(MemoryStore::new(), Arc::clone(&is_open)));
    let sessions: Sessions<SessionMap> = Sessions::new(gate).unwrap();
    let headers = request_with_session(&sessions);
    is_open.store(false, Ordering::Relaxed);
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let request_session = sessions.request_session();
        let inline = Waker::from(Arc::new(InlineTask(request_session.clone())));
        let (mut first, mut second) =
            (pin!(request_session.session(&headers)), pin!(request_session.session(&headers)));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(second.as_mut().poll(&mut Context::from_waker(&inline)).is_pending());
        is_open.store(true, Ordering::Relaxed);
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(30)).expect("a waker was called with the lock held");
}

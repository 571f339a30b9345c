//! The guarantees behind a cache: it can confirm a session but never deny one, and what another
//! node writes is seen within a bound.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::record::{EndReason, Ending, Stored};
use cloakroom::store::{Lookup, Operation};
use cloakroom::stores::CachedStore;
use cloakroom::{
    AuthRequirement, Error, Io, Key, MemoryStore, Principal, Session, SessionMap, Sessions, Store,
};
use cloakroom_testkit::{FeedStore, ManualClock, SpyStore, StepStore, block_on};
use http::{HeaderMap, HeaderValue, header};

const MAX_STALENESS: Duration = Duration::from_secs(3);
/// One millisecond less.
const JUST_LESS: Duration = Duration::from_millis(2_999);

type Shared = FeedStore<MemoryStore>;

/// A node: its connection to the shared store, the calls that reach it, and its sessions.
struct Node {
    feed: Shared,
    spy: SpyStore<Shared>,
    sessions: Sessions<SessionMap>,
    time: ManualClock,
}

impl Node {
    fn on(feed: Shared) -> Self {
        let (spy, time) = (SpyStore::new(feed.clone()), ManualClock::new());
        let cached = block_on(
            CachedStore::builder(spy.clone())
                .max_staleness(MAX_STALENESS)
                .clock(time.clone())
                .build(),
        )
        .unwrap();
        spy.reset();
        let sessions = Sessions::builder(cached).clock(time.clone()).build().unwrap();
        Self { feed, spy, sessions, time }
    }

    fn pair() -> (Self, Self) {
        let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
        let other = feed.node();
        (Self::on(feed), Self::on(other))
    }

    fn create(&self) -> Key {
        let session = block_on(self.sessions.generate(SessionMap::default())).unwrap();
        session.key().unwrap().clone()
    }

    async fn open(&self, key: &Key) -> Result<Session<SessionMap>, Error> {
        let cookie = HeaderValue::try_from(format!("__Host-id={}", key.expose())).unwrap();
        self.sessions
            .request_session()
            .session(&HeaderMap::from_iter([(header::COOKIE, cookie)]))
            .await
    }

    fn opens(&self, key: &Key) -> bool {
        block_on(self.open(key)).unwrap().no_session().is_none()
    }

    fn end(&self, key: &Key) {
        block_on(async { self.open(key).await?.logout().await }).unwrap();
    }

    /// How many calls have reached the store since the last time this was called.
    fn calls(&self) -> usize {
        let calls = self.spy.calls().total();
        self.spy.reset();
        calls
    }
}

/// The other node's end has taken the session out of the index, so the revocation does not find it.
#[test]
fn a_revocation_holds_at_once_on_its_node_for_what_another_node_has_ended() {
    let (here, there) = Node::pair();
    let (mut session, alice) =
        (block_on(here.sessions.generate(SessionMap::default())).unwrap(), Principal::new("alice"));
    let alice = alice.unwrap();
    block_on(session.login(&alice)).unwrap();
    let key = session.key().unwrap().clone();
    assert!(here.opens(&key));
    // The feed says nothing of it yet.
    here.feed.cut();
    there.end(&key);
    assert!(here.opens(&key), "within the bound");
    let now = here.time.now().after(Duration::from_millis(1));
    block_on(here.sessions.revoke_issued_before(&alice, now)).unwrap();
    assert!(!here.opens(&key));
}

#[test]
fn a_cached_session_costs_no_round_trip() {
    let (here, there) = Node::pair();
    let key = here.create();
    here.calls();
    for _ in 0..10 {
        assert!(here.opens(&key));
    }
    assert_eq!(here.calls(), 0, "it was written here");
    for _ in 0..10 {
        assert!(there.opens(&key));
    }
    assert_eq!(there.calls(), 1, "it was read once");
}

#[test]
fn an_end_on_one_node_is_seen_on_another_at_once_while_the_feed_is_up() {
    let (here, there) = Node::pair();
    let key = here.create();
    assert!(there.opens(&key));
    here.end(&key);
    assert!(!there.opens(&key));
    assert!(!here.opens(&key));
}

#[test]
fn an_end_on_one_node_is_seen_on_another_within_the_bound_when_the_feed_is_down() {
    let (here, there) = Node::pair();
    let key = here.create();
    assert!(there.opens(&key));
    there.time.advance(Duration::from_secs(1));
    there.feed.heartbeat();
    there.feed.cut();
    here.end(&key);
    there.time.advance(JUST_LESS);
    assert!(there.opens(&key), "this is the documented bound");
    there.time.advance(Duration::from_millis(1));
    assert!(!there.opens(&key));
}

#[test]
fn a_session_stays_cached_while_the_feed_is_up() {
    let (here, there) = Node::pair();
    let key = here.create();
    assert!(there.opens(&key));
    there.calls();
    for _ in 0..100 {
        there.time.advance(Duration::from_secs(1));
        there.feed.heartbeat();
        assert!(there.opens(&key));
    }
    assert_eq!(there.calls(), 0);
}

#[test]
fn what_the_feed_missed_while_it_was_down_is_not_served_from_the_cache_afterwards() {
    let (here, there) = Node::pair();
    let key = here.create();
    assert!(there.opens(&key));
    there.feed.cut();
    here.end(&key);
    there.feed.restore();
    there.feed.heartbeat();
    assert!(!there.opens(&key));
}

#[test]
fn a_write_on_another_node_is_seen_and_never_overwritten() {
    let (here, there) = Node::pair();
    let key = here.create();
    for round in 1..=10_u64 {
        for node in [&here, &there] {
            // Also when the copy is outdated, as no change is announced.
            if round % 2 == 0 {
                node.feed.cut();
            } else {
                node.feed.restore();
            }
            let seen = block_on(async {
                let mut session = node.open(&key).await?;
                session
                    .update(|map| {
                        let n = map.get::<u64>("n").ok().flatten().unwrap_or_default() + 1;
                        map.insert("n", n).unwrap();
                        n
                    })
                    .await
            });
            let expected = 2 * round - u64::from(std::ptr::eq(node, &raw const here));
            assert_eq!(seen.unwrap(), expected);
        }
    }
}

#[test]
fn signing_in_renewing_and_requirements_never_rely_on_a_cached_session() {
    let alice = Principal::new("alice").unwrap();
    for step in ["require", "renew", "login"] {
        let (here, there) = Node::pair();
        let key = block_on(async {
            let mut session = here.sessions.generate(SessionMap::default()).await.unwrap();
            session.login(&alice).await.unwrap();
            session.key().unwrap().clone()
        });
        assert!(there.opens(&key));
        there.feed.cut();
        here.end(&key);
        block_on(async {
            let mut session = there.open(&key).await.unwrap();
            assert!(session.no_session().is_none(), "it is cached");
            match step {
                "require" => {
                    let lately = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
                    assert!(session.require(lately).await.is_err());
                }
                "renew" => assert!(session.renew().await.is_err()),
                _ => {
                    session.login(&alice).await.unwrap();
                    assert_ne!(session.id(), Some(key.id()), "an ended session was signed in on");
                }
            }
        });
        assert!(!there.opens(&key), "after {step}");
    }
}

#[test]
fn a_key_that_does_not_open_the_cached_session_is_checked_with_the_store() {
    let (here, there) = Node::pair();
    let key = here.create();
    assert!(there.opens(&key));
    there.feed.cut();
    // A new key, which `there` does not know of yet.
    let new = block_on(async {
        let mut session = here.open(&key).await.unwrap();
        session.renew().await.unwrap();
        session.key().unwrap().clone()
    });
    assert!(there.opens(&new), "a cache never denies a session");
}

/// A cache of a slow store, and another node that uses the same sessions.
fn slow() -> (CachedStore<StepStore<Shared>>, StepStore<Shared>, Node) {
    let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
    let step = StepStore::new(feed.clone());
    let cached =
        block_on(CachedStore::builder(step.clone()).clock(ManualClock::new()).build()).unwrap();
    (cached, step, Node::on(feed.node()))
}

/// Polls until there is an answer, or polling makes no more progress.
fn poll_many<T>(io: &mut Io<'_, T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    (0..20).find_map(|_| match Pin::new(&mut *io).poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    })
}

fn is_live(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Cached(_) | Lookup::Authoritative(Some(Stored::Live(_))))
}

#[test]
fn a_read_in_flight_is_not_cached_if_the_session_ends_meanwhile() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.create();
    let guard = step.hold_answer(Operation::Get);
    let mut read = cached.get_cached(key.id());
    assert!(poll_many(&mut read).is_none());
    elsewhere.end(&key);
    guard.release();
    assert!(is_live(&poll_many(&mut read).unwrap().unwrap()), "the read began before the end");
    assert!(!is_live(&cached.get_cached(key.id()).wait().unwrap()), "the old record was cached");
}

#[test]
fn a_read_after_an_end_does_not_share_the_result_of_one_before_it() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.create();
    let guard = step.hold_answer(Operation::Get);
    let mut before = cached.get_cached(key.id());
    assert!(poll_many(&mut before).is_none());
    elsewhere.end(&key);
    assert!(!is_live(&cached.get_cached(key.id()).wait().unwrap()));
    guard.release();
    assert!(is_live(&poll_many(&mut before).unwrap().unwrap()));
}

#[test]
fn concurrent_reads_of_one_session_share_one_round_trip() {
    let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
    let spy = SpyStore::new(feed.clone());
    let step = StepStore::new(spy.clone());
    let cached = block_on(CachedStore::builder(step.clone()).build()).unwrap();
    let key = Node::on(feed.node()).create();
    spy.reset();
    let guard = step.hold(Operation::Get);
    let mut reads: Vec<_> = (0..8).map(|_| cached.get_cached(key.id())).collect();
    assert!(reads.iter_mut().all(|read| poll_many(read).is_none()));
    guard.release();
    for read in reads {
        assert!(is_live(&read.wait().unwrap()));
    }
    assert_eq!(spy.calls().total(), 1);
}

#[test]
fn a_waiter_takes_over_a_read_that_is_dropped() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.create();
    let guard = step.hold(Operation::Get);
    let mut leader = cached.get_cached(key.id());
    assert!(poll_many(&mut leader).is_none());
    let mut follower = cached.get_cached(key.id());
    assert!(poll_many(&mut follower).is_none());
    drop(leader);
    assert!(is_live(&poll_many(&mut follower).unwrap().unwrap()));
    drop(guard);
}

/// An arm of a `select!` that is neither taken nor dropped, for instance.
#[test]
fn a_read_that_is_never_polled_again_holds_up_no_one_for_long() {
    let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
    let (steps, time) = (StepStore::new(feed.clone()), ManualClock::new());
    let cached = block_on(CachedStore::builder(steps.clone()).clock(time.clone()).build()).unwrap();
    let key = Node::on(feed.node()).create();
    let held = steps.hold(Operation::Get);
    let mut leader = cached.get_cached(key.id());
    assert!(poll_many(&mut leader).is_none() && held.has_arrived());
    let mut follower = cached.get_cached(key.id());
    assert!(poll_many(&mut follower).is_none());
    time.advance(Duration::from_secs(2));
    assert!(poll_many(&mut follower).is_some_and(|found| is_live(&found.unwrap())));
    let mut later = cached.get_cached(key.id());
    assert!(poll_many(&mut later).is_some_and(|found| is_live(&found.unwrap())));
}

#[test]
fn an_end_that_is_dropped_in_flight_still_removes_the_cached_session() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.create();
    assert!(is_live(&cached.get_cached(key.id()).wait().unwrap()));
    let guard = step.hold_answer(Operation::End);
    let now = elsewhere.time.now();
    let mut end = cached.end(key.id(), Ending::new(EndReason::Revoked, now, now));
    assert!(poll_many(&mut end).is_none());
    drop(end);
    assert!(!is_live(&cached.get_cached(key.id()).wait().unwrap()));
    drop(guard);
}

#[test]
fn without_a_feed_a_session_is_cached_for_the_stated_staleness() {
    let (store, time) =
        (SpyStore::new(MemoryStore::new().with_encoded_values()), ManualClock::new());
    let other: Sessions<SessionMap> =
        Sessions::builder(store.clone()).clock(time.clone()).build().unwrap();
    let cached = CachedStore::builder(store.clone())
        .max_staleness(MAX_STALENESS)
        .clock(time.clone())
        .build();
    let cached = block_on(cached).unwrap();
    let id = block_on(other.generate(SessionMap::default())).unwrap().id().unwrap();
    assert!(is_live(&cached.get_cached(id).wait().unwrap()));
    block_on(other.revoke(id)).unwrap();
    time.advance(JUST_LESS);
    assert!(is_live(&cached.get_cached(id).wait().unwrap()));
    time.advance(Duration::from_millis(1));
    assert!(!is_live(&cached.get_cached(id).wait().unwrap()));
}

#[test]
fn the_cache_is_bounded() {
    let store = MemoryStore::new().with_encoded_values();
    let cached = block_on(CachedStore::builder(store).capacity_bytes(1 << 20).build()).unwrap();
    let cached = std::sync::Arc::new(cached);
    let sessions: Sessions<SessionMap> = Sessions::new(std::sync::Arc::clone(&cached)).unwrap();
    for _ in 0..10_000 {
        let _ = block_on(sessions.generate(SessionMap::default())).unwrap();
    }
    assert!((100..2_000).contains(&cached.len()), "{}", cached.len());
}

#[test]
fn a_cached_value_is_decoded_once() {
    let (here, there) = Node::pair();
    let key = here.create();
    let values: Vec<_> = (0..3).map(|_| block_on(there.open(&key)).unwrap()).collect();
    let address = |session: &Session<SessionMap>| std::ptr::from_ref::<SessionMap>(session.value());
    assert!(values.windows(2).all(|pair| address(&pair[0]) == address(&pair[1])));
}

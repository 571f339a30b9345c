//! The laws behind a near cache: it may say yes, never no, and elsewhere is within a bound.

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

const BELIEF: Duration = Duration::from_secs(3);
/// A millisecond less.
const ALMOST: Duration = Duration::from_millis(2_999);

type Shared = FeedStore<MemoryStore>;

/// A node: its connection to the store, the calls that reach it, and its manager.
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
            CachedStore::builder(spy.clone()).max_staleness(BELIEF).clock(time.clone()).build(),
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

    fn begin(&self) -> Key {
        let session = block_on(self.sessions.generate(SessionMap::default())).unwrap();
        session.key().unwrap().clone()
    }

    async fn visit(&self, key: &Key) -> Result<Session<SessionMap>, Error> {
        let cookie = HeaderValue::try_from(format!("__Host-id={}", key.expose())).unwrap();
        self.sessions
            .request_session()
            .session(&HeaderMap::from_iter([(header::COOKIE, cookie)]))
            .await
    }

    fn opens(&self, key: &Key) -> bool {
        block_on(self.visit(key)).unwrap().no_session().is_none()
    }

    fn end(&self, key: &Key) {
        block_on(async { self.visit(key).await?.logout().await }).unwrap();
    }

    /// How often the store was asked since this was asked last.
    fn calls(&self) -> usize {
        let calls = self.spy.calls().total();
        self.spy.reset();
        calls
    }
}

#[test]
fn a_session_that_is_remembered_costs_no_round_trip() {
    let (here, there) = Node::pair();
    let key = here.begin();
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
fn what_ends_on_one_node_is_over_on_the_other_at_once_while_the_feed_is_up() {
    let (here, there) = Node::pair();
    let key = here.begin();
    assert!(there.opens(&key));
    here.end(&key);
    assert!(!there.opens(&key));
    assert!(!here.opens(&key));
}

#[test]
fn what_ends_on_one_node_is_over_on_the_other_within_the_bound_when_the_feed_is_cut() {
    let (here, there) = Node::pair();
    let key = here.begin();
    assert!(there.opens(&key));
    there.time.advance(Duration::from_secs(1));
    there.feed.heartbeat();
    there.feed.cut();
    here.end(&key);
    there.time.advance(ALMOST);
    assert!(there.opens(&key), "this is the bound that is stated");
    there.time.advance(Duration::from_millis(1));
    assert!(!there.opens(&key));
}

#[test]
fn a_feed_that_is_up_keeps_what_is_remembered_good_for_ever() {
    let (here, there) = Node::pair();
    let key = here.begin();
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
fn what_a_cut_feed_missed_is_not_believed_once_it_is_mended() {
    let (here, there) = Node::pair();
    let key = here.begin();
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
    let key = here.begin();
    for round in 1..=10_u64 {
        for node in [&here, &there] {
            // Also of what is remembered wrongly, as nothing is caught_up_to.
            if round % 2 == 0 {
                node.feed.cut();
            } else {
                node.feed.restore();
            }
            let seen = block_on(async {
                let mut session = node.visit(&key).await?;
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
fn nobody_signs_in_is_elevated_or_passes_a_guard_on_what_is_remembered() {
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
            let mut session = there.visit(&key).await.unwrap();
            assert!(session.no_session().is_none(), "it is remembered");
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
fn a_key_that_does_not_open_what_is_remembered_is_asked_of_the_store() {
    let (here, there) = Node::pair();
    let key = here.begin();
    assert!(there.opens(&key));
    there.feed.cut();
    // A new key, which `there` has not caught_up_to of.
    let new = block_on(async {
        let mut session = here.visit(&key).await.unwrap();
        session.renew().await.unwrap();
        session.key().unwrap().clone()
    });
    assert!(there.opens(&new), "a cache never says no");
}

/// A cache whose store is slow, and a node elsewhere that uses the same sessions.
fn slow() -> (CachedStore<StepStore<Shared>>, StepStore<Shared>, Node) {
    let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
    let step = StepStore::new(feed.clone());
    let cached =
        block_on(CachedStore::builder(step.clone()).clock(ManualClock::new()).build()).unwrap();
    (cached, step, Node::on(feed.node()))
}

/// Polls until there is an answer, or nothing moves any more.
fn push<T>(io: &mut Io<'_, T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    (0..20).find_map(|_| match Pin::new(&mut *io).poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    })
}

fn is_live(recalled: &Lookup) -> bool {
    matches!(recalled, Lookup::Cached(_) | Lookup::Authoritative(Some(Stored::Live(_))))
}

#[test]
fn a_read_on_its_way_is_not_remembered_over_an_end_that_came_meanwhile() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.begin();
    let held = step.hold_answer(Operation::Get);
    let mut read = cached.get_cached(key.id());
    assert!(push(&mut read).is_none());
    elsewhere.end(&key);
    held.release();
    assert!(is_live(&push(&mut read).unwrap().unwrap()), "it was asked before the end");
    assert!(
        !is_live(&cached.get_cached(key.id()).wait().unwrap()),
        "the old record was remembered"
    );
}

#[test]
fn who_asks_after_an_end_does_not_hear_what_was_asked_before_it() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.begin();
    let held = step.hold_answer(Operation::Get);
    let mut before = cached.get_cached(key.id());
    assert!(push(&mut before).is_none());
    elsewhere.end(&key);
    assert!(!is_live(&cached.get_cached(key.id()).wait().unwrap()));
    held.release();
    assert!(is_live(&push(&mut before).unwrap().unwrap()));
}

#[test]
fn requests_that_ask_for_one_session_at_once_share_one_round_trip() {
    let feed = FeedStore::new(MemoryStore::new().with_encoded_values());
    let spy = SpyStore::new(feed.clone());
    let step = StepStore::new(spy.clone());
    let cached = block_on(CachedStore::builder(step.clone()).build()).unwrap();
    let key = Node::on(feed.node()).begin();
    spy.reset();
    let held = step.hold(Operation::Get);
    let mut asked: Vec<_> = (0..8).map(|_| cached.get_cached(key.id())).collect();
    assert!(asked.iter_mut().all(|one| push(one).is_none()));
    held.release();
    for one in asked {
        assert!(is_live(&one.wait().unwrap()));
    }
    assert_eq!(spy.calls().total(), 1);
}

#[test]
fn who_waits_for_a_read_that_is_dropped_takes_it_over() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.begin();
    let held = step.hold(Operation::Get);
    let mut leader = cached.get_cached(key.id());
    assert!(push(&mut leader).is_none());
    let mut follower = cached.get_cached(key.id());
    assert!(push(&mut follower).is_none());
    drop(leader);
    assert!(is_live(&push(&mut follower).unwrap().unwrap()));
    drop(held);
}

#[test]
fn an_end_that_was_dropped_on_its_way_is_not_remembered_away() {
    let (cached, step, elsewhere) = slow();
    let key = elsewhere.begin();
    assert!(is_live(&cached.get_cached(key.id()).wait().unwrap()));
    let held = step.hold_answer(Operation::End);
    let now = elsewhere.time.now();
    let mut end = cached.end(key.id(), Ending::new(EndReason::Revoked, now, now));
    assert!(push(&mut end).is_none());
    drop(end);
    assert!(!is_live(&cached.get_cached(key.id()).wait().unwrap()));
    drop(held);
}

#[test]
fn a_store_that_tells_nothing_is_believed_for_as_long_as_was_said() {
    let (store, time) = (SpyStore::new(MemoryStore::new().with_encoded_values()), ManualClock::new());
    let other: Sessions<SessionMap> =
        Sessions::builder(store.clone()).clock(time.clone()).build().unwrap();
    let cached =
        CachedStore::builder(store.clone()).max_staleness(BELIEF).clock(time.clone()).build();
    let cached = block_on(cached).unwrap();
    let id = block_on(other.generate(SessionMap::default())).unwrap().id().unwrap();
    assert!(is_live(&cached.get_cached(id).wait().unwrap()));
    block_on(other.revoke(id)).unwrap();
    time.advance(ALMOST);
    assert!(is_live(&cached.get_cached(id).wait().unwrap()));
    time.advance(Duration::from_millis(1));
    assert!(!is_live(&cached.get_cached(id).wait().unwrap()));
}

#[test]
fn what_is_remembered_is_bounded() {
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
fn a_value_that_is_remembered_is_decoded_once() {
    let (here, there) = Node::pair();
    let key = here.begin();
    let values: Vec<_> = (0..3).map(|_| block_on(there.visit(&key)).unwrap()).collect();
    let address = |session: &Session<SessionMap>| std::ptr::from_ref::<SessionMap>(session.value());
    assert!(values.windows(2).all(|pair| address(&pair[0]) == address(&pair[1])));
}

//! Timed renewal of keys, and the detection of key reuse.

use std::thread;
use std::time::Duration;

use cloakroom::policy::ReusePolicy;
use cloakroom::record::EndReason;
use cloakroom::{ErrorKind, Key, NoSession, Store, Transport};

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, increment, key_of, open,
};
use crate::{CookieSeen, block_on, cookie_of};

const RENEWAL: Duration = Duration::from_secs(15 * 60);
const GRACE: Duration = Duration::from_secs(60);
const REUSE_AFTER: Duration = Duration::from_secs(5 * 60);
const CLOCK_SLACK: Duration = Duration::from_secs(10);

/// The first request renews. All others are given the same key without a write.
pub fn every_request_with_the_old_key_is_given_the_same_next_key(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let old = due(&test).await;
        let next = next_key(&test, &old).await.expect("a renewal is due");
        assert_eq!(next.id(), old.id());
        assert_ne!(next, old);
        spy.reset();
        for _ in 0..3 {
            assert_eq!(next_key(&test, &old).await, Some(next.clone()));
        }
        assert_eq!((spy.calls().get, spy.calls().total()), (3, 3));
        assert_eq!(next_key(&test, &next).await, None);
        assert_eq!(open(&test, &next).await.value().count, 1);
    });
}

/// A browser that never receives a response keeps working, and is offered the next key each time.
pub fn lost_responses_lock_no_one_out(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        let next = next_key(&test, &old).await.expect("a renewal is due");
        for count in 2..20 {
            test.clock.advance(RENEWAL);
            let mut session = open(&test, &old).await;
            assert_eq!(increment(&mut session).await.unwrap(), count);
            assert_eq!(key_of(&session), next);
        }
    });
}

/// Until then a browser that crashed can come back with the old key.
pub fn the_old_key_retires_once_the_next_is_used_again_after_the_grace(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        let next = next_key(&test, &old).await.expect("a renewal is due");
        test.clock.advance(Duration::from_secs(10 * 60));
        assert!(open(&test, &next).await.exists()); // first use
        assert_eq!(next_key(&test, &old).await, Some(next.clone()));
        test.clock.advance(GRACE.checked_sub(Duration::from_millis(1)).unwrap());
        assert!(open(&test, &next).await.exists());
        assert_eq!(next_key(&test, &old).await, Some(next.clone()));
        test.clock.advance(Duration::from_millis(1));
        assert!(open(&test, &next).await.exists()); // used again: the old key retires
        assert_kind(test.sessions.of_key(&old).await, ErrorKind::Superseded);
        test.clock.advance(GRACE);
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        assert_eq!(open(&test, &next).await.value().count, 1);
    });
}

/// Two clients hold one key, and which of them copied it is unknown: both lose the session and
/// learn why.
pub fn a_reused_key_ends_the_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (old, next) = retired(&test).await;
        test.clock
            .advance((REUSE_AFTER + CLOCK_SLACK).checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        assert!(open(&test, &next).await.exists());
        test.clock.advance(Duration::from_millis(1));
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Ended(EndReason::KeyReused));
        assert_eq!(
            assert_opens_nothing(&test, &next).await,
            NoSession::Ended(EndReason::KeyReused)
        );
        assert!(test.events().iter().any(|event| event.starts_with("KeyReused")));
    });
}

/// The reused key opens nothing, and the session goes on.
pub fn key_reuse_is_only_reported_if_the_policy_says_so(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.reuse(ReusePolicy::report()));
    block_on(async {
        let (old, next) = retired(&test).await;
        test.clock.advance(REUSE_AFTER + CLOCK_SLACK);
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        assert!(open(&test, &next).await.exists());
        assert!(test.events().iter().any(|event| event.starts_with("KeyReused")));
    });
}

/// The request fails, and no session begins except by a login. The cookie stays.
pub fn a_reused_key_is_refused_if_the_policy_says_so(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.reuse(ReusePolicy::refuse()));
    block_on(async {
        let (old, next) = retired(&test).await;
        test.clock.advance(REUSE_AFTER + CLOCK_SLACK);
        let request = test.sessions.request_session();
        let mut copy = request.session(&test.navigation(&old)).await.unwrap();
        assert_eq!(copy.no_session(), Some(NoSession::Superseded));
        assert_kind(copy.set(Counter::of(9)).await, ErrorKind::Superseded);
        let mut response = http::HeaderMap::new();
        request.finish(&mut response);
        assert!(!response.contains_key("set-cookie"));

        let mut copy = open(&test, &old).await;
        copy.login(&alice()).await.unwrap();
        assert_ne!(copy.id(), Some(next.id()));
        assert!(open(&test, &next).await.exists());
    });
}

/// Sooner or later than the default of five minutes.
pub fn key_reuse_is_detected_after_the_span_of_the_policy(store: impl Store) {
    let store = std::sync::Arc::new(store);
    for span in [2 * 60, 15 * 60].map(Duration::from_secs) {
        let policy = ReusePolicy::end().after(span);
        let test =
            TestSessions::with(std::sync::Arc::clone(&store), |builder| builder.reuse(policy));
        block_on(async {
            let (old, next) = retired(&test).await;
            let almost = (span + CLOCK_SLACK).checked_sub(Duration::from_millis(1)).unwrap();
            test.clock.advance(almost);
            assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
            assert!(open(&test, &next).await.exists());
            test.clock.advance(Duration::from_millis(1));
            assert_eq!(
                assert_opens_nothing(&test, &old).await,
                NoSession::Ended(EndReason::KeyReused)
            );
        });
    }
}

/// Requests in parallel with a sign-in hold the old key innocently, however late they are.
pub fn a_key_replaced_at_login_is_never_key_reuse(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let old = key_of(&session);
        session.login(&alice()).await.unwrap();
        test.clock.advance(Duration::from_secs(20 * 60));
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        assert!(open(&test, &key_of(&session)).await.exists());
    });
}

/// The next renewal begins only after the old key has retired.
pub fn renewal_waits_until_the_old_key_has_retired(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        let next = next_key(&test, &old).await.expect("a renewal is due");
        test.clock.advance(RENEWAL);
        assert_eq!(next_key(&test, &next).await, None); // first use
        test.clock.advance(RENEWAL);
        assert_eq!(next_key(&test, &next).await, None); // used again: the old key retires
        test.clock.advance(RENEWAL);
        let third = next_key(&test, &next).await.expect("the next renewal is due");
        assert!(third != next && third != old);
        assert_eq!(open(&test, &third).await.value().count, 1);
    });
}

/// A bearer client has no cookie to replace, so its key stays, whatever its age.
pub fn a_bearer_token_is_never_renewed(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::with(spy.clone(), |builder| builder.transport(Transport::bearer()));
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut request = http::HeaderMap::new();
        request.insert("authorization", format!("Bearer {}", key.expose()).parse().unwrap());
        for _ in 0..4 {
            test.clock.advance(RENEWAL);
            let request_session = test.sessions.request_session();
            let session = request_session.session(&request).await.unwrap();
            assert_eq!(key_of(&session), key);
            let mut response = http::HeaderMap::new();
            request_session.finish(&mut response);
            assert!(!response.contains_key("set-cookie"));
            assert_eq!(response["vary"], "authorization");
        }
        assert_eq!(spy.calls().replace, 0);
    });
}

/// Fifty requests at the moment of renewal all read and write, and the browser's last key works
/// whatever the order of their responses.
pub fn parallel_requests_at_a_renewal_all_succeed(store: impl Store) {
    let test = TestSessions::new(store);
    let old = block_on(due(&test));
    let keys: Vec<Option<Key>> = thread::scope(|scope| {
        let requests: Vec<_> = (0..50)
            .map(|_| {
                scope.spawn(|| {
                    block_on(async {
                        let mut session = open(&test, &old).await;
                        increment(&mut session).await.unwrap();
                        sent(&session)
                    })
                })
            })
            .collect();
        requests.into_iter().map(|request| request.join().expect("a request failed")).collect()
    });
    block_on(async {
        let mut distinct: Vec<&Key> = keys.iter().flatten().collect();
        distinct.dedup();
        assert_eq!(distinct.len(), 1, "every client that was sent a key was sent the same");
        for key in [distinct[0], &old] {
            assert_eq!(open(&test, key).await.value().count, 51);
        }
    });
}

/// It would overwrite the newer key in the browser.
pub fn a_key_replaced_before_its_response_is_not_sent(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        let mut slow = open(&test, &old).await;
        let next = sent(&slow).expect("a renewal is due");
        open(&test, &next).await.login(&alice()).await.unwrap();
        assert_kind(increment(&mut slow).await, ErrorKind::Superseded);
        assert_eq!(sent(&slow), None);
    });
}

/// Its requests count as use.
pub fn a_client_that_never_takes_the_next_key_does_not_go_idle(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        for _ in 0..10 {
            assert!(next_key(&test, &old).await.is_some());
            test.clock.advance(Duration::from_secs(29 * 60));
        }
    });
}

/// A key whose renewal is due.
pub(super) async fn due(test: &TestSessions) -> Key {
    let session = test.sessions.generate(Counter::of(1)).await.unwrap();
    test.clock.advance(RENEWAL);
    key_of(&session)
}

/// A key that has just retired, and the key that replaced it.
pub(super) async fn retired(test: &TestSessions) -> (Key, Key) {
    let old = due(test).await;
    let next = next_key(test, &old).await.expect("a renewal is due");
    assert!(open(test, &next).await.exists());
    test.clock.advance(GRACE);
    assert!(open(test, &next).await.exists());
    (old, next)
}

/// The key that the response to a read with `key` sends.
async fn next_key(test: &TestSessions, key: &Key) -> Option<Key> {
    let session = open(test, key).await;
    assert!(session.exists(), "the key must work");
    sent(&session)
}

fn sent(session: &cloakroom::Session<Counter>) -> Option<Key> {
    match cookie_of(&session.headers()) {
        CookieSeen::Set { key, .. } => Some(key),
        CookieSeen::None => None,
        CookieSeen::Removed => panic!("the cookie was removed"),
    }
}

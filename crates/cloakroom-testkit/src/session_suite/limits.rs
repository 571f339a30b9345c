//! Session limits and revocations.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{Operation, Page};
use cloakroom::{
    Error, ErrorKind, Key, Login, NoSession, SessionLimit, Sessions, Store, Timestamp,
};

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, bob, increment, key_of, open,
};
use crate::{Fault, FaultyStore, StepStore, block_on};

/// How many clients sign in at once.
const CLIENTS: usize = 50;

async fn sign_in(test: &TestSessions) -> Result<Key, Error> {
    let mut session = test.sessions.request_session().session(&http::HeaderMap::new()).await?;
    session.login(&alice()).await?;
    Ok(key_of(&session))
}

/// How many of the keys open a session of Alice's.
async fn open_count(test: &TestSessions, keys: &[Key]) -> usize {
    let mut open_count = 0;
    for key in keys {
        open_count += usize::from(open(test, key).await.principal() == Some(&alice()));
    }
    open_count
}

async fn listed(sessions: &Sessions<Counter>) -> usize {
    sessions.list(&alice(), Page::first(1_000)).await.unwrap().len()
}

/// On two nodes that share the store; each session that remains is listed.
pub fn of_concurrent_logins_exactly_the_limit_remain(store: impl Store) {
    let store = Arc::new(store);
    let limit = SessionLimit::end_oldest(3);
    let nodes =
        [(); 2].map(|()| TestSessions::with(Arc::clone(&store), |builder| builder.limit(limit)));
    let (barrier, nodes) = (Barrier::new(CLIENTS), &nodes);
    let keys: Vec<Key> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    block_on(sign_in(&nodes[client % 2])).expect("a login makes room for itself")
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    block_on(async {
        assert_eq!((open_count(&nodes[0], &keys).await, listed(&nodes[1].sessions).await), (3, 3));
    });
}

/// Sessions of other principals stay.
pub fn at_a_limit_the_oldest_login_ends_and_is_told_why(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::end_oldest(2)));
    block_on(async {
        let mut his = test.sessions.generate(Counter::of(1)).await.unwrap();
        his.login(&bob()).await.unwrap();
        let mut keys = Vec::new();
        for _ in 0..3 {
            test.clock.advance(Duration::from_secs(60));
            keys.push(sign_in(&test).await.unwrap());
        }
        let over_limit = NoSession::Ended(EndReason::OverLimit);
        assert_eq!(assert_opens_nothing(&test, &keys[0]).await, over_limit);
        assert_eq!(open_count(&test, &keys).await, 2);
        assert!(test.events().iter().any(|event| event.starts_with("SessionLimitExceeded")));

        // Signing in again on a session makes it the newest one and ends no other.
        test.clock.advance(Duration::from_secs(60));
        let mut again = open(&test, &keys[1]).await;
        again.login(&alice()).await.unwrap();
        keys.push(key_of(&again));
        assert_eq!(open_count(&test, &keys).await, 2);
        test.clock.advance(Duration::from_secs(60));
        keys.push(sign_in(&test).await.unwrap());
        assert_eq!(assert_opens_nothing(&test, &keys[2]).await, over_limit);
        assert_eq!(open(&test, &key_of(&his)).await.principal(), Some(&bob()));
    });
}

/// The visitor who is refused keeps the session they had.
pub fn a_limit_that_rejects_new_logins_ends_no_session(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::reject_new(2)));
    block_on(async {
        let keys = [sign_in(&test).await.unwrap(), sign_in(&test).await.unwrap()];
        let cart = key_of(&test.sessions.generate(Counter::of(7)).await.unwrap());
        let mut visitor = open(&test, &cart).await;
        assert_kind(visitor.login(&alice()).await, ErrorKind::TooManySessions);
        let visitor = open(&test, &cart).await;
        assert_eq!((visitor.value().count, visitor.principal()), (7, None));
        assert_eq!((open_count(&test, &keys).await, listed(&test.sessions).await), (2, 2));

        open(&test, &keys[0]).await.logout().await.unwrap();
        open(&test, &cart).await.login(&alice()).await.unwrap();
        assert_eq!(listed(&test.sessions).await, 2);
    });
}

/// Also if it has not been swept.
pub fn an_ended_or_expired_session_does_not_count_against_a_limit(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::reject_new(2)));
    block_on(async {
        let expired = sign_in(&test).await.unwrap();
        test.clock.advance(Duration::from_secs(29 * 60));
        let kept = sign_in(&test).await.unwrap();
        test.clock.advance(Duration::from_secs(2 * 60));
        assert_eq!(assert_opens_nothing(&test, &expired).await, NoSession::Expired);
        let third = sign_in(&test).await.unwrap();
        assert_eq!(open_count(&test, &[kept, third.clone()]).await, 2);
        test.sessions.revoke(third.id()).await.unwrap();
        sign_in(&test).await.unwrap();
        assert_kind(sign_in(&test).await, ErrorKind::TooManySessions);
    });
}

/// A login that is indexed but has no record yet looks like one that was abandoned, and another
/// node takes its place. The first login notices before it is answered.
pub fn a_login_mistaken_for_an_abandoned_one_does_not_exceed_the_limit(store: impl Store) {
    let steps = StepStore::new(store);
    let limit = SessionLimit::reject_new(1);
    let here = TestSessions::with(steps.clone(), |builder| builder.limit(limit));
    let there = TestSessions::with(steps.clone(), |builder| builder.limit(limit));
    let held = steps.hold(Operation::Insert);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| block_on(sign_in(&here)));
        while !held.has_arrived() {
            std::thread::yield_now();
        }
        let rival = block_on(sign_in(&there)).expect("it takes the place of the other login");
        held.release();
        assert_kind(slow.join().unwrap(), ErrorKind::TooManySessions);
        block_on(async {
            assert_eq!((open_count(&there, &[rival]).await, listed(&here.sessions).await), (1, 1));
        });
    });
}

/// Whether a rival took the last place or an operator revoked the sign-in: nothing was answered, so
/// the visitor still has the session, and the key, that they had.
pub fn a_sign_in_that_is_refused_once_written_leaves_the_visitor_their_session(store: impl Store) {
    let store = Arc::new(store);
    for is_revoked in [false, true] {
        let steps = StepStore::new(Arc::clone(&store));
        let limit = SessionLimit::reject_new(1);
        let node = || TestSessions::with(steps.clone(), |builder| builder.limit(limit));
        let (here, there) = (node(), node());
        let cart = key_of(&block_on(here.sessions.generate(Counter::of(7))).unwrap());
        let held = steps.hold(Operation::Replace);
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| {
                block_on(async {
                    let mut visitor = open(&here, &cart).await;
                    let refused = visitor.login_with(&alice(), |counter| counter.count = 8).await;
                    assert_eq!((visitor.value().count, visitor.principal()), (7, None));
                    refused.map_err(|error| error.kind())
                })
            });
            held.wait_for_arrival();
            let rival = if is_revoked {
                here.clock.advance(Duration::from_secs(1));
                let now = here.sessions.now();
                block_on(here.sessions.revoke_issued_before(&alice(), now)).unwrap();
                None
            } else {
                Some(block_on(sign_in(&there)).expect("it takes the place of the other login"))
            };
            held.release();
            let kind =
                if is_revoked { ErrorKind::LoginRevoked } else { ErrorKind::TooManySessions };
            assert_eq!(slow.join().unwrap(), Err(kind));
            block_on(async {
                let mut visitor = open(&there, &cart).await;
                assert_eq!((visitor.value().count, visitor.principal()), (7, None));
                increment(&mut visitor).await.unwrap();
                assert_eq!(open(&there, &key_of(&visitor)).await.value().count, 8);
                assert_eq!(listed(&here.sessions).await, usize::from(rival.is_some()));
                if let Some(rival) = rival {
                    open(&there, &rival).await.logout().await.unwrap();
                }
            });
        });
    }
}

/// A password that was checked, and then changed before `login` was called, signs no one in.
pub fn a_login_whose_proof_is_older_than_a_revocation_is_refused(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(7)).await.unwrap());
        let checked = test.sessions.now();
        test.clock.advance(Duration::from_millis(1));
        test.sessions.revoke_issued_before(&alice(), test.sessions.now()).await.unwrap();
        test.clock.advance(Duration::from_millis(1));

        let mut visitor = open(&test, &key).await;
        let late = visitor.login(Login::of(&alice()).with_authenticated_at(checked)).await;
        assert_kind(late, ErrorKind::LoginRevoked);
        assert_eq!((open(&test, &key).await.value().count, listed(&test.sessions).await), (7, 0));
        open(&test, &key)
            .await
            .login(Login::of(&bob()).with_authenticated_at(checked))
            .await
            .unwrap();
        sign_in(&test).await.unwrap();
    });
}

/// The login's record did not exist yet when the revocation looked for it.
pub fn a_revocation_reaches_a_login_in_flight(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let test = TestSessions::new(steps.clone());
    // Also if the login's record is written and the answer to that is lost.
    for is_lost in [false, true] {
        let held = steps.hold(Operation::Insert);
        std::thread::scope(|scope| {
            let login = scope.spawn(|| block_on(sign_in(&test)));
            held.wait_for_arrival();
            test.clock.advance(Duration::from_secs(1));
            let now = test.sessions.now();
            assert_eq!(block_on(test.sessions.revoke_issued_before(&alice(), now)).unwrap(), 0);
            if is_lost {
                faulty.fail_on(Operation::Insert, Fault::LostAfter);
            }
            held.release();
            assert_kind(login.join().unwrap(), ErrorKind::LoginRevoked);
            assert_eq!(block_on(listed(&test.sessions)), 0);
        });
    }
}

/// The session that changes the password signs in again and goes on.
pub fn a_revocation_ends_older_sessions_and_spares_later_ones(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = [sign_in(&test).await.unwrap(), sign_in(&test).await.unwrap()];
        test.clock.advance(Duration::from_secs(60));
        let mut own = open(&test, &old[0]).await;
        let changed = test.sessions.now();
        own.login(&alice()).await.unwrap();
        assert_eq!(test.sessions.revoke_issued_before(&alice(), changed).await.unwrap(), 1);
        assert_eq!(open(&test, &key_of(&own)).await.principal(), Some(&alice()));
        assert_eq!(
            assert_opens_nothing(&test, &old[1]).await,
            NoSession::Ended(EndReason::Revoked)
        );
        // Extending a session is not a login.
        own.extend(Duration::from_secs(20 * 60 * 60)).await.unwrap();
        assert_eq!(listed(&test.sessions).await, 1);
    });
}

/// A caller that names a wrong time ends the existing sessions; a minute later sign-in works again.
pub fn a_revocation_in_the_future_locks_no_one_out(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = sign_in(&test).await.unwrap();
        assert_eq!(
            test.sessions.revoke_issued_before(&alice(), Timestamp::NEVER).await.unwrap(),
            1
        );
        assert_opens_nothing(&test, &key).await;
        assert_kind(sign_in(&test).await, ErrorKind::LoginRevoked);
        test.clock.advance(Duration::from_secs(60));
        sign_in(&test).await.unwrap();
    });
}

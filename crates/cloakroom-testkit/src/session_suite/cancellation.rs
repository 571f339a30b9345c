//! Any future can be dropped at any await point.
//!
//! Each test drops an operation after 0, 1, 2, .. polls, until it completes.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cloakroom::{Key, Store};

use super::{Counter, TestSessions, alice, increment, key_of, open};
use crate::{StepStore, block_on};

/// The session has the old value or the new one, and the next update works.
pub fn a_dropped_update_is_atomic(store: impl Store) {
    let test = TestSessions::new(StepStore::new(store));
    for polls in 0.. {
        let key = block_on(begin(&test));
        let finished = {
            let mut session = block_on(open(&test, &key));
            poll_times(increment(&mut session), polls)
        };
        block_on(async {
            let mut session = open(&test, &key).await;
            let count = session.value().count;
            assert!(count == 1 || count == 2);
            assert!(!finished || count == 2);
            // The store may still carry out a dropped update; then both count.
            let after = increment(&mut session).await.unwrap();
            assert!(after == count + 1 || !finished && after == 3);
        });
        if finished {
            assert!(polls >= 2, "the store never suspended");
            break;
        }
    }
}

/// The old key works or it does not; if not, signing in again works. Two keys never open one
/// session.
pub fn a_dropped_login_never_leaves_two_working_keys(store: impl Store) {
    let test = TestSessions::new(StepStore::new(store));
    for polls in 0.. {
        let old = block_on(begin(&test));
        let (finished, new) = {
            let mut session = block_on(open(&test, &old));
            let finished = poll_times(session.login(&alice()), polls);
            (finished, session.key().cloned())
        };
        block_on(async {
            let old_works = open(&test, &old).await.exists();
            let new_works = match new.filter(|new| *new != old) {
                Some(new) => open(&test, &new).await.exists(),
                None => false,
            };
            assert!(!(old_works && new_works), "two working keys");
            assert!(!finished || (new_works && !old_works));
            let mut again = open(&test, &old).await;
            again.login(&alice()).await.unwrap();
            assert_eq!(open(&test, &key_of(&again)).await.principal(), Some(&alice()));
        });
        if finished {
            assert!(polls >= 2, "the store never suspended");
            break;
        }
    }
}

/// The session is live as before, or ended.
pub fn a_dropped_end_is_atomic(store: impl Store) {
    let test = TestSessions::new(StepStore::new(store));
    for polls in 0.. {
        let key = block_on(begin(&test));
        let finished = {
            let mut session = block_on(open(&test, &key));
            poll_times(session.end(), polls)
        };
        block_on(async {
            let session = open(&test, &key).await;
            assert!(!session.exists() || session.value().count == 1);
            assert!(!finished || !session.exists());
            open(&test, &key).await.end().await.unwrap();
            assert!(!open(&test, &key).await.exists());
        });
        if finished {
            break;
        }
    }
}

/// Also at a renewal: a client that presented the old key can go on with it.
pub fn a_dropped_read_leaves_the_key_working(store: impl Store) {
    let test = TestSessions::new(StepStore::new(store));
    for polls in 0.. {
        let key = block_on(begin(&test));
        test.clock.advance(std::time::Duration::from_secs(15 * 60));
        let finished = poll_times(open(&test, &key), polls);
        block_on(async {
            let mut session = open(&test, &key).await;
            assert_eq!(increment(&mut session).await.unwrap(), 2);
            let next = key_of(&session);
            assert_ne!(next, key);
            assert_eq!(open(&test, &next).await.value().count, 2);
            assert_eq!(open(&test, &key).await.value().count, 2);
        });
        if finished {
            assert!(polls >= 4, "a read and a renewal suspend four times");
            break;
        }
    }
}

async fn begin(test: &TestSessions) -> Key {
    key_of(&test.sessions.generate(Counter::of(1)).await.unwrap())
}

/// Polls at most `times` times, then drops the future; true if it was ready.
fn poll_times<F: Future>(future: F, times: usize) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).any(|_| matches!(future.as_mut().poll(&mut context), Poll::Ready(_)))
}

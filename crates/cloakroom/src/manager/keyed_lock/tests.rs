//! Who holds a lock, who is next, and what is left to them.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Context;

use super::*;
use crate::key::PublicId;
use crate::time::Timestamp;

/// A clock that is set by hand.
#[derive(Debug)]
struct Still(AtomicU64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

static STILL: Still = Still(AtomicU64::new(0));
const ID: PublicId = PublicId::from_bytes([1; 16]);

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn waiters_are_served_in_order_and_an_empty_queue_is_removed() {
    let keyed_lock = KeyedLock::<PublicId>::default();
    let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID, &STILL))) else {
        panic!("the lock was free")
    };
    let mut second = pin!(keyed_lock.acquire(ID, &STILL));
    let mut third = pin!(keyed_lock.acquire(ID, &STILL));
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    drop(first);
    assert!(poll(third.as_mut()).is_pending());
    let Poll::Ready(second) = poll(second.as_mut()) else { panic!("the lock is lost") };
    drop(second);
    assert!(poll(third.as_mut()).is_ready());
    assert!(keyed_lock.0.lock().of.is_empty());
}

#[test]
fn a_waiter_that_is_dropped_passes_the_lock_on_even_after_it_was_given() {
    let keyed_lock = KeyedLock::<PublicId>::default();
    let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID, &STILL))) else {
        panic!("the lock was free")
    };
    let mut dropped_early = Box::pin(keyed_lock.acquire(ID, &STILL));
    let mut given = Box::pin(keyed_lock.acquire(ID, &STILL));
    let mut last = pin!(keyed_lock.acquire(ID, &STILL));
    assert!(poll(dropped_early.as_mut()).is_pending());
    assert!(poll(given.as_mut()).is_pending());
    assert!(poll(last.as_mut()).is_pending());
    drop(dropped_early); // while it waits
    drop(first); // sends the lock to `given`, which is never polled again
    drop(given);
    assert!(poll(last.as_mut()).is_ready());
    assert!(keyed_lock.0.lock().of.is_empty());
}

#[test]
fn what_a_holder_leaves_goes_to_the_next_ones_until_the_queue_is_empty() {
    let keyed_lock = KeyedLock::<PublicId, u32>::default();
    let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID, &STILL))) else {
        panic!("the lock was free")
    };
    assert!(keyed_lock.is_locked(&ID) && first.left().is_none());
    let mut second = pin!(keyed_lock.acquire(ID, &STILL));
    let mut third = pin!(keyed_lock.acquire(ID, &STILL));
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    first.leave(2);
    drop(first);
    let Poll::Ready(second) = poll(second.as_mut()) else { panic!("the lock is lost") };
    assert_eq!(second.left().map(|left| (left.is_certain(), left.what)), Some((true, 2)));
    drop(second); // left nothing of its own
    let Poll::Ready(third) = poll(third.as_mut()) else { panic!("the lock is lost") };
    assert_eq!(third.left().map(|left| left.what), Some(2));
    drop(third);
    assert!(!keyed_lock.is_locked(&ID));
    assert_eq!(keyed_lock.0.locked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_holder_that_is_not_polled_again_holds_up_no_one_for_long() {
    let (keyed_lock, clock) = (KeyedLock::<PublicId>::default(), Still(AtomicU64::new(0)));
    let Poll::Ready(stuck) = poll(pin!(keyed_lock.acquire(ID, &clock))) else {
        panic!("the lock was free")
    };
    let mut never_polled_again = Box::pin(keyed_lock.acquire(ID, &clock));
    let mut second = pin!(keyed_lock.acquire(ID, &clock));
    let mut third = pin!(keyed_lock.acquire(ID, &clock));
    assert!(poll(never_polled_again.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    clock.0.store(2_000, Ordering::Relaxed);
    let Poll::Ready(second) = poll(second.as_mut()) else { panic!("it waits for ever") };
    assert!(poll(third.as_mut()).is_pending(), "the second has only just been given the lock");
    drop(stuck); // holds nothing any more
    assert!(poll(third.as_mut()).is_pending());
    drop(second); // passes the lock to a waiter that is never polled again
    assert!(poll(third.as_mut()).is_pending());
    clock.0.store(4_000, Ordering::Relaxed);
    let Poll::Ready(third) = poll(third.as_mut()) else { panic!("it waits for ever") };
    drop((third, never_polled_again));
    assert!(keyed_lock.0.lock().of.is_empty());
}

type Lock = KeyedLock<PublicId, u32>;

fn take(lock: &Lock) -> KeyedGuard<PublicId, u32> {
    match poll(pin!(lock.acquire(ID, &STILL))) {
        Poll::Ready(guard) => guard,
        Poll::Pending => panic!("the lock is taken"),
    }
}

fn left(guard: &KeyedGuard<PublicId, u32>) -> Option<(u32, bool)> {
    guard.left().map(|left| (left.what, left.is_certain()))
}

#[test]
fn a_lock_that_is_passed_on_stays_known_until_its_callers_finish() {
    let lock = Lock::default();
    let mut first = take(&lock);
    let mut waiting = pin!(lock.acquire(ID, &STILL));
    assert!(poll(waiting.as_mut()).is_pending());
    first.pass_on(1);
    assert!(!first.is_holder());
    let Poll::Ready(mut second) = poll(waiting.as_mut()) else { panic!("it still waits") };
    assert_eq!(left(&second), Some((1, false)));
    second.pass_on(2);
    assert!(lock.is_locked(&ID), "no one holds it, and newcomers must learn what was left");
    let third = take(&lock);
    assert_eq!(left(&third), Some((2, false)));
    // Only the last one's word counts.
    first.confirm();
    assert_eq!(left(&third), Some((2, false)));
    second.confirm();
    assert_eq!(left(&third), Some((2, true)));
    drop((third, first));
    assert!(lock.is_locked(&ID));
    drop(second);
    assert!(!lock.is_locked(&ID) && lock.0.lock().of.is_empty());
}

#[test]
fn what_is_withdrawn_takes_with_it_what_was_left_on_its_word_and_nothing_later() {
    let lock = Lock::default();
    let (mut first, mut second) = (take(&lock), None);
    first.pass_on(1);
    second.get_or_insert_with(|| take(&lock)).pass_on(2);
    first.withdraw(Some(7));
    let mut third = take(&lock);
    assert_eq!(left(&third), Some((7, true)));
    third.pass_on(8);
    // It was planned on what has been withdrawn, and says nothing about what came after.
    second.take().expect("it was taken").withdraw(None);
    let fourth = take(&lock);
    assert_eq!(left(&fourth), Some((8, false)));
    third.withdraw(None);
    assert_eq!(left(&fourth), None);
}

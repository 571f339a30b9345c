//! An asynchronous lock for each key: one holder at a time, waiters served in order. A holder can
//! leave something to the next one.
//!
//! It saves work, and nothing depends on it: a holder that is never polled again is not waited for
//! longer than [`WaitLimit::LENGTH`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_channel::oneshot;

use crate::time::{Clock, WaitLimit};

/// A lock for each key; `L` is what holders leave to the next one.
#[derive(Debug)]
pub(crate) struct KeyedLock<T: Eq + Hash, L = ()>(Arc<Shared<T, L>>);

#[derive(Debug)]
struct Shared<T: Eq + Hash, L> {
    queues: Mutex<Queues<T, L>>,
    /// How many keys are locked: most of the time none is, and that is found out without the mutex.
    locked: AtomicUsize,
}

/// A queue for each key that is locked. A queue exists only while its key is locked.
#[derive(Debug)]
struct Queues<T: Eq + Hash, L> {
    of: HashMap<T, Queue<T, L>>,
    /// The number of the latest caller.
    callers: u64,
}

#[derive(Debug)]
struct Queue<T: Eq + Hash, L> {
    /// The number of the caller that holds the lock.
    holder: u64,
    /// What a holder left last.
    left: Option<L>,
    /// Since when the holder is waited for, once someone does.
    wait_limit: Option<WaitLimit>,
    waiting: VecDeque<(u64, oneshot::Sender<KeyedGuard<T, L>>)>,
}

impl<T: Eq + Hash, L> Default for KeyedLock<T, L> {
    fn default() -> Self {
        let queues = Mutex::new(Queues { of: HashMap::new(), callers: 0 });
        Self(Arc::new(Shared { queues, locked: AtomicUsize::new(0) }))
    }
}

impl<T: Clone + Eq + Hash, L> KeyedLock<T, L> {
    /// Whether someone holds the lock on `key`.
    ///
    /// A caller in another thread can have taken or released it a moment ago.
    #[inline]
    pub(crate) fn is_locked(&self, key: &T) -> bool {
        self.0.locked.load(Ordering::Relaxed) > 0 && self.0.lock().of.contains_key(key)
    }

    /// Leaves something to the next holder of the lock on `key`, if there is one.
    pub(crate) fn leave(&self, key: &T, left: L) {
        if let Some(queue) = self.0.lock().of.get_mut(key) {
            queue.left = Some(left);
        }
    }

    /// Waits for the lock on `key`, which lasts until the [`KeyedGuard`] is dropped, or another
    /// caller has waited for too long.
    ///
    /// A waiter that is dropped leaves the queue.
    pub(crate) async fn acquire(&self, key: T, clock: &dyn Clock) -> KeyedGuard<T, L> {
        let (caller, waiting) = self.enter(&key);
        if let Some(mut waiting) = waiting {
            let given = poll_fn(|context| match Pin::new(&mut waiting).poll(context) {
                Poll::Ready(given) => Poll::Ready(given.ok()),
                Poll::Pending if self.takes_over(&key, caller, clock, context.waker()) => {
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            });
            // The guard is sent through the channel: if the waiter is gone, the guard's drop passes
            // the lock on.
            if let Some(guard) = given.await {
                return guard;
            }
        }
        KeyedGuard { held: Some((key, caller, Arc::clone(&self.0))) }
    }

    /// The number of a new caller, and what it waits for if the key is locked.
    fn enter(&self, key: &T) -> (u64, Option<oneshot::Receiver<KeyedGuard<T, L>>>) {
        let mut queues = self.0.lock();
        queues.callers += 1;
        let caller = queues.callers;
        let waiting = match queues.of.entry(key.clone()) {
            Entry::Vacant(free) => {
                let (left, wait_limit, waiting) = (None, None, VecDeque::new());
                free.insert(Queue { holder: caller, left, wait_limit, waiting });
                self.0.locked.fetch_add(1, Ordering::Relaxed);
                None
            }
            Entry::Occupied(mut queue) => {
                let (sender, receiver) = oneshot::channel();
                queue.get_mut().waiting.push_back((caller, sender));
                Some(receiver)
            }
        };
        (caller, waiting)
    }

    /// Whether a waiting caller takes the lock from a holder that has had it for too long. If not,
    /// the caller is woken when that is so.
    fn takes_over(&self, key: &T, caller: u64, clock: &dyn Clock, waker: &Waker) -> bool {
        let mut queues = self.0.lock();
        let Some(queue) = queues.of.get_mut(key) else { return false };
        let Some(place) = queue.waiting.iter().position(|(waiting, _)| *waiting == caller) else {
            // The lock is on its way to the caller.
            return false;
        };
        let wait_limit = queue.wait_limit.get_or_insert_with(|| WaitLimit::since(clock.now()));
        let is_over = wait_limit.is_over(clock, waker);
        if is_over {
            queue.waiting.remove(place);
            (queue.holder, queue.wait_limit) = (caller, None);
        }
        is_over
    }
}

impl<T: Eq + Hash, L> Shared<T, L> {
    fn lock(&self) -> MutexGuard<'_, Queues<T, L>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the lock on a key.
#[derive(Debug)]
pub(crate) struct KeyedGuard<T: Eq + Hash, L = ()> {
    /// The key, the number of the holder, and the queues; `None` once the lock has been passed on.
    held: Option<Held<T, L>>,
}

type Held<T, L> = (T, u64, Arc<Shared<T, L>>);

impl<T: Eq + Hash, L: Clone> KeyedGuard<T, L> {
    /// What a holder before this one left last.
    pub(crate) fn left(&self) -> Option<L> {
        let (key, _, shared) = self.held.as_ref()?;
        shared.lock().of.get(key)?.left.clone()
    }
}

impl<T: Eq + Hash, L> Drop for KeyedGuard<T, L> {
    fn drop(&mut self) {
        let Some((mut key, mut holder, shared)) = self.held.take() else { return };
        loop {
            let sender = {
                let mut queues = shared.lock();
                // Another caller can have taken the lock.
                let Some(queue) = queues.of.get_mut(&key).filter(|queue| queue.holder == holder)
                else {
                    return;
                };
                let Some((next, sender)) = queue.waiting.pop_front() else {
                    queues.of.remove(&key);
                    shared.locked.fetch_sub(1, Ordering::Relaxed);
                    return;
                };
                (queue.holder, queue.wait_limit) = (next, None);
                holder = next;
                sender
            };
            match sender.send(KeyedGuard { held: Some((key, holder, Arc::clone(&shared))) }) {
                Ok(()) => return,
                // The waiter is gone. Disarm the guard that came back: this loop passes the lock
                // on.
                Err(mut guard) => match guard.held.take() {
                    Some((back, _, _)) => key = back,
                    None => return,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        keyed_lock.leave(&ID, 1); // to no one
        assert!(!keyed_lock.is_locked(&ID));
        let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID, &STILL))) else {
            panic!("the lock was free")
        };
        assert!(keyed_lock.is_locked(&ID) && first.left().is_none());
        let mut second = pin!(keyed_lock.acquire(ID, &STILL));
        let mut third = pin!(keyed_lock.acquire(ID, &STILL));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        keyed_lock.leave(&ID, 2);
        drop(first);
        let Poll::Ready(second) = poll(second.as_mut()) else { panic!("the lock is lost") };
        assert_eq!(second.left(), Some(2));
        drop(second); // left nothing of its own
        let Poll::Ready(third) = poll(third.as_mut()) else { panic!("the lock is lost") };
        assert_eq!(third.left(), Some(2));
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
}

//! An asynchronous lock for each key: one holder at a time, waiters served in order.
//!
//! It saves work, and nothing depends on it: a holder that is never polled again is not waited for
//! longer than [`WaitLimit::LENGTH`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_channel::oneshot;

use crate::time::{Clock, WaitLimit};

/// A queue for each key that is locked. A queue exists only while its key is locked.
#[derive(Debug)]
pub(crate) struct KeyedLock<T: Eq + Hash> {
    queues: Arc<Mutex<Queues<T>>>,
}

#[derive(Debug)]
struct Queues<T: Eq + Hash> {
    of: HashMap<T, Queue<T>>,
    /// The number of the latest caller.
    callers: u64,
}

#[derive(Debug)]
struct Queue<T: Eq + Hash> {
    /// The number of the caller that holds the lock.
    holder: u64,
    /// Since when the holder is waited for, once someone does.
    wait_limit: Option<WaitLimit>,
    waiting: VecDeque<(u64, oneshot::Sender<KeyedGuard<T>>)>,
}

impl<T: Eq + Hash> Default for KeyedLock<T> {
    fn default() -> Self {
        Self { queues: Arc::default() }
    }
}

impl<T: Eq + Hash> Default for Queues<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), callers: 0 }
    }
}

impl<T: Clone + Eq + Hash> KeyedLock<T> {
    /// Waits for the lock on `key`, which lasts until the [`KeyedGuard`] is dropped, or another
    /// caller has waited for too long.
    ///
    /// A waiter that is dropped leaves the queue.
    pub(crate) async fn acquire(&self, key: T, clock: &dyn Clock) -> KeyedGuard<T> {
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
        KeyedGuard { held: Some((key, caller, Arc::clone(&self.queues))) }
    }

    /// The number of a new caller, and what it waits for if the key is locked.
    fn enter(&self, key: &T) -> (u64, Option<oneshot::Receiver<KeyedGuard<T>>>) {
        let mut queues = lock(&self.queues);
        queues.callers += 1;
        let caller = queues.callers;
        let waiting = match queues.of.entry(key.clone()) {
            Entry::Vacant(free) => {
                free.insert(Queue { holder: caller, wait_limit: None, waiting: VecDeque::new() });
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
        let mut queues = lock(&self.queues);
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

/// Holds the lock on a key.
#[derive(Debug)]
pub(crate) struct KeyedGuard<T: Eq + Hash> {
    /// The key, the number of the holder, and the queues; `None` once the lock has been passed on.
    held: Option<Held<T>>,
}

type Held<T> = (T, u64, Arc<Mutex<Queues<T>>>);

impl<T: Eq + Hash> Drop for KeyedGuard<T> {
    fn drop(&mut self) {
        let Some((mut key, mut holder, queues)) = self.held.take() else { return };
        loop {
            let sender = {
                let mut queues = lock(&queues);
                // Another caller can have taken the lock.
                let Some(queue) = queues.of.get_mut(&key).filter(|queue| queue.holder == holder)
                else {
                    return;
                };
                let Some((next, sender)) = queue.waiting.pop_front() else {
                    queues.of.remove(&key);
                    return;
                };
                (queue.holder, queue.wait_limit) = (next, None);
                holder = next;
                sender
            };
            match sender.send(KeyedGuard { held: Some((key, holder, Arc::clone(&queues))) }) {
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

fn lock<T>(queues: &Mutex<Queues<T>>) -> MutexGuard<'_, Queues<T>>
where
    T: Eq + Hash,
{
    queues.lock().unwrap_or_else(PoisonError::into_inner)
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
        let keyed_lock = KeyedLock::default();
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
        assert!(lock(&keyed_lock.queues).of.is_empty());
    }

    #[test]
    fn a_waiter_that_is_dropped_passes_the_lock_on_even_after_it_was_given() {
        let keyed_lock = KeyedLock::default();
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
        assert!(lock(&keyed_lock.queues).of.is_empty());
    }

    #[test]
    fn a_holder_that_is_not_polled_again_holds_up_no_one_for_long() {
        let (keyed_lock, clock) = (KeyedLock::default(), Still(AtomicU64::new(0)));
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
        assert!(lock(&keyed_lock.queues).of.is_empty());
    }
}

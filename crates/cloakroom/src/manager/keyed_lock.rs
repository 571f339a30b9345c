//! An asynchronous lock for each key: one holder at a time, waiters served in order.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

/// A queue for each key that is locked. A queue exists only while its key is locked.
#[derive(Debug)]
pub(crate) struct KeyedLock<T: Eq + Hash> {
    queues: Arc<Mutex<Queues<T>>>,
}

type Queues<T> = HashMap<T, VecDeque<oneshot::Sender<KeyedGuard<T>>>>;

impl<T: Eq + Hash> Default for KeyedLock<T> {
    fn default() -> Self {
        Self { queues: Arc::default() }
    }
}

impl<T: Clone + Eq + Hash> KeyedLock<T> {
    /// Waits for the lock on `key`, which lasts until the [`KeyedGuard`] is dropped.
    ///
    /// A waiter that is dropped leaves the queue.
    pub(crate) async fn acquire(&self, key: T) -> KeyedGuard<T> {
        let waiting = match lock(&self.queues).entry(key.clone()) {
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                None
            }
            Entry::Occupied(mut queue) => {
                let (sender, receiver) = oneshot::channel();
                queue.get_mut().push_back(sender);
                Some(receiver)
            }
        };
        match waiting {
            // The guard is sent through the channel: if the waiter is gone, the guard's drop passes
            // the lock on.
            Some(waiting) => match waiting.await {
                Ok(guard) => guard,
                Err(_) => self.guard(key),
            },
            None => self.guard(key),
        }
    }

    fn guard(&self, key: T) -> KeyedGuard<T> {
        KeyedGuard { held: Some((key, Arc::clone(&self.queues))) }
    }
}

/// Holds the lock on a key.
#[derive(Debug)]
pub(crate) struct KeyedGuard<T: Eq + Hash> {
    /// The key and its queues; `None` once the lock has been passed on.
    held: Option<(T, Arc<Mutex<Queues<T>>>)>,
}

impl<T: Eq + Hash> Drop for KeyedGuard<T> {
    fn drop(&mut self) {
        let Some((mut key, queues)) = self.held.take() else { return };
        loop {
            let next = {
                let mut queues = lock(&queues);
                let Some(queue) = queues.get_mut(&key) else {
                    return;
                };
                let Some(next) = queue.pop_front() else {
                    queues.remove(&key);
                    return;
                };
                next
            };
            match next.send(KeyedGuard { held: Some((key, Arc::clone(&queues))) }) {
                Ok(()) => return,
                // The waiter is gone. Disarm the guard that came back: this loop passes the lock
                // on.
                Err(mut guard) => match guard.held.take() {
                    Some((back, _)) => key = back,
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
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::key::PublicId;

    const ID: PublicId = PublicId::from_bytes([1; 16]);

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn waiters_are_served_in_order_and_an_empty_queue_is_removed() {
        let keyed_lock = KeyedLock::default();
        let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID))) else {
            panic!("the lock was free")
        };
        let mut second = pin!(keyed_lock.acquire(ID));
        let mut third = pin!(keyed_lock.acquire(ID));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        drop(first);
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(second) = poll(second.as_mut()) else { panic!("the lock is lost") };
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
        assert!(lock(&keyed_lock.queues).is_empty());
    }

    #[test]
    fn a_waiter_that_is_dropped_passes_the_lock_on_even_after_it_was_given() {
        let keyed_lock = KeyedLock::default();
        let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID))) else {
            panic!("the lock was free")
        };
        let mut dropped_early = Box::pin(keyed_lock.acquire(ID));
        let mut given = Box::pin(keyed_lock.acquire(ID));
        let mut last = pin!(keyed_lock.acquire(ID));
        assert!(poll(dropped_early.as_mut()).is_pending());
        assert!(poll(given.as_mut()).is_pending());
        assert!(poll(last.as_mut()).is_pending());
        drop(dropped_early); // while it waits
        drop(first); // sends the lock to `given`, which is never polled again
        drop(given);
        assert!(poll(last.as_mut()).is_ready());
        assert!(lock(&keyed_lock.queues).is_empty());
    }
}

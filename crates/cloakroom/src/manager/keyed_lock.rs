//! An asynchronous lock for each key: one holder at a time, waiters served in order. A holder can
//! leave something to the next one, and pass the lock on before it knows whether that holds.
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

/// A queue for each key that is locked, or was passed on by a caller that has not finished.
#[derive(Debug)]
struct Queues<T: Eq + Hash, L> {
    of: HashMap<T, Queue<T, L>>,
    /// The number of the latest caller.
    callers: u64,
}

#[derive(Debug)]
struct Queue<T: Eq + Hash, L> {
    /// The number of the caller that holds the lock; `None` if only callers that passed it on are
    /// left.
    holder: Option<u64>,
    /// How many callers have passed the lock on, and have not finished.
    passed: usize,
    /// What a holder left last.
    left: Option<Left<L>>,
    /// The number of the chain of things left on the word of one another. Another one begins when
    /// one of them turns out not to hold.
    chain: u64,
    /// Since when the holder is waited for, once someone does.
    wait_limit: Option<WaitLimit>,
    waiting: VecDeque<(u64, oneshot::Sender<KeyedGuard<T, L>>)>,
}

/// What a holder left to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left<L> {
    pub(crate) what: L,
    /// The caller that passed the lock on and does not know yet whether this holds; `None` if it
    /// does.
    uncertain: Option<u64>,
}

impl<L> Left<L> {
    pub(crate) const fn is_certain(&self) -> bool {
        self.uncertain.is_none()
    }
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
        KeyedGuard { held: Some((key, caller, Arc::clone(&self.0))), passed_in: None }
    }

    /// The number of a new caller, and what it waits for if the key is locked.
    fn enter(&self, key: &T) -> (u64, Option<oneshot::Receiver<KeyedGuard<T, L>>>) {
        let mut queues = self.0.lock();
        queues.callers += 1;
        let caller = queues.callers;
        let waiting = match queues.of.entry(key.clone()) {
            Entry::Vacant(free) => {
                free.insert(Queue {
                    holder: Some(caller),
                    passed: 0,
                    left: None,
                    chain: 0,
                    wait_limit: None,
                    waiting: VecDeque::new(),
                });
                self.0.locked.fetch_add(1, Ordering::Relaxed);
                None
            }
            Entry::Occupied(mut queue) if queue.get().holder.is_none() => {
                queue.get_mut().holder = Some(caller);
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
            (queue.holder, queue.wait_limit) = (Some(caller), None);
        }
        is_over
    }
}

impl<T: Eq + Hash, L> Shared<T, L> {
    fn lock(&self) -> MutexGuard<'_, Queues<T, L>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the lock on a key, or has passed it on.
#[derive(Debug)]
pub(crate) struct KeyedGuard<T: Eq + Hash, L = ()> {
    /// The key, the number of the caller, and the queues; `None` once there is nothing to release.
    held: Option<Held<T, L>>,
    /// The chain that the caller has added to, if it has passed the lock on.
    passed_in: Option<u64>,
}

type Held<T, L> = (T, u64, Arc<Shared<T, L>>);

impl<T: Clone + Eq + Hash, L> KeyedGuard<T, L> {
    /// Whether this caller still holds the lock.
    pub(crate) fn is_holder(&self) -> bool {
        self.with_queue(|queue, caller| queue.holder == Some(caller)).unwrap_or(false)
    }

    /// What a holder before this one left last.
    pub(crate) fn left(&self) -> Option<Left<L>>
    where
        L: Clone,
    {
        self.with_queue(|queue, _| queue.left.clone()).flatten()
    }

    /// Leaves something to the next holder.
    pub(crate) fn leave(&self, what: L) {
        self.with_queue(|queue, caller| {
            if queue.holder == Some(caller) {
                queue.left = Some(Left { what, uncertain: None });
            }
        });
    }

    /// Passes the lock on, with something of which this caller does not know yet whether it holds.
    /// Until the guard is dropped, callers find the lock taken, or take it.
    pub(crate) fn pass_on(&mut self, what: L) {
        let chain = self.with_queue(|queue, caller| {
            (queue.holder == Some(caller)).then(|| {
                queue.passed += 1;
                queue.left = Some(Left { what, uncertain: Some(caller) });
                queue.chain
            })
        });
        let Some(chain) = chain.flatten() else { return };
        self.passed_in = Some(chain);
        if let Some((key, caller, shared)) = &self.held {
            shared.release(key.clone(), *caller);
        }
    }

    /// What this caller left when it passed the lock on holds.
    pub(crate) fn confirm(&self) {
        self.with_queue(|queue, caller| match &mut queue.left {
            Some(left) if left.uncertain == Some(caller) => left.uncertain = None,
            _ => {}
        });
    }

    /// What this caller left when it passed the lock on does not hold, nor does what others left on
    /// its word. `instead` does, if it is known.
    pub(crate) fn withdraw(&self, instead: Option<L>) {
        self.with_queue(|queue, _| {
            if self.passed_in == Some(queue.chain) {
                queue.chain += 1;
                queue.left = instead.map(|what| Left { what, uncertain: None });
            }
        });
    }

    fn with_queue<R>(&self, look: impl FnOnce(&mut Queue<T, L>, u64) -> R) -> Option<R> {
        let (key, caller, shared) = self.held.as_ref()?;
        shared.lock().of.get_mut(key).map(|queue| look(queue, *caller))
    }
}

impl<T: Eq + Hash, L> Shared<T, L> {
    /// Passes the lock from this holder to the next caller.
    fn release(self: &Arc<Self>, mut key: T, mut holder: u64) {
        loop {
            let sender = {
                let mut queues = self.lock();
                // Another caller can have taken the lock.
                let held = |queue: &&mut Queue<T, L>| queue.holder == Some(holder);
                let Some(queue) = queues.of.get_mut(&key).filter(held) else { return };
                let Some((next, sender)) = queue.waiting.pop_front() else {
                    (queue.holder, queue.wait_limit) = (None, None);
                    self.remove_if_free(&mut queues, &key);
                    return;
                };
                (queue.holder, queue.wait_limit) = (Some(next), None);
                holder = next;
                sender
            };
            let held = Some((key, holder, Arc::clone(self)));
            match sender.send(KeyedGuard { held, passed_in: None }) {
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

    /// A caller that had passed the lock on has finished.
    fn finish(&self, key: &T) {
        let mut queues = self.lock();
        if let Some(queue) = queues.of.get_mut(key) {
            queue.passed -= 1;
        }
        self.remove_if_free(&mut queues, key);
    }

    fn remove_if_free(&self, queues: &mut Queues<T, L>, key: &T) {
        let is_free = |queue: &Queue<T, L>| queue.holder.is_none() && queue.passed == 0;
        if queues.of.get(key).is_some_and(is_free) {
            queues.of.remove(key);
            self.locked.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<T: Eq + Hash, L> Drop for KeyedGuard<T, L> {
    fn drop(&mut self) {
        match self.held.take() {
            Some((key, _, shared)) if self.passed_in.is_some() => shared.finish(&key),
            Some((key, holder, shared)) => shared.release(key, holder),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;

//! One at a time: writers of this process that lost a race for one session queue up here, and logins of one principal.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

/// A queue for each `T` that somebody wants to themselves; it exists only while somebody is in it.
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
    /// Waits for a turn at `what`; it ends when the [`KeyedGuard`] is dropped.
    ///
    /// Whoever stops waiting leaves the queue, whenever that is.
    pub(crate) async fn acquire(&self, what: T) -> KeyedGuard<T> {
        let waiting = match lock(&self.queues).entry(what.clone()) {
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
            // The turn travels through the channel: if the waiter has gone, dropping it there passes it on.
            Some(waiting) => match waiting.await {
                Ok(turn) => turn,
                Err(_) => self.turn(what),
            },
            None => self.turn(what),
        }
    }

    fn turn(&self, what: T) -> KeyedGuard<T> {
        KeyedGuard { of: Some((what, Arc::clone(&self.queues))) }
    }
}

/// The turn at something.
#[derive(Debug)]
pub(crate) struct KeyedGuard<T: Eq + Hash> {
    /// At what, and where it is passed on; nothing once it was.
    of: Option<(T, Arc<Mutex<Queues<T>>>)>,
}

impl<T: Eq + Hash> Drop for KeyedGuard<T> {
    fn drop(&mut self) {
        let Some((mut what, queues)) = self.of.take() else { return };
        loop {
            let next = {
                let mut queues = lock(&queues);
                let Some(queue) = queues.get_mut(&what) else {
                    return;
                };
                let Some(next) = queue.pop_front() else {
                    queues.remove(&what);
                    return;
                };
                next
            };
            match next.send(KeyedGuard { of: Some((what, Arc::clone(&queues))) }) {
                Ok(()) => return,
                // Defused: this loop passes it on, not the drop of the turn that came back.
                Err(mut turn) => match turn.of.take() {
                    Some((back, _)) => what = back,
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
    fn turns_come_in_order_and_an_empty_queue_is_forgotten() {
        let keyed_lock = KeyedLock::default();
        let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID))) else {
            panic!("must not wait")
        };
        let mut second = pin!(keyed_lock.acquire(ID));
        let mut third = pin!(keyed_lock.acquire(ID));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        drop(first);
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(turn) = poll(second.as_mut()) else { panic!("the turn is lost") };
        drop(turn);
        assert!(poll(third.as_mut()).is_ready());
        assert!(lock(&keyed_lock.queues).is_empty());
    }

    #[test]
    fn a_waiter_that_gives_up_passes_the_turn_on_even_after_it_was_given() {
        let keyed_lock = KeyedLock::default();
        let Poll::Ready(first) = poll(pin!(keyed_lock.acquire(ID))) else {
            panic!("must not wait")
        };
        let mut quitter = Box::pin(keyed_lock.acquire(ID));
        let mut given = Box::pin(keyed_lock.acquire(ID));
        let mut last = pin!(keyed_lock.acquire(ID));
        assert!(poll(quitter.as_mut()).is_pending());
        assert!(poll(given.as_mut()).is_pending());
        assert!(poll(last.as_mut()).is_pending());
        drop(quitter); // gives up while it waits
        drop(first); // `given` is handed the turn and never polled again
        drop(given);
        assert!(poll(last.as_mut()).is_ready());
        assert!(lock(&keyed_lock.queues).is_empty());
    }
}

//! One at a time: writers of this process that lost a race for one session queue up here.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use crate::key::SessionId;

/// A queue per session, which exists only while somebody is in it.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    queues: Arc<Mutex<Queues>>,
}

type Queues = HashMap<SessionId, VecDeque<oneshot::Sender<Turn>>>;

impl Turnstile {
    /// Waits for the turn to write session `id`; it ends when the [`Turn`] is dropped.
    ///
    /// Whoever stops waiting leaves the queue, whenever that is.
    pub(crate) async fn enter(&self, id: SessionId) -> Turn {
        let waiting = match lock(&self.queues).entry(id) {
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
                Err(_) => self.turn(id),
            },
            None => self.turn(id),
        }
    }

    fn turn(&self, id: SessionId) -> Turn {
        Turn { id, queues: Some(Arc::clone(&self.queues)) }
    }
}

/// The turn to write one session.
#[derive(Debug)]
pub(crate) struct Turn {
    id: SessionId,
    queues: Option<Arc<Mutex<Queues>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queues) = self.queues.take() else { return };
        loop {
            let next = {
                let mut queues = lock(&queues);
                let Some(queue) = queues.get_mut(&self.id) else {
                    return;
                };
                let Some(next) = queue.pop_front() else {
                    queues.remove(&self.id);
                    return;
                };
                next
            };
            match next.send(Turn { id: self.id, queues: Some(Arc::clone(&queues)) }) {
                Ok(()) => return,
                // Defused: this loop passes it on, not the drop of the turn that came back.
                Err(mut turn) => turn.queues = None,
            }
        }
    }
}

fn lock(queues: &Mutex<Queues>) -> MutexGuard<'_, Queues> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const ID: SessionId = SessionId::from_bytes([1; 16]);

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn turns_come_in_order_and_an_empty_queue_is_forgotten() {
        let turnstile = Turnstile::default();
        let Poll::Ready(first) = poll(pin!(turnstile.enter(ID))) else { panic!("must not wait") };
        let mut second = pin!(turnstile.enter(ID));
        let mut third = pin!(turnstile.enter(ID));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        drop(first);
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(turn) = poll(second.as_mut()) else { panic!("the turn is lost") };
        drop(turn);
        assert!(poll(third.as_mut()).is_ready());
        assert!(lock(&turnstile.queues).is_empty());
    }

    #[test]
    fn a_waiter_that_gives_up_passes_the_turn_on_even_after_it_was_given() {
        let turnstile = Turnstile::default();
        let Poll::Ready(first) = poll(pin!(turnstile.enter(ID))) else { panic!("must not wait") };
        let mut quitter = Box::pin(turnstile.enter(ID));
        let mut given = Box::pin(turnstile.enter(ID));
        let mut last = pin!(turnstile.enter(ID));
        assert!(poll(quitter.as_mut()).is_pending());
        assert!(poll(given.as_mut()).is_pending());
        assert!(poll(last.as_mut()).is_pending());
        drop(quitter); // gives up while it waits
        drop(first); // `given` is handed the turn and never polled again
        drop(given);
        assert!(poll(last.as_mut()).is_ready());
        assert!(lock(&turnstile.queues).is_empty());
    }
}

//! The one computation type: done already, or a future.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A computation that will produce a `T`: done already, or a boxed future (the original's `'a io`).
///
/// A store that answers at once returns [`Io::ready`], and nothing is boxed or spawned; a store that talks
/// to a server returns [`Io::future`]. Async callers await it, blocking callers [`wait`](Io::wait) for it.
///
/// ```
/// # use cloakroom::Io;
/// assert_eq!(Io::ready(1).wait(), 1);
/// assert_eq!(Io::future(async { 2 }).map(|n| n * 2).wait(), 4);
/// ```
#[must_use = "nothing happens until it is awaited or waited for"]
#[doc(alias = "io")]
pub struct Io<'a, T>(State<'a, T>);

enum State<'a, T> {
    Ready(Option<T>),
    Future(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Io<'a, T> {
    /// A computation that is done.
    pub const fn ready(value: T) -> Self {
        Self(State::Ready(Some(value)))
    }

    /// A computation that a future will finish.
    pub fn future(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(State::Future(Box::pin(future)))
    }

    /// True if waiting would not block.
    pub const fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// The result if it is there, or else the computation as it was.
    ///
    /// # Panics
    /// If the result was already taken by polling.
    pub(crate) fn at_once(self) -> Result<T, Self> {
        match self.0 {
            State::Ready(value) => Ok(value.expect("polled after it was done")),
            State::Future(_) => Err(self),
        }
    }

    /// The same computation with its result passed through `change`.
    pub fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'a) -> Io<'a, U>
    where
        T: Send + 'a,
    {
        match self.0 {
            State::Ready(value) => Io(State::Ready(value.map(change))),
            State::Future(future) => Io::future(async move { change(future.await) }),
        }
    }

    /// The same computation, its result shown to `look` on the way; what is ready is looked at where it lies.
    pub fn inspect(mut self, look: impl FnOnce(&T) + Send + 'a) -> Self
    where
        T: Send + 'a,
    {
        match &mut self.0 {
            State::Ready(value) => {
                if let Some(value) = value {
                    look(value);
                }
                self
            }
            State::Future(_) => self.map(move |value| {
                look(&value);
                value
            }),
        }
    }

    /// Blocks this thread until the computation is done.
    ///
    /// Only on a thread that may block: inside an async runtime, await instead.
    ///
    /// # Panics
    /// If the result was already taken by polling.
    pub fn wait(self) -> T {
        match self.0 {
            State::Ready(value) => value.expect("polled after it was done"),
            State::Future(future) => block_on(future),
        }
    }
}

impl<T> Unpin for Io<'_, T> {}

impl<T> Future for Io<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            State::Ready(value) => Poll::Ready(value.take().expect("polled after it was done")),
            State::Future(future) => future.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for Io<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ready() { "Io(ready)" } else { "Io(future)" })
    }
}

/// Runs a future to its end on this thread, parking between polls.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_may_wait_for_what_another_thread_finishes() {
        let (sender, receiver) = futures_channel::oneshot::channel();
        let io = Io::future(receiver);
        assert!(!io.is_ready());
        let other = thread::spawn(move || sender.send(42));
        assert_eq!(io.wait(), Ok(42));
        other.join().unwrap().unwrap();
    }

    #[test]
    fn what_is_looked_at_is_looked_at_once_and_stays_what_it_was() {
        for io in [Io::ready(1), Io::future(async { 1 })] {
            let (sender, receiver) = std::sync::mpsc::channel();
            assert_eq!(io.inspect(move |n| sender.send(*n).unwrap()).wait(), 1);
            assert_eq!(receiver.iter().collect::<Vec<_>>(), [1]);
        }
    }

    #[test]
    fn mapping_what_is_ready_stays_ready() {
        assert!(Io::ready(1).map(|n| n + 1).is_ready());
    }
}

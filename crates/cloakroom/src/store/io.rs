//! One type for blocking and asynchronous computations.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A computation that produces a `T`: a finished result, or a boxed future.
///
/// Every operation of this library returns one, so blocking and asynchronous callers share one
/// interface:
/// - Asynchronous callers await it.
/// - Blocking callers call [`wait`](Io::wait), or pass a larger future to [`block_on`]. Neither
///   needs a runtime.
///
/// A store that answers at once returns [`Io::ready`], and nothing is boxed or spawned. A store
/// that talks to a server returns [`Io::future`].
///
/// ```
/// # use cloakroom::Io;
/// assert_eq!(Io::ready(1).wait(), 1);
/// assert_eq!(Io::future(async { 2 }).map(|n| n * 2).wait(), 4);
/// ```
#[must_use = "an `Io` does nothing unless it is awaited or waited for"]
#[doc(alias = "io")]
pub struct Io<'a, T>(State<'a, T>);

enum State<'a, T> {
    Ready(Option<T>),
    Future(BoxedFuture<'a, T>),
    /// The operation has its place in a queue, in which later ones on the same session follow it.
    Queued(BoxedFuture<'a, T>),
}

type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<'a, T> Io<'a, T> {
    /// A finished computation.
    pub const fn ready(value: T) -> Self {
        Self(State::Ready(Some(value)))
    }

    /// A computation that `future` carries out.
    pub fn future(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(State::Future(Box::pin(future)))
    }

    /// The answer to an operation that has its place in a queue already: operations on the same
    /// session that are asked for from now on are carried out after it.
    pub(crate) fn queued(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(State::Queued(Box::pin(future)))
    }

    /// Whether the operation has its place in a queue. A store around the queue that waits for
    /// something before it asks loses this.
    pub(crate) const fn is_queued(&self) -> bool {
        matches!(self.0, State::Queued(_))
    }

    /// Returns true if the result is there, so that waiting does not block.
    pub const fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// Returns the result if it is there, or else the computation itself.
    ///
    /// # Panics
    /// If the result was already taken by polling.
    pub(crate) fn into_ready(self) -> Result<T, Self> {
        match self.0 {
            State::Ready(value) => Ok(value.expect("`Io` polled after completion")),
            State::Future(_) | State::Queued(_) => Err(self),
        }
    }

    /// Applies `change` to the result.
    pub fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'a) -> Io<'a, U>
    where
        T: Send + 'a,
    {
        match self.0 {
            State::Ready(value) => Io(State::Ready(value.map(change))),
            State::Future(future) => Io::future(async move { change(future.await) }),
            State::Queued(future) => Io::queued(async move { change(future.await) }),
        }
    }

    /// Calls `look` with a reference to the result.
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
            State::Future(_) | State::Queued(_) => self.map(move |value| {
                look(&value);
                value
            }),
        }
    }

    /// Blocks this thread until the computation is done, and returns its result.
    ///
    /// See [`block_on`] for the threads on which to call this. It behaves the same whatever
    /// features are enabled.
    ///
    /// # Panics
    /// If the result was already taken by polling.
    pub fn wait(self) -> T {
        match self.0 {
            State::Ready(value) => value.expect("`Io` polled after completion"),
            State::Future(future) | State::Queued(future) => block_on(future),
        }
    }
}

impl<T> Unpin for Io<'_, T> {}

impl<T> Future for Io<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            State::Ready(value) => Poll::Ready(value.take().expect("`Io` polled after completion")),
            State::Future(future) | State::Queued(future) => future.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for Io<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ready() { "Io(ready)" } else { "Io(future)" })
    }
}

/// Runs a future to completion on this thread, which is parked between polls.
///
/// For callers that block. It needs no runtime, and behaves the same inside and outside of one,
/// whatever features are enabled.
///
/// On a thread that drives an asynchronous runtime, await the future instead: other tasks of that
/// thread make no progress meanwhile, and if the future depends on one of them, neither does it.
/// Use the runtime's way to run blocking code, such as `tokio::task::spawn_blocking`.
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
    fn a_thread_can_wait_for_the_result_of_another() {
        let (sender, receiver) = futures_channel::oneshot::channel();
        let io = Io::future(receiver);
        assert!(!io.is_ready());
        let other = thread::spawn(move || sender.send(42));
        assert_eq!(io.wait(), Ok(42));
        other.join().unwrap().unwrap();
    }

    #[test]
    fn inspect_sees_the_result_once_and_leaves_it_as_it_is() {
        for io in [Io::ready(1), Io::future(async { 1 })] {
            let (sender, receiver) = std::sync::mpsc::channel();
            assert_eq!(io.inspect(move |n| sender.send(*n).unwrap()).wait(), 1);
            assert_eq!(receiver.iter().collect::<Vec<_>>(), [1]);
        }
    }

    #[test]
    fn a_ready_computation_is_still_ready_after_map() {
        assert!(Io::ready(1).map(|n| n + 1).is_ready());
    }

    #[test]
    fn a_place_in_a_queue_is_kept_by_map_and_inspect() {
        assert!(Io::queued(async { 1 }).map(|n| n + 1).inspect(|_| {}).is_queued());
        assert!(!Io::future(async { 1 }).map(|n| n + 1).is_queued());
        assert_eq!(Io::queued(async { 1 }).map(|n| n + 1).wait(), 2);
    }

    /// Runs with and without the feature `tokio`, which changes nothing here.
    #[test]
    fn block_on_works_on_every_thread_of_a_runtime() {
        fn from_another_thread() -> u32 {
            let (sender, receiver) = futures_channel::oneshot::channel();
            let other = thread::spawn(move || sender.send(42));
            let sum = block_on(receiver).unwrap() + Io::future(async { 1 }).wait();
            other.join().unwrap().unwrap();
            sum
        }

        let mut builders = [
            tokio::runtime::Builder::new_current_thread(),
            tokio::runtime::Builder::new_multi_thread(),
        ];
        for runtime in builders.iter_mut().map(|builder| builder.build().unwrap()) {
            let blocking = async { tokio::task::spawn_blocking(from_another_thread).await };
            assert_eq!(runtime.block_on(blocking).unwrap(), 43, "on a thread for blocking work");
            let plain = async { from_another_thread() };
            assert_eq!(runtime.block_on(plain), 43, "on the thread that blocks on the runtime");
            let worker = async { tokio::spawn(async { from_another_thread() }).await };
            assert_eq!(runtime.block_on(worker).unwrap(), 43, "on a worker thread");
        }
    }
}

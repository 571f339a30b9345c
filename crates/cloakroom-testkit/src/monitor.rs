//! A value that threads can wait on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a test waits before it fails. No test passes because of a timeout.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// A value that one thread changes and another waits on: a mutex with its condition variable.
#[derive(Debug, Default)]
pub(crate) struct Monitor<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock())
    }

    /// Changes the value and notifies all waiting threads.
    ///
    /// The lock is held while `update` runs, so it must not wake tasks.
    pub(crate) fn update<R>(&self, update: impl FnOnce(&mut T) -> R) -> R {
        let result = update(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Blocks this thread until `condition` holds; panics with `what` after [`TIMEOUT`].
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&T) -> bool) {
        let waited =
            self.changed.wait_timeout_while(self.lock(), TIMEOUT, |value| !condition(value));
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!timed_out, "timed out waiting for {what}");
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

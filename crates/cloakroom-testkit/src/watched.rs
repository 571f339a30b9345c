//! Something that threads wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After this long a test that waits has failed; no test decides anything by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A state that one thread changes and another waits for.
#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes it and tells whoever waits. Nothing that may wake a task belongs inside.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Blocks this thread until the state is as it is to be.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&T) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !is_so(state));
        let in_vain = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!in_vain, "waited in vain for {what}");
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

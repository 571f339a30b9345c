//! Wakes tasks after a real time, without a runtime.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// The tasks to wake, by when, and whether a thread is there that does so.
struct Alarm {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// In descending order, so that the next one is the last.
    wakers: BTreeMap<Reverse<(Instant, u64)>, Waker>,
    count: u64,
    is_running: bool,
}

static ALARM: Alarm = Alarm {
    state: Mutex::new(State { wakers: BTreeMap::new(), count: 0, is_running: false }),
    changed: Condvar::new(),
};

/// Wakes `waker` after `span`.
///
/// The first call starts a thread, which ends when no one is left to wake. Without threads no one
/// is woken.
pub(super) fn wake_after(span: Duration, waker: &Waker) {
    let mut state = ALARM.lock();
    state.count += 1;
    let at = (now() + span, state.count);
    state.wakers.insert(Reverse(at), waker.clone());
    if state.is_running {
        drop(state);
        ALARM.changed.notify_one();
    } else {
        state.is_running = true;
        drop(state);
        let thread = thread::Builder::new().name("cloakroom-alarm".to_owned());
        if thread.spawn(|| ALARM.run()).is_err() {
            ALARM.lock().is_running = false;
        }
    }
}

impl Alarm {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while let Some(next) = state.wakers.last_entry() {
            let wait = next.key().0.0.saturating_duration_since(now());
            if wait.is_zero() {
                let waker = next.remove();
                drop(state);
                waker.wake();
                state = self.lock();
            } else {
                let waited = self.changed.wait_timeout(state, wait);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.is_running = false;
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a task waits, not a session's age")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_thread_is_woken_in_time_and_the_alarm_starts_again() {
        for _ in 0..2 {
            let mut is_armed = false;
            crate::block_on(std::future::poll_fn(|context| {
                if std::mem::replace(&mut is_armed, true) {
                    return std::task::Poll::Ready(());
                }
                wake_after(Duration::from_millis(1), context.waker());
                std::task::Poll::Pending
            }));
        }
    }
}

//! What passes through a proxy, and when.

use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From clients to the server.
    Requests,
    /// From the server to clients.
    Answers,
}

/// How bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Open,
    Cut,
    Late(Duration),
}

#[derive(Debug, Default)]
pub(super) struct Traffic {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// A later rule replaces an earlier one.
    rules: Vec<(Range<usize>, Direction, Passage)>,
    /// Connections with a smaller number are closed.
    closed_below: usize,
}

impl Traffic {
    pub(super) fn set(&self, connections: Range<usize>, direction: Direction, passage: Passage) {
        let mut state = self.state();
        // A rule that is replaced as a whole need not be kept.
        state.rules.retain(|(those, way, _)| {
            *way != direction || those.start < connections.start || those.end > connections.end
        });
        state.rules.push((connections, direction, passage));
        self.changed.notify_all();
    }

    /// Lets nothing more pass on connections with a smaller number.
    pub(super) fn close(&self, below: usize) {
        let mut state = self.state();
        state.closed_below = state.closed_below.max(below);
        self.changed.notify_all();
    }

    /// Waits until bytes may pass; false if they never may.
    pub(super) fn lets_pass(&self, connection: usize, direction: Direction) -> bool {
        let mut state = self.state();
        loop {
            let found = state.passage(connection, direction);
            let is_same = |state: &mut State| state.passage(connection, direction) == found;
            state = match found {
                None => return false,
                Some(Passage::Open) => return true,
                Some(Passage::Cut) => {
                    self.changed.wait_while(state, is_same).unwrap_or_else(PoisonError::into_inner)
                }
                Some(Passage::Late(span)) => {
                    let (state, timeout) = self
                        .changed
                        .wait_timeout_while(state, span, is_same)
                        .unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() {
                        return true;
                    }
                    state
                }
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How bytes pass now; `None` if the connection is closed.
    fn passage(&self, connection: usize, direction: Direction) -> Option<Passage> {
        let applies = |(those, way, passage): &(Range<usize>, Direction, Passage)| {
            (those.contains(&connection) && *way == direction).then_some(*passage)
        };
        let is_open = connection >= self.closed_below;
        is_open.then(|| self.rules.iter().rev().find_map(applies).unwrap_or(Passage::Open))
    }
}

//! An observer for the `metrics` facade.

use std::fmt;
use std::sync::OnceLock;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::{Event, Observer};
use crate::record::EndReason;
use crate::store::Operation;

const EVENTS: &str = "cloakroom_events_total";
const ENDED: &str = "cloakroom_sessions_ended_total";
const SWEPT: &str = "cloakroom_sessions_swept_total";
const CALLS: &str = "cloakroom_store_seconds";
const ERRORS: &str = "cloakroom_store_errors_total";

/// Reports events and store calls to the `metrics` facade.
///
/// Store calls are reported by an [`InstrumentedStore`](crate::stores::InstrumentedStore).
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `cloakroom_events_total` | counter | `event`: the event's name |
/// | `cloakroom_sessions_ended_total` | counter | `reason` |
/// | `cloakroom_sessions_swept_total` | counter | |
/// | `cloakroom_store_seconds` | histogram | `operation` |
/// | `cloakroom_store_errors_total` | counter | `operation` |
///
/// Each metric is registered when it is first needed, so install the recorder before the first
/// request. No label contains an id, a name or an address, so the number of series is fixed.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::MetricsObserver;
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).observer(MetricsObserver::new()).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Default)]
pub struct MetricsObserver {
    events: [OnceLock<Counter>; Event::NAMES.len()],
    ended: [OnceLock<Counter>; EndReason::ALL.len()],
    swept: OnceLock<Counter>,
    calls: [OnceLock<Histogram>; Operation::ALL.len()],
    errors: [OnceLock<Counter>; Operation::ALL.len()],
}

impl MetricsObserver {
    /// An observer with no metrics registered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Describes the metrics to the recorder; call it once the recorder is installed.
    pub fn describe() {
        describe_counter!(EVENTS, Unit::Count, "Session events, by name");
        describe_counter!(ENDED, Unit::Count, "Sessions ended before their deadline, by reason");
        describe_counter!(
            SWEPT,
            Unit::Count,
            "Expired sessions and old tombstones removed from the store"
        );
        describe_histogram!(
            CALLS,
            Unit::Seconds,
            "How long the store took to answer, by operation"
        );
        describe_counter!(ERRORS, Unit::Count, "Store calls that failed, by operation");
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, event: &Event<'_>) {
        if let Event::StoreCalled { call, took, error } = event {
            let (index, operation) = (call.operation as usize, call.operation.as_str());
            self.calls[index]
                .get_or_init(|| histogram!(CALLS, "operation" => operation))
                .record(*took);
            if error.is_some() {
                self.errors[index]
                    .get_or_init(|| counter!(ERRORS, "operation" => operation))
                    .increment(1);
            }
            return;
        }
        self.events[event.index()]
            .get_or_init(|| counter!(EVENTS, "event" => event.name()))
            .increment(1);
        match event {
            Event::Ended { reason, .. } => {
                let index =
                    EndReason::ALL.iter().position(|other| other == reason).unwrap_or_default();
                let ended = || counter!(ENDED, "reason" => reason.as_str());
                self.ended[index].get_or_init(ended).increment(1);
            }
            Event::Swept { count } => {
                let count = u64::try_from(*count).unwrap_or(u64::MAX);
                self.swept.get_or_init(|| counter!(SWEPT)).increment(count);
            }
            _ => {}
        }
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsObserver")
    }
}

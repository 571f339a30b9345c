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

/// The event that has metrics of its own.
const STORE_CALLED: &str = "store_called";

/// Reports events and store calls to the `metrics` facade.
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `cloakroom_events_total` | counter | `event`: the event's name |
/// | `cloakroom_sessions_ended_total` | counter | `reason` |
/// | `cloakroom_sessions_swept_total` | counter | |
/// | `cloakroom_store_seconds` | histogram | `operation` |
/// | `cloakroom_store_errors_total` | counter | `operation` |
///
/// No label contains an id, a name or an address, so the number of series is fixed. All of them
/// begin at zero when the observer is created, so that a rule such as `increase(..) > 0` sees the
/// first event. Install the recorder before that, or call [`describe`](Self::describe) after it.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::MetricsObserver;
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).observer(MetricsObserver::new()).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
pub struct MetricsObserver {
    events: [OnceLock<Counter>; Event::NAMES.len()],
    ended: [OnceLock<Counter>; EndReason::ALL.len()],
    swept: OnceLock<Counter>,
    calls: [OnceLock<Histogram>; Operation::ALL.len()],
    errors: [OnceLock<Counter>; Operation::ALL.len()],
}

impl MetricsObserver {
    /// The upper bounds of buckets for `cloakroom_store_seconds`, in seconds: from the answer of a
    /// cache to the default timeout of a store.
    ///
    /// Give them to the exporter, as `docs/events.md` shows. The one for Prometheus otherwise makes
    /// a summary, in which the dashboard and the alerts find no buckets.
    pub const STORE_BUCKETS: &'static [f64] =
        &[0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

    /// A new observer, all of whose series begin at zero in the installed recorder.
    pub fn new() -> Self {
        begin_at_zero();
        Self {
            events: Default::default(),
            ended: Default::default(),
            swept: OnceLock::new(),
            calls: Default::default(),
            errors: Default::default(),
        }
    }

    /// Describes the metrics to the recorder and begins those at zero that it does not have; call
    /// it once the recorder is installed.
    pub fn describe() {
        begin_at_zero();
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

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

/// Registers every series. A counter that begins with its first event has no increase.
fn begin_at_zero() {
    for event in Event::NAMES.into_iter().filter(|event| *event != STORE_CALLED) {
        counter!(EVENTS, "event" => event).increment(0);
    }
    for reason in EndReason::ALL {
        counter!(ENDED, "reason" => reason.as_str()).increment(0);
    }
    counter!(SWEPT).increment(0);
    for operation in Operation::ALL {
        counter!(ERRORS, "operation" => operation.as_str()).increment(0);
        drop(histogram!(CALLS, "operation" => operation.as_str()));
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

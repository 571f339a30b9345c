//! Events for the `tracing` crate.

use std::time::Duration;

use tracing::field::display;

use super::{Event, EventLevel, Observer};

/// Hands every event on to the `tracing` crate, at the target `cloakroom`.
///
/// The message is the event's name; its fields are `session` (the id), `principal`, `reason`, `count`, `operation`,
/// `micros` and `error`, as far as the event has them. Filter by `cloakroom=info`.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::TracingObserver;
/// let sessions: Sessions<SessionMap> = Sessions::builder(MemoryStore::new()).observer(TracingObserver::new()).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl TracingObserver {
    /// The one there is.
    pub const fn new() -> Self {
        Self
    }
}

/// One call site for each level and set of fields, as `tracing` wants it: a field that is never there costs all the same.
macro_rules! emit {
    ($level:ident, $event:expr, $($field:ident = $value:expr),+) => {
        tracing::event!(
            target: "cloakroom",
            tracing::Level::$level,
            session = $event.session().map(display),
            $($field = $value,)+
            "{}",
            $event.name()
        )
    };
}

impl Observer for TracingObserver {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::StoreCalled { call, took, error: None } => {
                emit!(DEBUG, event, operation = call.operation.as_str(), micros = micros(*took));
            }
            Event::StoreCalled { call, took, error: Some(error) } => {
                let operation = call.operation.as_str();
                emit!(
                    WARN,
                    event,
                    operation = operation,
                    micros = micros(*took),
                    error = display(error)
                );
            }
            Event::Unreadable { error, .. } => emit!(WARN, event, error = display(error)),
            _ => match event.level() {
                EventLevel::Debug => {
                    emit!(DEBUG, event, reason = event.reason(), count = count(event))
                }
                EventLevel::Info => {
                    let principal = event.principal().map(display);
                    emit!(INFO, event, principal = principal, reason = event.reason());
                }
                EventLevel::Warn => emit!(WARN, event, count = count(event)),
            },
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn count(event: &Event<'_>) -> Option<u64> {
    match event {
        Event::WriteRetried { lost: count, .. } => Some((*count).into()),
        Event::MultipleKeys { count } | Event::Swept { count } => u64::try_from(*count).ok(),
        _ => None,
    }
}

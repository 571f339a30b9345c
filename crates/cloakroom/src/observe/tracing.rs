//! An observer for the `tracing` crate.

use std::error::Error as _;
use std::time::Duration;

use tracing::field::display;

use super::{Event, EventLevel, Observer};
use crate::store::{StoreError, StoreErrorKind};
use crate::value::CodecError;

/// Reports every event to the `tracing` crate, with the target `cloakroom`.
///
/// The message is the event's name. Its fields are `session` (the id), `principal`, `client`,
/// `reason`, `count`, `operation`, `micros`, `error` and `error.sources`, where the event has them.
/// Filter with `cloakroom=info`.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::observe::TracingObserver;
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).observer(TracingObserver::new()).build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// # Security
/// `client` is the client's address, which is personal data. It is present only if the
/// [`ClientPolicy`](crate::http::ClientPolicy) records addresses.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl TracingObserver {
    /// A new observer.
    pub const fn new() -> Self {
        Self
    }
}

/// One call site for each level and set of fields, since `tracing` charges even for a field that is
/// always empty.
macro_rules! emit {
    ($level:ident, $event:expr, $($($field:ident).+ = $value:expr),+) => {
        tracing::event!(
            target: "cloakroom",
            tracing::Level::$level,
            session = $event.session().map(display),
            $($($field).+ = $value,)+
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
                    error = display(error),
                    error.sources = sources(error)
                );
            }
            Event::CookieLost { cookie, loss } => {
                emit!(WARN, event, cookie = cookie, reason = display(loss));
            }
            Event::Unreadable { error, .. } => emit!(WARN, event, error = display(error)),
            _ => match event.level() {
                EventLevel::Debug => {
                    let client = event.client().map(display);
                    emit!(DEBUG, event, client = client, count = count(event));
                }
                EventLevel::Info => {
                    let principal = event.principal().map(display);
                    emit!(INFO, event, principal = principal, reason = event.reason());
                }
                EventLevel::Warn => {
                    let client = event.client().map(display);
                    emit!(WARN, event, client = client, count = count(event));
                }
            },
        }
    }
}

/// What caused an error of the store, outermost first.
///
/// Of each cause the first line: in those below it, a database can quote a row. A codec can quote
/// the value anywhere.
fn sources(error: &StoreError) -> Option<String> {
    if error.kind() == StoreErrorKind::Encode {
        return None;
    }
    let mut texts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source.filter(|cause| !cause.is::<CodecError>()) {
        texts.push(cause.to_string().lines().next().unwrap_or_default().to_owned());
        source = cause.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
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

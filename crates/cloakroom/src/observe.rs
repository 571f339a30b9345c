//! What the manager reports while it works.

mod event;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

use std::fmt;
use std::sync::Arc;

pub use event::{Event, EventLevel};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
#[cfg(feature = "tracing")]
pub use tracing::TracingObserver;

/// Is told what happens to sessions. Called inline: be quick, and never block.
///
/// ```
/// # use cloakroom::observe::{Event, Observer};
/// #[derive(Debug)]
/// struct ToTheLog;
///
/// impl Observer for ToTheLog {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{}: {event:?}", event.name()); // no event holds a secret
///     }
/// }
/// ```
///
/// There are two ready-made ones: `TracingObserver` (feature `tracing`) and `MetricsObserver` (feature `metrics`).
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

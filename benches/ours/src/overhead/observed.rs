//! Cloakroom with every event traced and counted and every store call timed.

use std::sync::{Arc, Once};

use cloakroom::observe::{MetricsObserver, TracingObserver};
use cloakroom::{MemoryStore, Sessions, SessionsBuilder};
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata as Measure, Recorder, SharedString, Unit,
};
use metrics_util::registry::{AtomicStorage, Registry};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::Failure;
use crate::visitor::Visitor;

/// Sessions observed by a metrics recorder and a tracing subscriber.
pub(super) fn builder() -> Result<SessionsBuilder<Visitor>, Failure> {
    static INSTALLED: Once = Once::new();
    let mut outcome = Ok(());
    INSTALLED.call_once(|| {
        outcome = tracing::subscriber::set_global_default(Listener)
            .map_err(Failure::from)
            .and_then(|()| metrics::set_global_recorder(Registered::new()).map_err(Failure::from));
    });
    outcome?;
    let builder = Sessions::builder(MemoryStore::new()).observer(MetricsObserver::new());
    Ok(builder.observer(TracingObserver::new()))
}

/// Visits all fields of every event from `INFO` up and formats nothing: that is the log's cost.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Ignore);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Ignore;

impl Visit for Ignore {
    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        std::hint::black_box(value);
    }
}

/// Keeps metrics as the Prometheus exporter does, without its calibrated clock, whose start-up
/// takes a varying number of instructions.
struct Registered(Registry<Key, AtomicStorage>);

impl Registered {
    fn new() -> Self {
        Self(Registry::new(AtomicStorage))
    }
}

impl Recorder for Registered {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Measure<'_>) -> Counter {
        self.0.get_or_create_counter(key, |counter| Counter::from_arc(Arc::clone(counter)))
    }

    fn register_gauge(&self, key: &Key, _: &Measure<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| Gauge::from_arc(Arc::clone(gauge)))
    }

    fn register_histogram(&self, key: &Key, _: &Measure<'_>) -> Histogram {
        self.0.get_or_create_histogram(key, |histogram| Histogram::from_arc(Arc::clone(histogram)))
    }
}

//! What the ready-made observers hand on, and what the documentation says of it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::observe::{Event, EventLevel, MetricsObserver, Observer, TracingObserver};
use cloakroom::record::EndReason;
use cloakroom::store::{Call, Operation, StoreError, StoreErrorKind};
use cloakroom::stores::InstrumentedStore;
use cloakroom::value::CodecError;
use cloakroom::{MemoryStore, Principal, PublicId, SessionMap, Sessions};
use cloakroom_testkit::block_on;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, KeyName, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Signs somebody in and out on watched sessions.
fn a_visit(sessions: &Sessions<SessionMap>) -> String {
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        let id = session.id().unwrap().to_string();
        session.login(&Principal::new("alice").unwrap()).await.unwrap();
        session.logout().await.unwrap();
        id
    })
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cloakroom"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        use std::fmt::Write as _;
        if field.name() != "micros" {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

#[test]
fn every_event_reaches_tracing_under_its_name() {
    let lines = Lines::default();
    let sessions =
        Sessions::builder(MemoryStore::new()).observer(TracingObserver::new()).build().unwrap();
    let id = tracing::subscriber::with_default(lines.clone(), || a_visit(&sessions));
    assert_eq!(
        *lines.0.lock().unwrap(),
        [
            format!("INFO message=session_created session={id}"),
            format!("INFO message=session_renewed session={id}"),
            format!("INFO message=session_signed_in session={id} principal=alice"),
            format!("INFO message=session_expired session={id} reason=\"signed out\""),
        ]
    );
}

#[test]
fn a_failing_store_is_a_warning_and_a_working_one_a_detail() {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        for bound in [10, 0] {
            let store = InstrumentedStore::new(
                MemoryStore::bounded(bound, 1 << 20),
                TracingObserver::new(),
            );
            let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
            assert_eq!(block_on(sessions.generate(SessionMap::default())).is_ok(), bound > 0);
        }
    });
    let lines = lines.0.lock().unwrap();
    assert!(lines[0].starts_with("DEBUG message=store_called session="), "{lines:?}");
    assert!(lines[0].ends_with(" operation=\"insert\""), "{lines:?}");
    assert!(
        lines[1].starts_with("WARN message=store_called") && lines[1].contains(" error="),
        "{lines:?}"
    );
}

/// All measures, each under its name and labels.
#[derive(Clone, Default)]
struct Measures(Arc<Mutex<BTreeMap<String, u64>>>);

struct Measure(String, Measures);

impl CounterFn for Measure {
    fn increment(&self, value: u64) {
        *self.1.0.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Measure {
    fn record(&self, _: f64) {
        self.increment(1);
    }
}

impl Measures {
    fn measure(&self, key: &metrics::Key) -> Arc<Measure> {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Measure(format!("{} {}", key.name(), labels.join(",")), self.clone()))
    }
}

impl Recorder for Measures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> Counter {
        Counter::from_arc(self.measure(key))
    }

    fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.measure(key))
    }
}

#[test]
fn every_event_and_store_call_is_measured() {
    let recorder = Measures::default();
    metrics::with_local_recorder(&recorder, || {
        let measured = Arc::new(MetricsObserver::new());
        let store = InstrumentedStore::new(MemoryStore::new(), Arc::clone(&measured));
        let sessions: Sessions<SessionMap> =
            Sessions::builder(store).observer(measured).build().unwrap();
        a_visit(&sessions);
        a_visit(&sessions);
    });
    let counts = recorder.0.lock().unwrap();
    for (measure, count) in [
        ("cloakroom_events_total event=session_created", 2),
        ("cloakroom_events_total event=session_signed_in", 2),
        ("cloakroom_events_total event=session_expired", 2),
        ("cloakroom_sessions_ended_total reason=signed out", 2),
        ("cloakroom_store_seconds operation=insert", 2),
        ("cloakroom_store_seconds operation=index_login", 4),
    ] {
        assert_eq!(counts.get(measure), Some(&count), "{measure} of {counts:?}");
    }
}

const EVENTS: &str = include_str!("../../../../docs/events.md");

#[test]
fn the_documentation_names_every_event_with_its_level() {
    let listed: Vec<&str> = EVENTS
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .filter(|name| !name.starts_with("cloakroom_"))
        .collect();
    assert_eq!(listed, Event::NAMES);
    let alice = Principal::new("alice").unwrap();
    let (id, client) = (PublicId::from_bytes([1; 16]), None);
    let error = &unreadable().unwrap_err();
    let failure = StoreError::not_sent(StoreErrorKind::Unavailable);
    let called =
        |error| Event::StoreCalled { call: Call::new(Operation::Get, None), took: Duration::ZERO, error };
    let samples = [
        Event::Created { id },
        Event::SignedIn { id, principal: &alice },
        Event::Renewed { id },
        Event::Ended { id, reason: EndReason::Ended },
        Event::UseAfterEnd { id, reason: None },
        Event::ExcessSession { principal: &alice, limit: 1 },
        Event::LoginRevoked { principal: &alice },
        Event::UnknownKey { id, client },
        Event::WrongSecret { id, client },
        Event::RetiredKey { id },
        Event::KeyReused { id },
        Event::MultipleKeys { count: 2 },
        Event::Unreadable { id, error },
        Event::WriteRetried { id, lost: 1 },
        Event::WriteConflict { id },
        Event::Swept { count: 1 },
        called(None),
    ];
    assert_eq!(samples.each_ref().map(Event::name), Event::NAMES);
    for event in &samples {
        let row =
            EVENTS.lines().find(|line| line.starts_with(&format!("| `{}`", event.name()))).unwrap();
        let told = row.split('|').nth(2).unwrap().trim();
        let level = format!("{:?}", event.level()).to_lowercase();
        assert_eq!(told.split(',').next(), Some(level.as_str()), "{}", event.name());
    }
    assert_eq!(called(Some(&failure)).level(), EventLevel::Warn, "the documentation says so");
}

/// Something that a value can't be read from.
fn unreadable() -> Result<(), CodecError> {
    let mut map = SessionMap::default();
    map.insert("n", "no number").unwrap();
    map.get::<u8>("n").map(drop)
}

/// Measures in a text, by their common prefix.
fn measures_in(text: &str) -> Vec<&str> {
    let word = |at: usize| {
        let rest = &text[at..];
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    };
    text.match_indices("cloakroom_").map(|(at, _)| word(at)).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_what_there_is() {
    let dashboard = include_str!("../../../../docs/observability/dashboard.json");
    let alerts = include_str!("../../../../docs/observability/alerts.yml");
    let known = measures_in(EVENTS);
    for text in [dashboard, alerts] {
        let asked = measures_in(text);
        assert!(asked.len() > 5);
        for measure in asked {
            // Prometheus makes several series of a histogram.
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|part| measure.strip_suffix(part));
            assert!(known.contains(&base.unwrap_or(measure)), "{measure} is not documented");
        }
        for (at, _) in text.match_indices("event=") {
            let named = text[at + 6..]
                .trim_start_matches(['~', '\\', '"'])
                .split(['\\', '"'])
                .next()
                .unwrap();
            for name in named.split('|') {
                assert!(Event::NAMES.contains(&name), "there is no event `{name}`");
            }
        }
    }
}

/// An observer of an application's own is told through an `Arc` as well.
#[test]
fn an_observer_may_be_shared() {
    #[derive(Debug, Default)]
    struct Count(Mutex<usize>);

    impl Observer for Count {
        fn observe(&self, _: &Event<'_>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    let count = Arc::new(Count::default());
    let sessions: Sessions<SessionMap> =
        Sessions::builder(MemoryStore::new()).observer(Arc::clone(&count)).build().unwrap();
    a_visit(&sessions);
    assert_eq!(*count.0.lock().unwrap(), 4);
}

//! The provided observers, and the documentation of events.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::http::{AddressRule, ClientPolicy};
use cloakroom::key::Secret;
use cloakroom::observe::{
    CookieLoss, Event, EventLevel, MetricsObserver, Observer, ProofRefusal, SkipReason,
    TracingObserver,
};
use cloakroom::record::EndReason;
use cloakroom::store::{Call, Operation, StoreError, StoreErrorKind};
use cloakroom::stores::InstrumentedStore;
use cloakroom::value::CodecError;
use cloakroom::{Key, MemoryStore, Principal, PublicId, SessionMap, Sessions};
use cloakroom_testkit::{Fault, FaultyStore, block_on};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, KeyName, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Signs a user in and out again. Returns the id of the session.
fn sign_in_and_out(sessions: &Sessions<SessionMap>) -> String {
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
    let id = tracing::subscriber::with_default(lines.clone(), || sign_in_and_out(&sessions));
    let lines = lines.0.lock().unwrap();
    let (calls, lines): (Vec<&String>, Vec<&String>) =
        lines.iter().partition(|line| line.starts_with("DEBUG message=store_called"));
    assert_eq!(calls.len(), 5, "insert, two of the sign-in, two of the sign-out: {calls:?}");
    assert_eq!(
        lines,
        [
            &format!("INFO message=session_created session={id}"),
            &format!("INFO message=session_renewed session={id}"),
            &format!("INFO message=session_signed_in session={id} principal=alice"),
            &format!("INFO message=session_expired session={id} reason=\"signed out\""),
        ]
    );
}

#[test]
fn a_key_that_is_made_up_is_logged_with_the_address_of_its_client() {
    let lines = Lines::default();
    let policy = ClientPolicy::user_agents().with_addresses(AddressRule::direct());
    let builder = Sessions::builder(MemoryStore::new()).clients(policy);
    let sessions: Sessions<SessionMap> = builder.observer(TracingObserver::new()).build().unwrap();
    let key = Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([2; 16]));
    let request = [("cookie", format!("__Host-id={}", key.expose()))];
    tracing::subscriber::with_default(lines.clone(), || {
        let request_session =
            sessions.request_session().with_peer_addr(IpAddr::from([192, 0, 2, 7]));
        assert!(!block_on(request_session.session(&request)).unwrap().exists());
    });
    let lines = lines.0.lock().unwrap();
    let unknown = lines.iter().find(|line| line.contains("message=session_key_unknown")).unwrap();
    assert!(unknown.starts_with("DEBUG ") && unknown.contains(" client=192.0.2.7"), "{lines:?}");
}

#[test]
fn a_store_call_that_fails_is_a_warning_and_one_that_succeeds_is_a_debug_event() {
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

/// Its observers are the store's, too: without the store's answer, a 503 has no reason in the log.
#[test]
fn an_observer_of_sessions_sees_why_the_store_fails() {
    let (lines, store) = (Lines::default(), FaultyStore::new(MemoryStore::new()));
    let sessions: Sessions<SessionMap> =
        Sessions::builder(store.clone()).observer(TracingObserver::new()).build().unwrap();
    store.fail_all(Some(Fault::NotSent));
    tracing::subscriber::with_default(lines.clone(), || {
        let error = block_on(sessions.generate(SessionMap::default())).unwrap_err();
        assert_eq!(error.status(), 503);
    });
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN message=store_called session="), "{lines:?}");
    assert!(lines[0].ends_with("error=the session store is unavailable"), "{lines:?}");
}

/// The line of a failed call of a store.
fn line_of(error: &StoreError) -> String {
    let lines = Lines::default();
    let call = Call::new(Operation::Get, None);
    let event = Event::StoreCalled { call, took: Duration::ZERO, error: Some(error) };
    tracing::subscriber::with_default(lines.clone(), || TracingObserver::new().observe(&event));
    lines.0.lock().unwrap().join("\n")
}

#[test]
fn a_failed_store_call_is_logged_with_what_caused_it() {
    let driver = Driver(Some(Box::new(Driver(None, "Connection refused"))), "cannot connect");
    let error = StoreError::not_sent(StoreErrorKind::Unavailable).with_source(driver);
    let line = line_of(&error);
    assert!(line.contains(r#" error.sources="cannot connect: Connection refused""#), "{line}");
    let line = line_of(&StoreError::not_sent(StoreErrorKind::Unavailable));
    assert!(!line.contains("error.sources"), "{line}");
}

/// Databases quote rows in the details below a message, and codecs quote the value.
#[test]
fn the_cause_of_a_failed_store_call_shows_no_row_and_no_value() {
    let quoting = Driver(None, "a row is too long\nDETAIL: the row contains a private note");
    let error = StoreError::not_sent(StoreErrorKind::Unavailable).with_source(quoting);
    let line = line_of(&error);
    assert!(line.ends_with(r#" error.sources="a row is too long""#), "{line}");
    let codec = || unreadable().unwrap_err();
    let errors = [
        StoreError::from(codec()),
        StoreError::not_sent(StoreErrorKind::Corrupt).with_source(codec()),
        StoreError::not_sent(StoreErrorKind::Encode).with_source(Driver(None, "a private note")),
    ];
    for error in errors {
        let line = line_of(&error);
        assert!(!line.contains("error.sources"), "{line}");
    }
}

/// An error of a database's driver: its cause and its message.
#[derive(Debug)]
struct Driver(Option<Box<Self>>, &'static str);

impl std::fmt::Display for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.1)
    }
}

impl std::error::Error for Driver {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

/// All metrics, each under its name and labels.
#[derive(Clone, Default)]
struct Metrics(Arc<Mutex<BTreeMap<String, u64>>>);

struct Metric(String, Metrics);

impl CounterFn for Metric {
    fn increment(&self, value: u64) {
        *self.1.0.lock().unwrap().entry(self.0.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Metric {
    fn record(&self, _: f64) {
        self.increment(1);
    }
}

impl Metrics {
    fn metric(&self, key: &metrics::Key) -> Arc<Metric> {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Metric(format!("{} {}", key.name(), labels.join(",")), self.clone()))
    }
}

impl Recorder for Metrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> Counter {
        self.metric(key).increment(0);
        Counter::from_arc(self.metric(key))
    }

    fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> Histogram {
        self.metric(key).increment(0);
        Histogram::from_arc(self.metric(key))
    }
}

#[test]
fn every_event_and_store_call_is_counted() {
    let recorder = Metrics::default();
    metrics::with_local_recorder(&recorder, || {
        let builder = Sessions::builder(MemoryStore::new()).observer(MetricsObserver::new());
        let sessions = builder.build().unwrap();
        sign_in_and_out(&sessions);
        sign_in_and_out(&sessions);
    });
    let counts = recorder.0.lock().unwrap();
    for (metric, count) in [
        ("cloakroom_events_total event=session_created", 2),
        ("cloakroom_events_total event=session_signed_in", 2),
        ("cloakroom_events_total event=session_expired", 2),
        ("cloakroom_sessions_ended_total reason=signed out", 2),
        ("cloakroom_store_seconds operation=insert", 2),
        ("cloakroom_store_seconds operation=index_login", 4),
    ] {
        assert_eq!(counts.get(metric), Some(&count), "{metric} in {counts:?}");
    }
}

/// What one kind of metric counts, apart from which of these it is.
fn series(metric: &str, label: &str, values: &[&str]) -> Vec<(String, u64)> {
    values.iter().map(|value| (format!("{metric} {label}={value}"), 0)).collect()
}

/// `increase(..) > 0` does not see the first occurrence of a series that begins with it.
#[test]
fn every_series_is_there_before_the_first_event() {
    let events: Vec<&str> =
        Event::NAMES.into_iter().filter(|name| *name != "store_called").collect();
    let reasons = EndReason::ALL.map(EndReason::as_str);
    let operations = Operation::ALL.map(Operation::as_str);
    let mut counters = series("cloakroom_events_total", "event", &events);
    counters.extend(series("cloakroom_sessions_ended_total", "reason", &reasons));
    counters.push(("cloakroom_sessions_swept_total ".to_owned(), 0));
    counters.extend(series("cloakroom_store_errors_total", "operation", &operations));
    counters.extend(series("cloakroom_store_seconds", "operation", &operations));
    let expected: BTreeMap<String, u64> = counters.into_iter().collect();

    let recorder = Metrics::default();
    metrics::with_local_recorder(&recorder, MetricsObserver::new);
    assert_eq!(*recorder.0.lock().unwrap(), expected);

    // An observer that was there before the recorder.
    let late = Metrics::default();
    let observer = MetricsObserver::new();
    metrics::with_local_recorder(&late, || {
        MetricsObserver::describe();
        assert_eq!(*late.0.lock().unwrap(), expected);
        observer.observe(&Event::KeyReused { id: PublicId::from_bytes([1; 16]) });
    });
    let reused = "cloakroom_events_total event=session_key_reused";
    assert_eq!(late.0.lock().unwrap().get(reused), Some(&1));
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
    let called = |error| Event::StoreCalled {
        call: Call::new(Operation::Get, None),
        took: Duration::ZERO,
        error,
    };
    let samples = [
        Event::Created { id },
        Event::SignedIn { id, principal: &alice },
        Event::Renewed { id },
        Event::Ended { id, reason: EndReason::Ended },
        Event::UseAfterEnd { id, reason: None },
        Event::SessionLimitExceeded { principal: &alice, limit: 1 },
        Event::LoginRevoked { principal: &alice },
        Event::UnknownKey { id, client },
        Event::WrongSecret { id, client },
        Event::RetiredKey { id },
        Event::KeyReused { id },
        Event::Bound { id },
        Event::ProofAccepted { id },
        Event::ProofRefused { id: Some(id), refusal: ProofRefusal::Stale },
        Event::ProofSkipped { id, reason: SkipReason::QuotaExceeded },
        Event::Unbound { id },
        Event::MultipleKeys { count: 2 },
        Event::AmbiguousKeys { used: id, other: id },
        Event::CookieLost { cookie: "id", loss: CookieLoss::PlainHttp },
        Event::ImportWithheld { id },
        Event::UnknownImport { client },
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
        let documented = row.split('|').nth(2).unwrap().trim();
        let level = format!("{:?}", event.level()).to_lowercase();
        assert_eq!(documented.split(',').next(), Some(level.as_str()), "{}", event.name());
    }
    assert_eq!(called(Some(&failure)).level(), EventLevel::Warn, "the documentation says so");
}

/// An error of decoding a value.
fn unreadable() -> Result<(), CodecError> {
    let mut map = SessionMap::default();
    map.insert("n", "not a number").unwrap();
    map.get::<u8>("n").map(drop)
}

/// The metrics that a text mentions, found by their common prefix.
fn metrics_in(text: &str) -> Vec<&str> {
    let word = |at: usize| {
        let rest = &text[at..];
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    };
    text.match_indices("cloakroom_").map(|(at, _)| word(at)).collect()
}

#[test]
fn dashboard_and_alerts_use_metrics_and_events_that_exist() {
    let dashboard = include_str!("../../../../docs/observability/dashboard.json");
    let alerts = include_str!("../../../../docs/observability/alerts.yml");
    let known = metrics_in(EVENTS);
    for text in [dashboard, alerts] {
        let used = metrics_in(text);
        assert!(used.len() > 5);
        for metric in used {
            // Prometheus has several series for a histogram.
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|part| metric.strip_suffix(part));
            assert!(known.contains(&base.unwrap_or(metric)), "{metric} is not documented");
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

/// Also through an `Arc`.
#[test]
fn an_observer_can_be_shared() {
    #[derive(Debug, Default)]
    struct Count(Mutex<usize>);

    impl Observer for Count {
        fn observe(&self, event: &Event<'_>) {
            *self.0.lock().unwrap() += usize::from(event.name() != "store_called");
        }
    }

    let count = Arc::new(Count::default());
    let sessions: Sessions<SessionMap> =
        Sessions::builder(MemoryStore::new()).observer(Arc::clone(&count)).build().unwrap();
    sign_in_and_out(&sessions);
    assert_eq!(*count.0.lock().unwrap(), 4);
}

//! The dashboard and the alerts, on what the stock exporter for Prometheus says.

use std::collections::BTreeMap;

use cloakroom::PublicId;
use cloakroom::observe::{Event, MetricsObserver, Observer as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use serde_json::Value;

const ALERTS: &str = include_str!("../../../../docs/observability/alerts.yml");
const DASHBOARD: &str = include_str!("../../../../docs/observability/dashboard.json");

/// What a process says before its first event and after some events, if its exporter is set up as
/// `docs/events.md` shows.
fn scrapes(events: &[Event<'_>]) -> [String; 2] {
    let store_calls = Matcher::Full("cloakroom_store_seconds".to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(store_calls, MetricsObserver::STORE_BUCKETS)
        .unwrap();
    let recorder = builder.build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let observer = MetricsObserver::new();
        let before = recorder.handle().render();
        for event in events {
            observer.observe(event);
        }
        [before, recorder.handle().render()]
    })
}

/// A series of a scrape, or the part of a query that selects series.
#[derive(Debug)]
struct Series<'a> {
    name: &'a str,
    /// Each label with its values, of which a query can accept several.
    labels: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Series<'a> {
    /// Reads `name`, or `name{label="value",..}`, at the beginning of `text`.
    fn read(text: &'a str) -> Self {
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let labels = inside.unwrap_or_default().split(',').filter_map(|pair| {
            let (label, values) = pair.split_once('=')?;
            let values = values.trim_start_matches('~').trim_matches('"');
            Some((label.trim(), values.split('|').collect()))
        });
        Self { name, labels: labels.collect() }
    }

    /// The queries for one series each that this query consists of.
    fn alternatives(&self) -> Vec<BTreeMap<&'a str, &'a str>> {
        let mut found = vec![BTreeMap::new()];
        for (label, values) in &self.labels {
            let with = |value: &&'a str| {
                let with = |one: &BTreeMap<&'a str, &'a str>| {
                    one.iter().map(|(l, v)| (*l, *v)).chain([(*label, *value)]).collect()
                };
                found.iter().map(with).collect::<Vec<_>>()
            };
            found = values.iter().flat_map(with).collect();
        }
        found
    }

    fn has(&self, labels: &BTreeMap<&str, &str>) -> bool {
        labels.iter().all(|(label, value)| {
            self.labels.get(label).is_some_and(|values| values.as_slice() == [*value])
        })
    }
}

/// Every series of ours that a text of queries selects.
fn selected(queries: &str) -> Vec<Series<'_>> {
    queries.match_indices("cloakroom_").map(|(at, _)| Series::read(&queries[at..])).collect()
}

/// The queries of the dashboard, with the quotes as Prometheus sees them.
fn queries_of(panel: &Value, found: &mut Vec<String>) {
    match panel {
        Value::Object(fields) => {
            found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| queries_of(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| queries_of(item, found)),
        _ => {}
    }
}

#[test]
fn dashboard_and_alerts_find_every_series_before_the_first_event() {
    let [scrape, _] = scrapes(&[]);
    let there: Vec<Series<'_>> = scrape.lines().map(Series::read).collect();
    let mut dashboard = Vec::new();
    queries_of(&serde_json::from_str(DASHBOARD).unwrap(), &mut dashboard);
    for queries in [ALERTS.to_owned(), dashboard.join("\n")] {
        let selected = selected(&queries);
        assert!(selected.len() > 5, "{selected:?}");
        for query in selected {
            for labels in query.alternatives() {
                let is_there =
                    there.iter().any(|series| series.name == query.name && series.has(&labels));
                assert!(is_there, "the exporter has no {} {labels:?}:\n{scrape}", query.name);
            }
        }
    }
}

#[test]
fn an_alert_on_any_increase_sees_the_first_event() {
    let id = PublicId::from_bytes([1; 16]);
    let events = [Event::KeyReused { id }, Event::WriteConflict { id }];
    let [before, after] = scrapes(&events);
    let value = |scrape: &str, name: &str| -> f64 {
        let series = format!("cloakroom_events_total{{event=\"{name}\"}} ");
        let found = scrape.lines().find_map(|line| line.strip_prefix(&series));
        found.unwrap_or_else(|| panic!("no {series} in {scrape}")).parse().unwrap()
    };
    for event in &events {
        let rule = format!("increase(cloakroom_events_total{{event=\"{}\"}}", event.name());
        let rule = ALERTS.lines().find(|line| line.contains(&rule)).unwrap();
        assert!(rule.ends_with("]) > 0"), "{rule}");
        let increase = value(&after, event.name()) - value(&before, event.name());
        assert!(increase > 0.0, "{}", event.name());
    }
}

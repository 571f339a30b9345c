//! What the demo measures of itself, for Prometheus.

use std::error::Error;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cloakroom::observe::MetricsObserver;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of how long the store takes, in seconds.
const SECONDS: [f64; 10] = [0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

/// Takes all measures of this process from here on.
pub(super) fn install() -> Result<PrometheusHandle, Box<dyn Error>> {
    let store = Matcher::Full("cloakroom_store_seconds".to_owned());
    let handle =
        PrometheusBuilder::new().set_buckets_for_metric(store, &SECONDS)?.install_recorder()?;
    MetricsObserver::describe();
    Ok(handle)
}

pub(super) fn routes(handle: PrometheusHandle) -> Router {
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", get(async move || (kind, handle.render())))
}

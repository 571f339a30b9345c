//! The demo's metrics, for Prometheus.

use std::error::Error;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cloakroom::observe::MetricsObserver;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The upper bounds of the buckets of `cloakroom_store_seconds`.
const BUCKETS: [f64; 10] = [0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

/// Installs the recorder of this process.
pub(super) fn install() -> Result<PrometheusHandle, Box<dyn Error>> {
    let store = Matcher::Full("cloakroom_store_seconds".to_owned());
    let handle =
        PrometheusBuilder::new().set_buckets_for_metric(store, &BUCKETS)?.install_recorder()?;
    MetricsObserver::describe();
    Ok(handle)
}

pub(super) fn routes(handle: PrometheusHandle) -> Router {
    let media_type = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", get(async move || (media_type, handle.render())))
}

//! The demo's metrics, for Prometheus.

use std::error::Error;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cloakroom::observe::MetricsObserver;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Installs the recorder of this process.
pub(super) fn install() -> Result<PrometheusHandle, Box<dyn Error>> {
    let store = Matcher::Full("cloakroom_store_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(store, MetricsObserver::STORE_BUCKETS)?
        .install_recorder()?;
    MetricsObserver::describe();
    Ok(handle)
}

pub(super) fn routes(handle: PrometheusHandle) -> Router {
    let media_type = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", get(async move || (media_type, handle.render())))
}

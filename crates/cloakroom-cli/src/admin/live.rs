//! Server-sent events that keep the overview up to date.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use super::{AdminServer, view};
use crate::serve::Shutdown;

/// How long a connection lasts. The browser then reconnects, and its session is checked again.
const MAX_DURATION: Duration = Duration::from_secs(10 * 60);

pub(super) fn routes(shutdown: Shutdown) -> Router<AdminServer> {
    let handler = async move |State(server): State<AdminServer>| live(&server, shutdown.clone());
    Router::new().route("/live", get(handler))
}

/// Sends the overview whenever the numbers change.
fn live(
    server: &AdminServer,
    shutdown: Shutdown,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let updates = WatchStream::new(server.stats.subscribe())
        .map(|history| Some(Event::default().data(view::live(&history).into_string())));
    let end = tokio_stream::once(shutdown).then(|shutdown| async {
        tokio::select! {
            () = shutdown.requested() => {}
            () = tokio::time::sleep(MAX_DURATION) => {}
        }
        None
    });
    let events = updates.merge(end).map_while(|event| event).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::default())
}

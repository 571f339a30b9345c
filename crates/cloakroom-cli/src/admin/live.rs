//! Counts as they come, sent to the page.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use super::{Office, view};
use crate::serve::Stop;

/// One connection lasts this long; the browser then asks again, and is asked again who it is.
const LASTS: Duration = Duration::from_secs(10 * 60);

pub(super) fn routes(stop: Stop) -> Router<Office> {
    Router::new()
        .route("/live", get(async move |State(office): State<Office>| live(&office, stop.clone())))
}

fn live(office: &Office, stop: Stop) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let counts = WatchStream::new(office.census.follow());
    let events =
        counts.map(|counts| Some(Event::default().data(view::live(&counts).into_string())));
    // The end of this one is the end of both.
    let end = tokio_stream::once(stop).then(|stop| async {
        tokio::select! {
            () = stop.told() => {}
            () = tokio::time::sleep(LASTS) => {}
        }
        None
    });
    let events = events.merge(end).map_while(|event| event).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::default())
}

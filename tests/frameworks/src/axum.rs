//! axum, with the layer around the whole router.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Router, ServiceExt};
use cloakroom::{Error, Session, SessionLayer, Sessions};
use cloakroom_testkit::scenarios::{self, Barrier, RunningServer, Visitor};
use futures_util::stream;
use tower_layer::Layer;

use crate::running::on_a_runtime;

/// The application on axum.
pub fn serve(sessions: Sessions<Visitor>, barrier: Barrier) -> RunningServer {
    let router = Router::new()
        .route("/ignore", get(async || "nothing to see"))
        .route("/stream", post(streamed))
        .fallback(any(answered))
        .with_state(barrier);
    let app = SessionLayer::new(sessions).layer(router);
    on_a_runtime(async move |listener| {
        axum::serve(listener, ServiceExt::<axum::extract::Request>::into_make_service(app))
            .await
            .expect("the server runs until it is stopped");
    })
}

async fn answered(
    uri: Uri,
    State(barrier): State<Barrier>,
    sessions: Sessions<Visitor>,
    first: Session<Visitor>,
    second: Session<Visitor>,
) -> Result<Response, Error> {
    let (status, body) = scenarios::answer(uri.path(), &sessions, first, second, &barrier).await?;
    let status = StatusCode::from_u16(status).unwrap_or_default();
    Ok((status, body).into_response())
}

async fn streamed(
    State(barrier): State<Barrier>,
    mut session: Session<Visitor>,
) -> Result<Body, Error> {
    let first = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits.to_string()
    });
    let first = stream::iter([first.await?]);
    let rest = stream::once(scenarios::stream(session, barrier));
    let body = stream::StreamExt::chain(first, rest);
    Ok(Body::from_stream(stream::StreamExt::map(body, Ok::<_, std::convert::Infallible>)))
}

//! tower-sessions as its documentation uses it: one serde value under one key.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_bench::overhead::apps::router;
use cloakroom_bench::overhead::case::COOKIE_NAME;
use cloakroom_bench::visitor::{VISITOR, Visitor, next_visitor};
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer};

pub(crate) fn app() -> (Router, SessionManagerLayer<MemoryStore>) {
    let layer = SessionManagerLayer::new(MemoryStore::default())
        .with_name(COOKIE_NAME)
        .with_expiry(Expiry::OnInactivity(Duration::minutes(30)));
    (router(get(read), get(write), get(seed)), layer)
}

async fn read(session: Session) -> Result<String, Broken> {
    let visitor: Visitor = session.get(VISITOR).await?.unwrap_or_default();
    Ok(visitor.visits.to_string())
}

async fn write(session: Session) -> Result<String, Broken> {
    let mut visitor: Visitor = session.get(VISITOR).await?.unwrap_or_default();
    visitor.visits += 1;
    let visits = visitor.visits;
    session.insert(VISITOR, visitor).await?;
    Ok(visits.to_string())
}

async fn seed(session: Session) -> Result<(), Broken> {
    Ok(session.insert(VISITOR, next_visitor()).await?)
}

/// Their error as a response.
struct Broken;

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

//! tower-sessions, as its documentation has it used: one serde value under one key.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer};

use crate::Failure;
use crate::case::{COOKIE_NAME, Visitor};
use crate::server::{Mount, Server};

const VISITOR: &str = "visitor";

pub(crate) async fn server(mount: Mount, sessions: usize) -> Result<Server, Failure> {
    let store = MemoryStore::default();
    let expiry = Expiry::OnInactivity(Duration::minutes(30));
    let mut keys = Vec::with_capacity(sessions);
    for number in 0..sessions {
        let session = Session::new(None, Arc::new(store.clone()), Some(expiry));
        session.insert(VISITOR, Visitor::seeded(number)).await?;
        session.save().await?;
        keys.push(session.id().ok_or("a saved session has no id")?.to_string());
    }
    let layer = SessionManagerLayer::new(store).with_name(COOKIE_NAME).with_expiry(expiry);
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(read))
        .route("/write", get(write));
    mount.server(router, layer, &keys)
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

/// Their error, as an answer.
struct Broken;

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self
    }
}

impl axum::response::IntoResponse for Broken {
    fn into_response(self) -> axum::response::Response {
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

//! `axum_session` over its null pool: sessions in its own memory.
//!
//! It begins a session with every visitor, and sends its cookie with every response.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use axum_session::{SessionConfig, SessionLayer, SessionNullSession as Session, SessionNullSessionStore};

use crate::Failure;
use crate::case::{COOKIE_NAME, Visitor};
use crate::server::{Server, tower};

const VISITOR: &str = "visitor";

pub(crate) async fn server(sessions: usize) -> Result<Server, Failure> {
    let config = SessionConfig::default().with_session_name(COOKIE_NAME).with_secure(true);
    let layer = SessionLayer::new(SessionNullSessionStore::new(None, config).await?);
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/seed", get(seed))
        .layer(layer);
    Server::new(tower(router), &[])?.seeded(sessions).await
}

async fn read(session: Session) -> String {
    let visitor: Visitor = session.get(VISITOR).unwrap_or_default();
    visitor.visits.to_string()
}

async fn write(session: Session) -> String {
    let mut visitor: Visitor = session.get(VISITOR).unwrap_or_default();
    visitor.visits += 1;
    let visits = visitor.visits;
    session.set(VISITOR, visitor);
    visits.to_string()
}

/// There is no other way to a session.
async fn seed(session: Session) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    session.set(VISITOR, Visitor::seeded(NUMBER.fetch_add(1, Ordering::Relaxed)));
}

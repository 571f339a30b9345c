//! `axum_session` over its null pool: sessions in its own memory.
//!
//! It begins a session with every visitor, and sends its cookie with every response.

use axum::Router;
use axum::routing::get;
use axum_session::{
    SessionConfig, SessionLayer, SessionNullPool, SessionNullSession as Session,
    SessionNullSessionStore,
};
use cloakroom_bench::Failure;
use cloakroom_bench::overhead::apps::router;
use cloakroom_bench::overhead::case::COOKIE_NAME;
use cloakroom_bench::visitor::{VISITOR, Visitor, next_visitor};

pub(crate) async fn app() -> Result<(Router, SessionLayer<SessionNullPool>), Failure> {
    let config = SessionConfig::default().with_session_name(COOKIE_NAME).with_secure(true);
    let layer = SessionLayer::new(SessionNullSessionStore::new(None, config).await?);
    Ok((router(get(read), get(write), get(seed)), layer))
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

async fn seed(session: Session) {
    session.set(VISITOR, next_visitor());
}

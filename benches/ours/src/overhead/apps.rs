//! The routes that every contender on axum serves, without sessions and with cloakroom's.

use std::hint::black_box;

use axum::Router;
use axum::routing::{MethodRouter, get};
use cloakroom::{Error, Session, SessionLayer, SessionsBuilder};

use crate::Failure;
use crate::visitor::{Visitor, next_visitor};

/// A router of these handlers. `/seed` begins a session with a full value.
pub fn router(read: MethodRouter, write: MethodRouter, seed: MethodRouter) -> Router {
    Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", read)
        .route("/write", write)
        .route("/seed", seed)
}

/// axum alone.
pub fn plain() -> Router {
    router(
        get(async || black_box(0_u64).to_string()),
        get(async || black_box(1_u64).to_string()),
        get(async || ""),
    )
}

/// Cloakroom as its documentation uses it: a typed session.
pub fn cloakroom(
    builder: SessionsBuilder<Visitor>,
) -> Result<(Router, SessionLayer<Visitor>), Failure> {
    Ok((router(get(read), get(write), get(seed)), SessionLayer::new(builder.build()?)))
}

pub async fn read(session: Session<Visitor>) -> String {
    session.value().visits.to_string()
}

pub async fn write(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session
        .update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        })
        .await?;
    Ok(visits.to_string())
}

pub async fn seed(mut session: Session<Visitor>) -> Result<(), Error> {
    session.set(next_visitor()).await
}

//! Cloakroom, as its documentation has it used: a typed session.

use axum::Router;
use axum::routing::get;
use cloakroom::{Builder, Error, Session, SessionLayer, Sessions};

use crate::Failure;
use crate::case::Visitor;
use crate::server::{Mount, Server};

pub(crate) async fn server(
    mount: Mount,
    builder: Builder<Visitor>,
    sessions: usize,
) -> Result<Server, Failure> {
    let manager: Sessions<Visitor> = builder.build()?;
    let keys = seed(&manager, sessions).await?;
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(read))
        .route("/write", get(write));
    mount.server(router, SessionLayer::new(manager), &keys)
}

/// The keys of as many sessions, begun for it.
pub(crate) async fn seed(manager: &Sessions<Visitor>, sessions: usize) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::with_capacity(sessions);
    for number in 0..sessions {
        let session = manager.generate(Visitor::seeded(number)).await?;
        keys.push(session.key().ok_or("a generated session has no key")?.expose());
    }
    Ok(keys)
}

pub(crate) async fn read(session: Session<Visitor>) -> String {
    session.visits.to_string()
}

pub(crate) async fn write(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session
        .update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        })
        .await?;
    Ok(visits.to_string())
}

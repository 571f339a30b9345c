//! An application whose tests, in `tests/app.rs`, need no server and no waiting.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::{Error, Principal, Session, SessionLayer, Sessions};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    pub visits: u64,
}

/// The application: `main` gives it real sessions, a test its own.
pub fn app(sessions: Sessions<Visitor>) -> Router {
    Router::new()
        .route("/", get(count))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .layer(SessionLayer::new(sessions))
}

async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session
        .update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        })
        .await?;
    let who = session.principal().map_or("a visitor", Principal::as_str);
    Ok(format!("visit {visits} of {who}"))
}

async fn login(mut session: Session<Visitor>) -> Result<(), Error> {
    let Ok(user) = Principal::new("alice") else { return Ok(()) };
    session.login(&user).await
}

async fn logout(mut session: Session<Visitor>) -> Result<(), Error> {
    session.logout().await
}

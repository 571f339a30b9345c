//! An application that is tested, in `tests/app.rs`: without a server, without waiting, as a browser would use it.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::{Error, Principal, Session, SessionLayer, Sessions};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    pub visits: u64,
}

/// The application, on whatever sessions it is given: real ones in `main`, a test's in a test.
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

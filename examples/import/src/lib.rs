//! An application that has moved from tower-sessions 0.14 and axum-login to Cloakroom's sessions.
//!
//! Its visitors bring their old cookies. Each gets a session here with the old data, signed in as
//! before.

use std::collections::HashMap;

use axum::Router;
use axum::routing::{get, post};
use cloakroom::{Error, Login, Principal, Session, SessionLayer, Sessions};
use cloakroom_tower_sessions::ImportLayer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions::SessionStore;

/// What a session carries now.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    visits: u64,
}

/// What a session carried: values by name, and the user's id where axum-login keeps it. A session
/// without visits is not worth keeping.
fn convert(mut old: HashMap<String, Value>) -> Option<(Visitor, Option<Login>)> {
    let visits = old.remove("visits")?.as_u64()?;
    let user = old.remove("axum-login.data");
    let user = user.and_then(|data| Principal::new(data["user_id"].as_str()?).ok());
    Some((Visitor { visits }, user.as_ref().map(Login::of)))
}

async fn home(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    let visits = visits.await?;
    let user = session.principal().map_or("no one", Principal::as_str);
    Ok(format!("{user}, visit number {visits}"))
}

async fn logout(mut session: Session<Visitor>) -> Result<(), Error> {
    session.logout().await
}

/// The application. `old` is the store of tower-sessions, opened as before.
pub fn app(sessions: Sessions<Visitor>, old: impl SessionStore) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/logout", post(logout))
        .layer(ImportLayer::from_0_14(old, convert))
        .layer(SessionLayer::new(sessions)) // outside
}

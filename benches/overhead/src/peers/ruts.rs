//! ruts over its store in memory, which is a moka cache of encoded fields.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use ruts::store::moka::{MokaStore, MokaStoreBuilder};
use ruts::store::{SessionStore as _, Ttl};
use ruts::{CookieOptions, Id, Session, SessionLayer};
use tower_cookies::CookieManagerLayer;

use crate::Failure;
use crate::case::{COOKIE_NAME, Visitor};
use crate::server::{Server, tower};

const VISITOR: &str = "visitor";
const IDLE: i64 = 30 * 60;

pub(crate) async fn server(sessions: usize) -> Result<Server, Failure> {
    // Room for all that a run begins: an eviction would be a session lost.
    let store = MokaStoreBuilder::new().max_capacity(10_000_000).build();
    let mut keys = Vec::with_capacity(sessions);
    for number in 0..sessions {
        let id = Id::default();
        store.set(&id, VISITOR, &Visitor::seeded(number), Ttl::new(IDLE)?, None).await?;
        keys.push(id.to_string());
    }
    let options = CookieOptions::build().name(COOKIE_NAME).path("/").max_age(12 * 60 * 60);
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(SessionLayer::new(Arc::new(store)).with_cookie_options(options))
        .layer(CookieManagerLayer::new());
    Server::new(tower(router), &keys)
}

async fn read(session: Session<MokaStore>) -> Result<String, StatusCode> {
    let visitor = session.get::<Visitor>(VISITOR).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(visitor.unwrap_or_default().visits.to_string())
}

async fn write(session: Session<MokaStore>) -> Result<String, StatusCode> {
    let broken = StatusCode::INTERNAL_SERVER_ERROR;
    let visitor = session.get::<Visitor>(VISITOR).await.map_err(|_| broken)?;
    let mut visitor = visitor.unwrap_or_default();
    visitor.visits += 1;
    let life = Ttl::new(IDLE).map_err(|_| broken)?;
    session.set(VISITOR, &visitor, life, None).await.map_err(|_| broken)?;
    Ok(visitor.visits.to_string())
}

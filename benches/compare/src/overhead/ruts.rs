//! ruts over its memory store, a moka cache of encoded fields.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use cloakroom_bench::overhead::apps::router;
use cloakroom_bench::overhead::case::COOKIE_NAME;
use cloakroom_bench::visitor::{VISITOR, Visitor, next_visitor};
use http::StatusCode;
use ruts::store::Ttl;
use ruts::store::moka::{MokaStore, MokaStoreBuilder};
use ruts::{CookieOptions, SessionLayer};
use tower_cookies::CookieManagerLayer;

type Session = ruts::Session<MokaStore>;

const IDLE: i64 = 30 * 60;
const BROKEN: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

pub(super) fn app() -> Router {
    // Room for all sessions of a run: an eviction would lose one.
    let store = MokaStoreBuilder::new().max_capacity(10_000_000).build();
    let options = CookieOptions::build().name(COOKIE_NAME).path("/").max_age(12 * 60 * 60);
    router(get(read), get(write), get(seed))
        .layer(SessionLayer::new(Arc::new(store)).with_cookie_options(options))
        .layer(CookieManagerLayer::new())
}

async fn read(session: Session) -> Result<String, StatusCode> {
    Ok(visitor(&session).await?.visits.to_string())
}

async fn write(session: Session) -> Result<String, StatusCode> {
    let mut visitor = visitor(&session).await?;
    visitor.visits += 1;
    set(&session, &visitor).await?;
    Ok(visitor.visits.to_string())
}

async fn seed(session: Session) -> Result<(), StatusCode> {
    set(&session, &next_visitor()).await
}

async fn visitor(session: &Session) -> Result<Visitor, StatusCode> {
    let visitor = session.get::<Visitor>(VISITOR).await.map_err(|_| BROKEN)?;
    Ok(visitor.unwrap_or_default())
}

async fn set(session: &Session, visitor: &Visitor) -> Result<(), StatusCode> {
    let idle = Ttl::new(IDLE).map_err(|_| BROKEN)?;
    session.set(VISITOR, visitor, idle, None).await.map(drop).map_err(|_| BROKEN)
}

//! actix-session with its default, an encrypted cookie.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::{App, Error, web};

use super::store::MemoryStore;
use crate::Failure;
use crate::case::{COOKIE_NAME, Visitor};
use crate::server::Server;

const VISITOR: &str = "visitor";

pub(crate) async fn server(sessions: usize) -> Result<Server, Failure> {
    let middleware = SessionMiddleware::builder(MemoryStore::default(), Key::generate())
        .cookie_name(COOKIE_NAME.into())
        .build();
    let app = App::new()
        .wrap(middleware)
        .route("/ignore", web::get().to(async || "ignored"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/seed", web::get().to(seed));
    Server::new(super::service(app).await, &[])?.seeded(sessions).await
}

async fn read(session: Session) -> Result<String, Error> {
    let visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
    Ok(visitor.visits.to_string())
}

async fn write(session: Session) -> Result<String, Error> {
    let mut visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
    visitor.visits += 1;
    let visits = visitor.visits;
    session.insert(VISITOR, visitor)?;
    Ok(visits.to_string())
}

/// Its cookie can be had from the middleware alone.
async fn seed(session: Session) -> Result<String, Error> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    session.insert(VISITOR, Visitor::seeded(NUMBER.fetch_add(1, Ordering::Relaxed)))?;
    Ok(String::new())
}

//! The smallest example: how often has this visitor been here?

use axum::Router;
use axum::routing::get;
use cloakroom::{Error, MemoryStore, Session, SessionLayer, Sessions};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    });
    Ok(format!("Visit number {}\n", visits.await?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}

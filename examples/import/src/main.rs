//! Serves the application, with old sessions in `old.db` as tower-sessions-sqlx-store left them.

use cloakroom::{MemoryStore, Sessions};
use tower_sessions_sqlx_store::{SqliteStore, sqlx::SqlitePool};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let old = SqliteStore::new(SqlitePool::connect("sqlite://old.db?mode=rwc").await?);
    old.migrate().await?; // as before; the table exists where there are old sessions
    let sessions = Sessions::new(MemoryStore::new())?;
    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, example_import::app(sessions, old)).await?)
}

//! Sessions without a store: the value is encrypted in the cookie.
//!
//! Read `docs/encrypted-cookie.md` before you choose this.

use std::env::VarError;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom::encrypted_cookie::{
    EncryptError, EncryptedSession, EncryptedSessions, EncryptionKey, KeyRing,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

async fn count(mut session: EncryptedSession<Visitor>) -> Result<impl IntoResponse, EncryptError> {
    let visits = session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    })?;
    Ok((session.headers(), format!("Visit number {visits}\n"))) // the headers carry the value
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key: EncryptionKey = match std::env::var("SESSION_KEY") {
        Ok(text) => text.parse()?,
        Err(VarError::NotPresent) if cfg!(debug_assertions) => {
            eprintln!(
                "SESSION_KEY is not set (openssl rand -hex 32): every restart signs everyone out"
            );
            EncryptionKey::generate()?
        }
        Err(error) => return Err(error.into()),
    };
    let sessions: EncryptedSessions<Visitor> = EncryptedSessions::new(KeyRing::new(key))?;
    let app = Router::new().route("/", get(count)).with_state(sessions);

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}

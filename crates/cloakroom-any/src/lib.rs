//! Stores by their URL, for applications that leave the choice to whoever runs them.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, Session, SessionLayer, Sessions};
//!
//! #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Visitor {
//!     visits: u64,
//! }
//!
//! async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
//!     let visits = session.update(|visitor| { visitor.visits += 1; visitor.visits }).await?;
//!     Ok(format!("Visit number {visits}"))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let url = std::env::var("SESSION_STORE").unwrap_or("memory:".to_owned());
//!     let sessions: Sessions<Visitor> = Sessions::new(cloakroom_any::open(&url).await?)?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! | URL | sessions are kept |
//! |---|---|
//! | `memory:` | in this process, and gone with it |
//! | `sqlite:PATH` | in a file, made if it is not there |
//! | `postgres://[USER[:PASSWORD]@]HOST[:PORT][,HOST..][/DATABASE]` | in a PostgreSQL database |
//! | `redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER]` | in a Redis or Valkey server; `rediss://` encrypted, as all that follow |
//! | `redis+cluster://[USER:PASSWORD@]HOST[:PORT][,HOST..]` | in a Redis Cluster, entered by any of these |
//! | `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST..]/NAME[/NUMBER]` | in the master that these sentinels know by that name |
//!
//! What comes after a `?`, separated by `&`:
//!
//! | option | of | means |
//! |---|---|---|
//! | `timeout=5s` | postgres, redis | how long is waited for a connection and for each answer |
//! | `schema=cloakroom` `table=session` | postgres | where the tables are, and how their names begin |
//! | `commit=asynchronous` | postgres | a change counts once the server has it in memory: faster, and a crash takes some back |
//! | `sslmode=require` | postgres | encrypted, or not at all; `prefer` unless told |
//! | `sslrootcert=PATH` | postgres, redis | trust a certificate that leads to one in this file |
//! | `prefix=cloakroom` | redis | what all keys begin with |
//! | `replicas=1` `replica-timeout=500ms` | redis | a change counts once so many replicas have it too |
//!
//! Other options of `postgres://` go to the driver as they are: `application_name`, `keepalives` and so on.
//!
//! # Features
//! `sqlite`, `postgres` and `redis`, all of them on: an application that wants fewer switches the others off.
#![cfg_attr(
    not(all(feature = "postgres", feature = "redis", feature = "sqlite")),
    allow(
        dead_code,
        clippy::unused_async,
        reason = "with fewer stores there is less to read, and less to wait for"
    )
)]

mod check;
mod error;
mod options;
mod url;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(not(feature = "postgres"))]
#[path = "absent/postgres.rs"]
mod postgres;
#[cfg(not(feature = "redis"))]
#[path = "absent/redis.rs"]
mod redis;
#[cfg(not(feature = "sqlite"))]
#[path = "absent/sqlite.rs"]
mod sqlite;

use std::sync::Arc;

use cloakroom::Store;

pub use check::Check;
pub use error::{OpenError, OpenErrorKind};
pub use url::StoreUrl;

/// Opens the store at `url` for an application: what does not exist is made, what is of an earlier version brought up to date.
///
/// # Errors
/// [`OpenError`] if the URL is none, with a hint at what was meant, or the store can't be opened. It repeats no password.
///
/// # Panics
/// Outside a tokio runtime, for a store that is a server: it lives in the one that this is called in.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    url.parse::<StoreUrl>()?.open().await
}

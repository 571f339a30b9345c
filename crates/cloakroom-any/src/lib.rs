//! Session stores for [Cloakroom](cloakroom), chosen at run time by a URL.
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
//! | URL | store |
//! |---|---|
//! | `memory:` | the memory of this process |
//! | `sqlite:PATH` | a file, created if it does not exist |
//! | `postgres://[USER[:PASSWORD]@]HOST[:PORT][,HOST..][/DATABASE]` | a PostgreSQL database |
//! | `redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER]` | a Redis or Valkey server |
//! | `redis+cluster://[USER:PASSWORD@]HOST[:PORT][,HOST..]` | a Redis Cluster, by any of its nodes |
//! | `redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST..]/NAME[/NUMBER]` | a master, by sentinels |
//! | `redis+unix:///PATH` | a Redis or Valkey server on this machine, by its socket |
//!
//! `rediss://`, `rediss+cluster://` and `rediss+sentinel://` use TLS. `valkey` can be written for
//! `redis`, and `unix:///PATH` for `redis+unix:///PATH`.
//!
//! Options follow a `?`, separated by `&`:
//!
//! | option | store | meaning |
//! |---|---|---|
//! | `mode=rwc` | SQLite | `rw`: the file must exist; `ro`: it must, and nothing is written |
//! | `timeout=5s` | PostgreSQL, Redis | how long a call takes at most, waiting included |
//! | `root_certificate=PATH` | PostgreSQL, Redis | a PEM file with the root certificates to trust |
//! | `schema=cloakroom` | PostgreSQL | the schema of the tables |
//! | `table=session` | PostgreSQL | the table of sessions; the names of the others start with it |
//! | `commit=asynchronous` | PostgreSQL | does not wait for the disk: a crash loses writes |
//! | `sslmode=require` | PostgreSQL | requires TLS; the default `prefer` uses it if available |
//! | `db=0`, `user=NAME`, `pass=..` | Redis by a socket | the database, and who signs in |
//! | `prefix=cloakroom` | Redis | the prefix of all keys |
//! | `min_replicas=1` | Redis | acknowledges writes once this many replicas have them |
//! | `replica_timeout=500ms` | Redis | how long to wait for the replicas |
//! | `evictions=accepted` | Redis | uses a server that evicts sessions when its memory is full |
//!
//! In the path of a file, `%` is written `%25`, and `?` is written `%3F`.
//!
//! With TLS, the server's certificate must be trusted and valid for the host, so for PostgreSQL
//! `sslmode=verify-ca` and `sslmode=verify-full` mean `require`. `sslrootcert` means
//! `root_certificate`, and all other options are passed to the driver: `application_name`,
//! `keepalives` and so on.
//!
//! # Features
//! - `sqlite`, `postgres` and `redis`, all enabled by default.
//! - `ring` or `aws-lc-rs`: what encrypts connections to servers, if the process has not installed
//!   another provider of rustls. Take the one that your other crates use.
#![cfg_attr(
    not(all(feature = "postgres", feature = "redis", feature = "sqlite")),
    allow(
        dead_code,
        clippy::unused_async,
        reason = "some code is only used by a store that is not built"
    )
)]

mod check;
mod error;
mod options;
mod same;
mod server_url;
mod sqlite_url;
mod url;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(not(feature = "postgres"))]
#[path = "not_built/postgres.rs"]
mod postgres;
#[cfg(not(feature = "redis"))]
#[path = "not_built/redis.rs"]
mod redis;
#[cfg(not(feature = "sqlite"))]
#[path = "not_built/sqlite.rs"]
mod sqlite;

use std::sync::Arc;

use cloakroom::Store;

pub use check::Check;
pub use error::{OpenError, OpenErrorKind};
pub use url::StoreUrl;

/// Opens the store at `url`, and creates or migrates its file or tables.
///
/// # Errors
/// [`OpenError`] if the URL is invalid, with a correction if possible, or if the store cannot be
/// opened.
///
/// # Panics
/// Outside a tokio runtime, for PostgreSQL and Redis: their tasks run in the current runtime.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    url.parse::<StoreUrl>()?.open().await
}

//! A session store in Redis or Valkey, for [Cloakroom](cloakroom).
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, Session, SessionLayer, Sessions};
//! use cloakroom_redis::RedisStore;
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
//!     let store = RedisStore::connect("redis://127.0.0.1:6379").await?;
//!     let sessions: Sessions<Visitor> = Sessions::new(store)?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! Redis 6.2 or later, or Valkey. Tests run on Redis 7 and Valkey 9.
//!
//! # Guarantees
//! - Every operation on a session takes one round trip. Touch and end are small Lua scripts. So is
//!   compare-and-swap, unless the server has one of its own (Valkey 8.1, Redis 8.4); that compares
//!   whole values, so a session that was used in the meantime takes a second round trip.
//! - Operations that arrive while others are in flight are sent together in the next message.
//! - The server removes an entry five minutes after it expires, by its own clock. A server whose
//!   clock is ahead is not used. [`Store::sweep`](cloakroom::Store::sweep) scans all
//!   keys, and is only needed if the server's clock is behind.
//! - Behind sentinels, a master that they no longer name is left within a second, even if it does
//!   not know that it was replaced.
//! - An operation whose answer is lost is not repeated; it reports that its outcome is unknown.
//!
//! # Keys
//! | key | value |
//! |---|---|
//! | `cloakroom:session:<id>` | the session: record and value |
//! | `cloakroom:principal:{=<principal>}` | a sorted set: the principal's sessions by deadline |
//!
//! In the sorted set, a session is `<id>`, or `<id>:<tag of its kind>` if its kind is not the
//! default. Before them, with the score -1, stands `revoked <before> <until>` if sign-ins older
//! than `before` are refused until `until`. Times are in milliseconds.
//!
//! # Security
//! An acknowledged write is as durable as the server's configuration makes it: with `appendfsync
//! always` it survives a crash of the server, with `everysec` a crash loses the last second, and
//! without an append-only file a crash loses everything. Lost writes include ends and renewals: an
//! ended session can be live again. A replica that takes over can lack the last moments as well;
//! see [`RedisBuilder::min_replicas`].
//!
//! # TLS
//! The cryptography is the process's, if the application has installed a
//! [`CryptoProvider`](https://docs.rs/rustls/0.23/rustls/crypto/struct.CryptoProvider.html) of
//! rustls. Otherwise it is that of feature `ring` or `aws-lc-rs`, and nothing is installed. Neither
//! is on by default, because rustls refuses to choose for an application in which both are. Take
//! the one that your other crates use:
//!
//! ```toml
//! cloakroom-redis = { version = "0.1", features = ["ring"] }
//! ```
//!
//! Without either, a `rediss://` URL is refused with [`RedisErrorKind::Tls`].

mod builder;
mod connection;
mod error;
mod feed;
mod inspection;
mod keys;
mod native;
mod node;
mod op;
mod scan;
mod script;
mod sentinel;
mod server;
mod server_clock;
mod slots;
mod store;
mod sweep;
mod tls;
mod topology;
mod worker;

pub use builder::RedisBuilder;
pub use error::{RedisError, RedisErrorKind};
pub use inspection::Inspection;
pub use store::RedisStore;

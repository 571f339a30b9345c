//! A session store in PostgreSQL, for [Cloakroom](cloakroom).
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, Session, SessionLayer, Sessions};
//! use cloakroom_postgres::PostgresStore;
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
//!     let store = PostgresStore::connect("postgres://app@db.internal/app?sslmode=require").await?;
//!     let sessions: Sessions<Visitor> = Sessions::new(store)?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! PostgreSQL 13 or later; tests run on 15. Opening the store creates or migrates its tables, in a
//! schema of their own; if several nodes start at once, one of them does it. The view
//! `cloakroom.session_view` shows the sessions in readable form.
//!
//! # Guarantees
//! - Every operation on a session takes one round trip; a lone write that lost to another one takes
//!   two. Writes that arrive while others are in flight are sent together, in one statement and one
//!   commit; each has a compare-and-swap and an answer of its own.
//! - Reads do not wait for writes. Two connections write: one works while the other one commits. A
//!   session that another transaction has locked waits apart, so that its lock delays no other one.
//! - Nodes commit at the same time. While any node listens
//!   ([`Store::subscribe`](cloakroom::Store::subscribe)), a change is notified right after its
//!   commit. If that is prevented because a connection breaks or the server's queue is full, all
//!   listeners know within a second or two that they may have missed a change.
//! - An operation whose answer is lost is not repeated; it reports that its outcome is unknown.
//! - The store opens six connections, one more for sweeps at the first sweep, up to two for writes
//!   to locked sessions, one for each change feed, and one to each further server in the URL.
//!   Connect directly or through a pooler in
//!   session mode. A pooler in transaction mode is refused with [`PostgresErrorKind::Pooler`],
//!   before anything is set that would leak to its other clients.
//! - Of several servers in the URL, the store uses one that accepts writes. It asks all of them
//!   when it opens, and begins with the one that was promoted last. While it runs, it asks the
//!   others twice a second, over a connection to each, and leaves a primary within a second of the
//!   promotion of another one. It accepts no server on a lower timeline than it has seen
//!   ([`PostgresErrorKind::Outdated`]): a former primary that still takes writes is left alone,
//!   even if the new one is down.
//!
//! # Security
//! An acknowledged write survives a crash of the server ([`Commit::Synchronous`]), unless the
//! server runs without `fsync`. A standby that takes over can lack the last moments, including ends
//! and renewals, unless the primary commits to it synchronously.
//!
//! `sslmode=require`, or `verify-full`, encrypts the connection and verifies the server's
//! certificate: it must be valid for the given host name and signed by a root that the system
//! trusts. Encryption without verification is not available.
//!
//! # TLS
//! The cryptography is the process's, if the application has installed a
//! [`CryptoProvider`](https://docs.rs/rustls/0.23/rustls/crypto/struct.CryptoProvider.html) of
//! rustls. Otherwise it is that of feature `ring` or `aws-lc-rs`, and nothing is installed. Neither
//! is on by default, because rustls refuses to choose for an application in which both are. Take
//! the one that your other crates use:
//!
//! ```toml
//! cloakroom-postgres = { version = "0.1", features = ["ring"] }
//! ```
//!
//! Without either, a server on this host is reached without TLS, and any other only with
//! `sslmode=disable`: connecting fails with [`PostgresErrorKind::Tls`] before a password is sent.

mod builder;
mod column;
mod connect_options;
mod connection;
mod error;
mod facts;
mod feed;
mod index_op;
mod inspection;
mod lane;
mod lone;
mod names;
mod peers;
mod pooling;
mod promotions;
mod reader;
mod schema;
mod servers;
mod store;
mod sweep;
mod telling;
mod tls;
mod url;
mod write;
mod writer;

pub use builder::{Commit, PostgresBuilder};
pub use error::{PostgresError, PostgresErrorKind};
pub use inspection::Inspection;
pub use store::PostgresStore;

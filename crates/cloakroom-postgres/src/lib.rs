//! Sessions in PostgreSQL, for [`cloakroom`].
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
//! PostgreSQL from 13 on; it is tested on 15. Tables are made and brought up to date when the store is opened, in a schema of
//! their own; of several nodes that start at once one does it. `SELECT * FROM cloakroom.session_shown` is for people.
//!
//! # What is promised
//! - Every operation on a session is one round trip. Changes that arrive while others are on the way leave together, in one
//!   statement and one commit, each with a compare-and-swap and an answer of its own.
//! - Reads wait for no write, and no commit waits behind another on one connection.
//! - Changes are told to all nodes in the transaction that makes them ([`listen`](cloakroom::Store::subscribe)).
//! - An operation whose answer is lost is not repeated: it answers that its outcome is unknown.
//! - Six connections to the server, one for sweeps once there is one, and one for each change feed. Connect directly, or through
//!   a pooler that lends connections for whole sessions: statements are prepared.
//!
//! # Security
//! What was answered survives a crash of the server ([`Commit::Synchronous`]), unless the server itself runs without
//! `fsync`. A standby that takes over may lack the last moments, unless the server commits to it synchronously; what is
//! lost includes ends and renewals.
//!
//! `sslmode=require` asks for an encrypted connection to a server whose certificate is good for the name that was given, by
//! a root that this system trusts: there is no way to encrypt and not to verify.

mod builder;
mod column;
mod errand;
mod error;
mod feed;
mod inspection;
mod link;
mod names;
mod reader;
mod schema;
mod servers;
mod store;
mod sweep;
mod tls;
mod write;
mod writer;

pub use builder::{Commit, PostgresBuilder};
pub use error::{PostgresError, PostgresErrorKind};
pub use inspection::Inspection;
pub use store::PostgresStore;

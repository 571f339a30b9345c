//! Typed sessions for Rust web servers: fast, safe under concurrency and hard to steal, on any store.
//!
//! A visitor's browser keeps a small *key* in a cookie; everything else stays in a [`Store`]. What a session carries is a
//! type of yours, and a handler holds it as [`Session<V>`](Session):
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, MemoryStore, Session, SessionLayer, Sessions};
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
//! # pub
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?; // or SqliteStore::open("sessions.db")?
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! # }
//! ```
//!
//! # What holds
//! - `update` is atomic: of any number of concurrent updates none is lost, and what returned `Ok` is in the store.
//! - Nothing comes back from the dead: after `end`, `revoke` or a deadline no request in flight revives a session.
//! - `login` mints a fresh key with no grace; a key is never adopted from a client; a stolen store opens nothing.
//! - Keys are renewed on a timer without locking anybody out, and a copied key shows itself.
//! - A store that is down is an error, never a logged-out visitor or a new session.
//! - A visitor who changes nothing costs nothing: no record, no cookie, no store call on a route that ignores them.
//!
//! # The rooms
//! - [`Sessions`] is the manager of one kind of session, [`SessionsBuilder`] its policy: [`Lifetime`], [`Transport`] with
//!   [`CookiePolicy`], [`Codec`].
//! - [`Session`] is what a handler holds; [`RequestSession`] is one request's, for frameworks that have no integration yet.
//! - [`Store`] is the contract with the back; [`MemoryStore`] is one that needs nothing, and crate `cloakroom-sqlite` has one
//!   that lasts. [`BlockingStore`] adapts one that blocks, and [`blocking`] serves callers that block. [`Io`] is the one type of computation they all share.
//! - `encrypted_cookie` (feature `encrypted_cookie`) is for those who can have no store: the value in the cookie, encrypted, with fewer promises.
//! - [`protocol`] decides: pure functions, which a model checker runs through every race.
//!
//! # Features
//! None is on by default, and none changes what another does.
//! - `tower`: `SessionLayer` for any tower service
//! - `axum`: extractors `Session<V>`, `Option<Session<V>>`, `Sessions<V>`; implies `tower`
//! - `actix`: `SessionMiddleware` and extractors for actix-web
//! - `encrypted_cookie`: sessions in the cookie itself, for those who can have no store
//! - `user-agents`: `ClientInfo::device`, a user agent as people call it
//! - `tracing`: `TracingObserver`, every event for the `tracing` crate
//! - `metrics`: `MetricsObserver`, every event and store call for the `metrics` facade
//! - `tokio`: `TimeoutStore`, `BlockingStore::tokio`, and [`blocking`] that refuses to block a runtime's own threads

pub mod key;
pub mod observe;
pub mod policy;
pub mod protocol;
pub mod record;
pub mod store;
pub mod stores;
pub mod time;
pub mod value;

#[cfg(feature = "encrypted-cookie")]
pub mod encrypted_cookie;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod manager;
pub mod session;
pub mod sessions;
pub mod web;

pub use error::{ConfigError, Error, ErrorKind};
pub use http::{CookiePolicy, Transport};
pub use key::{Key, PublicId};
pub use policy::{Assurance, AuthRequirement, Lifetime, Login, Principal, SessionLimit};
pub use protocol::NoSession;
pub use session::Session;
pub use sessions::{RequestSession, Sessions, SessionsBuilder};
pub use store::{Io, Store, block_on};
pub use stores::MemoryStore;
pub use time::Timestamp;
pub use value::{Flash, SessionKind, SessionMap, SessionValue};
#[cfg(feature = "tower")]
pub use web::SessionLayer;
#[cfg(feature = "actix")]
pub use web::SessionMiddleware;

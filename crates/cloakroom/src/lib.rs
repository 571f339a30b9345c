//! Typed sessions for Rust web servers: safe under concurrency, hard to steal, fast, on any store
//! and framework.
//!
//! The browser keeps a small [key](Key) in a cookie, and the session's value stays in a [`Store`].
//! The value is a type of yours: a handler works with a [`Session<V>`](Session).
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! cloakroom = { version = "0.1", features = ["axum"] }
//! serde = { version = "1", features = ["derive"] }
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, MemoryStore, Session, SessionLayer, Sessions};
//! use serde::{Deserialize, Serialize};
//! use tokio::net::TcpListener;
//!
//! #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
//! struct Visitor {
//!     visits: u64,
//! }
//!
//! async fn count(mut session: Session<Visitor>) -> Result<String, Error> {
//!     let visits = session.update(|visitor| { visitor.visits += 1; visitor.visits }).await?;
//!     Ok(format!("Visit number {visits}\n"))
//! }
//!
//! #[tokio::main]
//! # pub
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     Ok(axum::serve(listener, app).await?)
//! }
//! # }
//! ```
//!
//! [`MemoryStore`] loses its sessions when the process ends. The crates `cloakroom-sqlite`,
//! `cloakroom-postgres` and `cloakroom-redis` have durable stores.
//!
//! # Guarantees
//! - `update` is atomic: no concurrent update is lost, and when it returns `Ok`, the store has the
//!   change.
//! - After a session has ended or expired, no request in flight revives it.
//! - `login` replaces the key at once. A key that the server did not mint is never adopted. A copy
//!   of the store opens no session.
//! - Keys are renewed on a timer without signing anyone out, and reuse of a retired
//!   key is noticed.
//! - If the store is down, requests fail; they neither lose their session nor begin a new one.
//! - A session that is not used costs nothing: no record, no cookie, no store call.
//!
//! # Modules
//! For applications, the names at the root are usually enough:
//! - [`Sessions`] sets sessions up; its [builder](SessionsBuilder) takes the [`Lifetime`], the
//!   [`Transport`] with its [`CookiePolicy`], the [`SessionLimit`] and more.
//! - [`Session`] is what a handler works with; [`Login`] says how a user signed in, and
//!   [`AuthRequirement`] what a sensitive step asks of that sign-in.
//! - [`stores`] has stores around stores, such as a cache; [`policy`], [`value`], [`session`] and
//!   [`http`] have the less common types, such as [`http::CrossOriginProtection`] against forms of
//!   other sites.
//!
//! For other audiences:
//! - Authors of stores: [`store`] is the contract, [`record`] what a store keeps, and
//!   [`stores::batch`] a queue that sends concurrent operations together. The suites of
//!   `cloakroom-testkit` test a store.
//! - Authors of framework integrations: [`RequestSession`] and [`http`].
//! - Operators: [`observe`] has the events, and observers for `tracing` and `metrics`.
//! - Blocking callers: [`block_on`] and [`Io::wait`].
//! - Checkers: [`protocol`] has every decision as a pure function, and every operation as steps.
//!
//! # Features
//! No feature is on by default, and no feature changes what another does.
//! - `axum`: the extractors `Session<V>`, `Option<Session<V>>` and `Sessions<V>`; implies `tower`
//! - `tower`: `SessionLayer`, for any tower service
//! - `actix`: `SessionMiddleware`, extractors and `SessionExt`, for actix-web; needs Rust 1.89
//! - `tokio`: `TimeoutStore`, `BlockingStore::tokio` and `DetachedSession::ended`
//! - `tracing`: `TracingObserver`, which logs every event
//! - `metrics`: `MetricsObserver`, which counts every event and times every store call
//! - `uuid`: a [`Principal`] from a `Uuid`
//! - `device-binding`: the module `device_binding`, which verifies that a request comes from the
//!   device that signed in
//! - `encrypted-cookie`: the module `encrypted_cookie`, for applications without a store: the value
//!   itself is in the cookie, encrypted, with fewer guarantees

#[cfg(feature = "device-binding")]
pub mod device_binding;
#[cfg(feature = "encrypted-cookie")]
pub mod encrypted_cookie;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod key;
mod manager;
pub mod observe;
pub mod policy;
pub mod protocol;
pub mod record;
pub mod session;
mod sessions;
pub mod store;
pub mod stores;
pub mod time;
pub mod value;
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
pub use web::{SessionExt, SessionMiddleware};

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
//! - [`Sessions`] is the manager of one kind of session, [`Builder`] its policy: [`Lifetime`], [`Transport`] with
//!   [`CookiePolicy`], [`Codec`].
//! - [`Session`] is what a handler holds; [`Visit`] is one request's, for frameworks that have no integration yet.
//! - [`Store`] is the contract with the back; [`MemoryStore`] is one that needs nothing, and crate `cloakroom-sqlite` has one
//!   that lasts. [`OnThread`] adapts one that blocks, and [`blocking`] serves callers that block. [`Io`] is the one type of computation they all share.
//! - `sealed` (feature `sealed`) is for those who can have no store: the value in the cookie, encrypted, with fewer promises.
//! - [`protocol`] decides: pure functions, which a model checker runs through every race.
//!
//! # Features
//! None is on by default, and none changes what another does.
//! - `tower`: `SessionLayer` for any tower service
//! - `axum`: extractors `Session<V>`, `Option<Session<V>>`, `Sessions<V>`; implies `tower`
//! - `actix`: `SessionMiddleware` and extractors for actix-web
//! - `sealed`: sessions in the cookie itself, for those who can have no store
//! - `user-agents`: `Client::device`, a user agent as people call it
//! - `tracing`: `Traced`, every event for the `tracing` crate
//! - `metrics`: `Measured`, every event and store call for the `metrics` facade
//! - `tokio`: `Timeout`, `OnThread::tokio`, and [`blocking`] that refuses to block a runtime's own threads

pub mod batch;
pub mod blocking;
#[doc(hidden)]
pub mod fuzzing;
pub mod protocol;
#[cfg(feature = "sealed")]
pub mod sealed;

mod attendance;
mod builder;
mod cached;
mod cell;
mod client;
mod codec;
mod cookie;
mod csrf;
mod entropy;
mod error;
mod flash;
mod freshness;
mod guesses;
mod header_map;
mod headers;
mod hex;
mod inheritance;
mod io;
mod key;
mod lifetime;
mod limit;
mod login;
mod manager;
mod map;
mod memory;
mod moving;
mod observed;
mod observer;
mod on_thread;
mod payload;
mod principal;
mod record;
mod session;
mod sessions;
mod store;
mod summary;
mod theft;
mod time;
mod transport;
mod turnstile;
mod value;
mod visit;

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "tokio")]
mod timeout;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "actix")]
pub use actix::SessionMiddleware;
pub use attendance::{Attendance, ParseStubError, Stub};
pub use builder::{Builder, ConfigError};
pub use cached::{Cached, CachedBuilder};
pub use client::{AddressRule, Client, ClientPolicy};
pub use codec::{Codec, CodecError, Json, OldPayload};
pub use cookie::{CookiePolicy, CookiePolicyError, SameSite};
pub use csrf::CsrfToken;
pub use entropy::{Entropy, OsEntropy};
pub use error::{Error, ErrorKind};
pub use flash::Flash;
pub use freshness::{Assurance, Freshness, Unmet};
pub use header_map::{Headers, HeadersMut};
pub use headers::ResponseHeaders;
pub use io::Io;
pub use key::{Key, KindTag, Lineage, Nonce, ParseIdError, ParseKeyError, Secret, SessionId, Verifier};
pub use lifetime::Lifetime;
pub use limit::Limit;
pub use login::Login;
pub use manager::UndecodablePolicy;
pub use map::Map;
pub use memory::{Directory, MemoryStore};
pub use moving::Moving;
pub use observed::Observed;
#[cfg(feature = "metrics")]
pub use observer::Measured;
#[cfg(feature = "tracing")]
pub use observer::Traced;
pub use observer::{Event, Level, Observer};
pub use on_thread::OnThread;
pub use payload::Payload;
pub use principal::{Principal, PrincipalError};
pub use protocol::Vacancy;
pub use record::{DecodeError, EndReason, Ending, Record, Revision, Stored, Tombstone};
pub use session::Session;
pub use sessions::Sessions;
pub use store::{
    Admission, Admitted, Brought, Call, Cursor, Ended, Entry, Inserted, Listener, Operation, Outcome, Page,
    ParseCursorError, Recalled, Scanned, Store, StoreError, StoreErrorKind, Swap, bring, judge_admission,
};
pub use summary::Summary;
pub use theft::TheftPolicy;
pub use time::{Clock, SystemClock, Timestamp};
#[cfg(feature = "tokio")]
pub use timeout::Timeout;
#[cfg(feature = "tower")]
pub use tower::{SessionFuture, SessionLayer, SessionService};
pub use transport::Transport;
pub use value::{DefaultKind, Kind, Value};
pub use visit::Visit;

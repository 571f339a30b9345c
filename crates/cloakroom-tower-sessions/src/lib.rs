//! Cloakroom's stores under [tower-sessions](https://docs.rs/tower-sessions) 0.14 and 0.15.
//!
//! An application that uses tower-sessions changes one line, the store, and keeps its handlers:
//!
//! ```no_run
//! use axum::{Router, http::StatusCode, routing::get};
//! use cloakroom_sqlite::SqliteStore; // or any other store, with or without `CachedStore`
//! use cloakroom_tower_sessions::TowerSessionStore;
//! use tower_sessions::{Expiry, Session, SessionManagerLayer, session::Error};
//!
//! async fn count(session: Session) -> Result<String, StatusCode> {
//!     let visits = visit(&session).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
//!     Ok(format!("Visit number {visits}"))
//! }
//!
//! async fn visit(session: &Session) -> Result<u64, Error> {
//!     let visits = session.get::<u64>("visits").await?.unwrap_or(0) + 1;
//!     session.insert("visits", visits).await?;
//!     Ok(visits)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let store = TowerSessionStore::new(SqliteStore::open("sessions.db")?)?;
//!     let expiry = Expiry::OnInactivity(time::Duration::hours(1));
//!     let layer = SessionManagerLayer::new(store).with_expiry(expiry);
//!     let app = Router::new().route("/", get(count)).layer(layer);
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! Sessions in the former store are moved when their visitors come back, and no one is signed out,
//! with one line more: [`import_from_0_14`](TowerSessionStore::import_from_0_14) or
//! [`import_from_0_15`](TowerSessionStore::import_from_0_15).
//!
//! [`ImportLayer`] is the next step: it imports each visitor's session into Cloakroom's own.
//!
//! # Versions
//! ```toml
//! cloakroom-sqlite = "0.1" # or another store
//! cloakroom-tower-sessions = "0.1"
//! ```
//!
//! These lines fit both versions. axum-login 0.18, axum-messages 0.8 and the stores that are
//! published next to tower-sessions need 0.14. To build one version only, which is five crates
//! fewer:
//!
//! ```toml
//! [dependencies.cloakroom-tower-sessions]
//! version = "0.1"
//! default-features = false
//! features = ["tower-sessions-0_14"] # or ["tower-sessions-0_15"]
//! ```
//!
//! Sessions that one version saved can be read with the other.
//!
//! # What improves
//! - **A stolen store opens nothing.** It holds neither ids nor cookies, only what they are checked
//!   against.
//! - **A sign-out holds.** A request in flight that saves after it is refused; tower-sessions' own
//!   stores bring the session back.
//! - **No id is adopted.** A save under an id that a client chose is refused.
//! - **An outage is an error**, never an empty session.
//! - Redis Cluster and Sentinel, a cache that learns of sign-outs on other nodes, and observers
//!   come with the stores.
//!
//! # What each call does
//! | call | effect | round trips |
//! |---|---|---|
//! | `create` | inserts the session; if its id is taken, by a live or an ended session, it gets another | 1 |
//! | `load` | `None` if it never existed, expired or ended; an error if the store cannot answer or the session cannot be read | 1 |
//! | `save` | writes data and expiry to a live session; otherwise an error, and nothing is created | 2 |
//! | `delete` | ends the session; success if there is none | 2 |
//! | `delete_expired` | removes expired sessions, a thousand at a time | 1 per thousand |
//!
//! While sessions are imported from another store, `load` and `delete` cost one round trip more.
//! A [`CachedStore`](cloakroom::stores::CachedStore) answers the first of two round trips. A lost
//! race costs a third. Only `PostgresStore` needs `delete_expired`: elsewhere new sessions remove
//! expired ones, or the server does.
//!
//! # What the trait cannot carry
//! - **No compare-and-swap.** Records have no revision: of two requests that change one session,
//!   the last save wins with its whole map. [`Session::update`](cloakroom::Session::update) loses
//!   nothing.
//! - **No principal.** Who is signed in is a value like any other, so there is no list of a user's
//!   sessions, no limit and no "sign out everywhere".
//! - **No reason.** Expired, ended and never existed are all `None`.
//! - **No second half of a key.** The id, 128 bits, is the whole secret. It is not renewed on a
//!   timer, and a copy goes unnoticed.
//!
//! # What the middleware decides
//! No store can change what tower-sessions' middleware does:
//! - Cookie attributes. And a tab that reads with an id that [`cycle_id`] replaced is told to drop
//!   the new cookie too.
//! - `cycle_id` deletes before it creates: a 5xx answer, or a client that leaves in between, loses
//!   the session with its sign-in. All changes of a 5xx are dropped.
//! - A save that is refused or fails is an empty 500, after the handler has run. That is the
//!   answer to a request in flight during a sign-out.
//! - `set_expiry` holds for one request: the next save uses the layer's expiry again.
//! - `OnInactivity` counts from the last change. With `always_save` every request loads and saves,
//!   and a made-up cookie creates a record.
//! - A session that is saved explicitly is saved once more. One that is deleted explicitly after a
//!   change is saved again, which is refused here with a 500: use `flush`.
//! - Of two cookies of one name it looks at one, which can be a planted one.
//! - `Id` prints itself in full with `{:?}`: keep it out of logs. An expired cookie logs a warning
//!   there.
//! - `CachingSessionStore` restores what was deleted on another node. Use
//!   [`CachedStore`](cloakroom::stores::CachedStore) around the store instead.
//! - `continuously_delete_expired`, which needs no feature here, stops at the first error. A loop
//!   of your own that calls `delete_expired` does not.
//!
//! [`cycle_id`]: https://docs.rs/tower-sessions/0.15/tower_sessions/struct.Session.html#method.cycle_id
#![cfg_attr(
    not(any(feature = "tower-sessions-0_14", feature = "tower-sessions-0_15")),
    expect(dead_code, reason = "only the traits of a version use it")
)]

mod error;
mod import;
mod key;
mod old_store;
mod state;
mod store;
mod versions;

pub use import::{ImportFuture, ImportLayer, ImportService};
pub use store::TowerSessionStore;

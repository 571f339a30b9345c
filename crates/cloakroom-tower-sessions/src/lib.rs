//! Cloakroom's stores under [tower-sessions](https://docs.rs/tower-sessions) 0.15.
//!
//! An application that uses tower-sessions changes one line, the store, and keeps its handlers:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom_sqlite::SqliteStore; // or MemoryStore, PostgresStore, RedisStore, any of them in `Cached`
//! use cloakroom_tower_sessions::TowerSessionStore;
//! use tower_sessions::{Expiry, Session, SessionManagerLayer, session::Error};
//!
//! async fn count(session: Session) -> Result<String, axum::http::StatusCode> {
//!     let visits = visit(&session).await.map_err(|_| axum::http::StatusCode::SERVICE_UNAVAILABLE)?;
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
//!     let layer = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(time::Duration::hours(1)));
//!     let app = Router::new().route("/", get(count)).layer(layer);
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! The way on, to sessions with all of Cloakroom's laws, is [`ImportLayer`]: it takes over each visitor's session when they come back.
//!
//! # What changes
//! - **A stolen store opens nothing.** It holds neither ids nor cookies, only what they can be checked against.
//! - **A logout holds.** A request in flight that saves after it is refused; with tower-sessions' own stores it brings the session back.
//! - **Nothing is adopted.** A save under an id that a client chose is refused.
//! - **An outage is an error**, never an empty session.
//! - Redis Cluster and Sentinels, a near cache that hears of logouts elsewhere, and observers come with the stores.
//!
//! # Their call, and what happens
//! | their call | here | round trips |
//! |---|---|---|
//! | `create` | the session is inserted; if its id is taken, by a session or one that has ended, it is given another | 1 |
//! | `load` | `None` for one that never was, expired or ended; an error if the store can't say | 1 |
//! | `save` | data and expiry are written to a session that lives; else an error, and nothing is created | 2 |
//! | `delete` | the session ends for good; one that is not there is success | 2 |
//! | `delete_expired` | expired sessions are removed, a thousand at a time | 1 per thousand |
//!
//! The first of two is answered by a near cache if there is one ([`Cached`](cloakroom::stores::CachedStore)). A lost race costs a third.
//! Only `PostgresStore` needs `delete_expired`: elsewhere new sessions take along what expired, or the server removes it.
//!
//! # What their trait can't carry
//! - **No compare-and-swap.** Their records have no revision: of two requests that change one session, the last to save wins with its
//!   whole map. [`Session::update`](cloakroom::Session::update) is what loses nothing.
//! - **No owner.** Who is signed in is a value among others, so there is no list of a user's sessions, no limit, no "log out everywhere".
//! - **No reason.** That a session expired, was ended or never was is `None` alike.
//! - **No second half of a key.** Their id, 128 bits, is the whole secret; there is no renewal on a timer and no copied key that shows itself.
//!
//! # What their middleware decides
//! No store can mend what is done around it:
//! - Cookies: attributes, and that a tab which reads with an id that [`cycle_id`] replaced is told to forget the new cookie too.
//! - `cycle_id` deletes before it creates: a 5xx answer, or a client that goes away in between, loses the session, login included. All changes of a 5xx are dropped.
//! - A save that is refused or fails is a bare 500, after the handler has run. That is what a request in flight over a logout is answered.
//! - `set_expiry` holds for one request: the next save goes by the layer's expiry again.
//! - `OnInactivity` counts from the last change. With `always_save` every request is a load and a save, and a bogus cookie makes a record.
//! - A session saved by hand is saved once more; one deleted by hand after a change is saved again, which is refused here with a 500. Use `flush`.
//! - Of two cookies of one name one is looked at, the planted one perhaps.
//! - `Id` prints itself whole with `{:?}`: keep it out of logs. An expired cookie is a warning there.
//! - Their `CachingSessionStore` puts back what was deleted elsewhere. Put [`Cached`](cloakroom::stores::CachedStore) around the store instead.
//! - Their loop `continuously_delete_expired` ends for good at the first error. Call `delete_expired` in a loop of your own that goes on.
//!
//! [`cycle_id`]: tower_sessions_core::Session::cycle_id

mod error;
mod import_legacy;
mod state;
mod store;
mod ticket;

pub use import_legacy::{ImportLayer, ImportService, InheritFuture};
pub use store::TowerSessionStore;

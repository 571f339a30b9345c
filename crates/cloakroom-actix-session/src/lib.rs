//! Cloakroom's stores under [actix-session](https://docs.rs/actix-session) 0.11.
//!
//! An application that uses actix-session changes one line, the store, and keeps its handlers:
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::cookie::Key;
//! use actix_web::{App, Error, HttpServer, web};
//! use cloakroom_actix_session::ActixSessionStore;
//! use cloakroom_sqlite::SqliteStore; // or any other store, with or without `CachedStore`
//!
//! async fn count(session: Session) -> Result<String, Error> {
//!     let visits = session.get::<u64>("visits")?.unwrap_or(0) + 1;
//!     session.insert("visits", visits)?;
//!     Ok(format!("Visit number {visits}"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let store = ActixSessionStore::new(SqliteStore::open("sessions.db")?)?;
//!     let key = Key::generate(); // load it from a file if cookies should outlive the process
//!     let server = HttpServer::new(move || {
//!         let sessions = SessionMiddleware::new(store.clone(), key.clone());
//!         App::new().wrap(sessions).route("/", web::get().to(count))
//!     });
//!     Ok(server.bind(("127.0.0.1", 3000))?.run().await?)
//! }
//! ```
//!
//! # The next actix-session
//! This crate is for 0.11. The main branch of actix-session, read in November 2026, changes what a
//! store is passed: the state is a map of JSON values (`serde_json::Map`), no longer of JSON texts.
//! Its list of changes names no other that concerns a store; it needs Rust 1.88.
//!
//! When it is released, a release of this crate will follow, with these changes:
//! - Its `ActixSessionStore` fits the new actix-session instead of 0.11. The constructors stay, so
//!   an application changes the two versions in its manifest and no line for the store.
//! - Records keep the texts that they have now, which are converted when they are read and written.
//!   So sessions stay, and servers of both releases can share a store during an update.
//!
//! The new stores of actix-session itself read what 0.11 saved; 0.11 cannot read what they save.
//!
//! # What improves
//! - **A stolen store opens nothing.** It holds a public id and a hash of the key, never the
//!   cookie.
//! - **A sign-out holds.** A request in flight that writes after it is refused; actix-session's
//!   Redis store saves everything again under a new key.
//! - **No key is adopted.** A key that this store did not issue opens and writes nothing, even if
//!   the cookie's signing key has leaked.
//! - **Sessions end.** The expiry is stored with the session; a cookie that is kept longer opens
//!   nothing.
//! - **An outage is an error**, within the store's own timeout, never an empty session.
//! - SQLite, PostgreSQL, Redis Cluster and Sentinel, a cache that learns of sign-outs on other
//!   nodes, and observers.
//!
//! # What each call does
//! | call | effect | round trips |
//! |---|---|---|
//! | `save` | creates a session under a new key | 1 |
//! | `load` | `None` if it never existed, expired or ended, or if the key is malformed; an error if the store cannot answer or the session cannot be read | 1 |
//! | `update` | writes state and expiry to a live session, and keeps the key; otherwise an error, and nothing is created | 2 |
//! | `update_ttl` | moves the expiry without writing the state; an error if the session is gone | 2 |
//! | `delete` | ends the session; success if there is none, an error if it cannot be read | 2 |
//!
//! A [`CachedStore`](cloakroom::stores::CachedStore) answers the first of two round trips. A lost
//! race costs a third. A malformed key costs none.
//!
//! If a session cannot be read, since another version wrote it or it is damaged, its visitor keeps
//! the key: reads find an empty state, and writes, `renew` and `purge` are answered 500. An
//! [`UnreadablePolicy`](cloakroom::policy::UnreadablePolicy) can set a damaged session aside, or
//! end it.
//!
//! # What the trait cannot carry
//! - **No compare-and-swap.** The state has no revision: of two requests that change one session,
//!   the last write wins with its whole map. [`Session::update`](cloakroom::Session::update) loses
//!   nothing.
//! - **No principal.** Who is signed in is a value like any other, so there is no list of a user's
//!   sessions, no limit and no "sign out everywhere".
//! - **No reason.** Expired, ended and never existed are all `None`.
//! - **No timed renewal.** Only `renew` makes a new key, and a copied key goes unnoticed.
//!
//! # What the middleware decides
//! No store can change what actix-session's middleware does:
//! - Cookies and their signing key: there is one key, so a new one signs everyone out.
//! - Every request with a cookie loads the session, even if no handler asks for it. During an
//!   outage all of these are answered 500.
//! - A cookie that opens nothing is never removed: each later request asks the store again.
//! - `renew` deletes before it saves: a failure in between loses the session, and a request that
//!   still has the old cookie begins a new one.
//! - A write that is refused or fails is an empty 500, after the handler has run. That is the
//!   answer to a request in flight during a sign-out; with `TtlExtensionPolicy::OnEveryRequest`
//!   also to one that only reads.
//! - `Session::update` and `update_or` on an existing entry change it for the request only and
//!   never save it. Use `insert`.
//! - `entries()` panics if it is held while something is inserted.
//! - actix-identity's `visit_deadline` writes the whole session on every request.

mod error;
mod state;
mod store;

pub use store::ActixSessionStore;

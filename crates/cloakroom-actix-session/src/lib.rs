//! Cloakroom's stores under [actix-session](https://docs.rs/actix-session) 0.11.
//!
//! An application that uses actix-session changes one line, the store, and keeps its handlers:
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::cookie::Key;
//! use actix_web::{App, Error, HttpServer, web};
//! use cloakroom_actix_session::ActixSessionStore;
//! use cloakroom_sqlite::SqliteStore; // or MemoryStore, PostgresStore, RedisStore, any of them in `Cached`
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
//!     let key = Key::generate(); // one that is kept, where cookies should outlive the process
//!     let server = HttpServer::new(move || {
//!         let sessions = SessionMiddleware::new(store.clone(), key.clone());
//!         App::new().wrap(sessions).route("/", web::get().to(count))
//!     });
//!     Ok(server.bind(("127.0.0.1", 3000))?.run().await?)
//! }
//! ```
//!
//! # What changes
//! - **A stolen store opens nothing.** It holds half a key in the clear and a hash of the whole, never the cookie.
//! - **A logout holds.** A request in flight that writes after it is refused; their Redis store saves everything again under a fresh key.
//! - **Nothing is adopted.** A key that this store did not give opens and writes nothing, whatever has become of the cookie's own key.
//! - **Sessions end.** The expiry is the session's, in the store; a cookie that is kept longer opens nothing. (Their cookie store has none.)
//! - **An outage is an error**, within the store's own patience, never an empty session.
//! - SQLite, PostgreSQL, Redis Cluster and Sentinels, a near cache that hears of logouts elsewhere, and observers.
//!
//! # Their call, and what happens
//! | their call | here | round trips |
//! |---|---|---|
//! | `save` | a new session under a key that is minted here | 1 |
//! | `load` | `None` for one that never was, expired or ended, and for what is no key; an error if the store can't say | 1 |
//! | `update` | state and expiry are written to a session that lives, and the key stays; else an error, and nothing is created | 2 |
//! | `update_ttl` | the expiry moves, the state is not written; an error if the session is gone | 2 |
//! | `delete` | the session ends for good; one that is not there is success, one that can't be read an error | 2 |
//!
//! The first of two is answered by a near cache if there is one ([`Cached`](cloakroom::stores::CachedStore)). A lost race costs a third. What is no key
//! costs none.
//!
//! # What their trait can't carry
//! - **No compare-and-swap.** Their state has no revision: of two requests that change one session, the last to write wins with its
//!   whole map. [`Session::update`](cloakroom::Session::update) is what loses nothing.
//! - **No owner.** Who is signed in is a value among others, so there is no list of a user's sessions, no limit, no "log out everywhere".
//! - **No reason.** That a session expired, was ended or never was is `None` alike.
//! - **No fresh key but by `renew`.** There is no renewal on a timer and no copied key that shows itself.
//!
//! # What their middleware decides
//! No store can mend what is done around it:
//! - Cookies, and their key: one key only, so a new one signs everybody out of it.
//! - Every request with a cookie loads the session, also where no handler asks for it; in an outage all of these are answered 500.
//! - A cookie that opens nothing is never removed: each later request asks the store in vain.
//! - `renew` deletes before it saves: what fails in between loses the session, and a request that still has the old cookie begins a new one.
//! - A write that is refused or fails is a bare 500, after the handler has run. That is what a request in flight over a logout is answered;
//!   with `TtlExtensionPolicy::OnEveryRequest` also one that only reads.
//! - `Session::update` and `update_or` on an entry that exists change it for the request alone: it is never saved. Use `insert`.
//! - `entries()` held while something is inserted panics.
//! - What `visit_deadline` of actix-identity notes is a write of the whole session at every request.

mod error;
mod state;
mod store;

pub use store::ActixSessionStore;

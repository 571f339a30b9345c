//! A durable session store in one SQLite file, for [Cloakroom](cloakroom).
//!
//! The file is created when it is first opened. An operator can read it with SQLite's own tools
//! while the server runs.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, Session, SessionLayer, Sessions};
//! use cloakroom_sqlite::SqliteStore;
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
//!     let sessions: Sessions<Visitor> = Sessions::new(SqliteStore::open("sessions.db")?)?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! # Guarantees
//! - **An acknowledged write survives** a crash of the process and a loss of power: the store uses
//!   SQLite's write-ahead log with `synchronous=FULL`, one fsync before the answer.
//!   [`SqliteBuilder::synchronous_normal`] trades that for speed.
//! - **Concurrent writes share one fsync.** One thread writes; operations that arrive while it
//!   waits for the disk are committed together in the next transaction. A lone write never waits
//!   for others.
//! - **Several processes on one machine can use one file.** SQLite arbitrates. A write that waits
//!   for another process fails after [five seconds](SqliteBuilder::timeout), time in the queue
//!   included. Network file systems are not supported.
//! - **A file that is replaced while it is open is not used.** Within a second, reads and writes
//!   fail with [`SqliteErrorKind::Replaced`]. A file that is overwritten in place is not noticed.
//! - **Readers never wait for writers.** Reads have threads of their own, and nothing here blocks
//!   an async runtime.
//! - **Expired rows are removed in small steps**: each write of a new session also removes up to
//!   two expired rows. [`Sessions::sweep`](cloakroom::Sessions::sweep) removes the rest, in steps
//!   between which other writes get their turn.
//! - **The file is private**: it is created with mode 0600. It holds hashes of keys, never a key;
//!   values are stored in clear text.
//!
//! # Next to other crates that use SQLite
//! An application can link one SQLite: cargo refuses two crates that bring different ones. This
//! crate works with rusqlite 0.32 to 0.43, and cargo chooses the one that suits the others:
//!
//! | next to | rusqlite | its SQLite |
//! |---|---|---|
//! | no other, or rusqlite 0.43 | 0.43 | 3.54 |
//! | diesel 2 | 0.40 | 3.53 |
//! | sqlx 0.9, sea-orm 2 | 0.39 | 3.51.3 |
//! | sqlx 0.8, sea-orm 1 | 0.32 | 3.46 |
//!
//! SQLite before 3.51.3 can, in rare cases, damage a file that is written over two connections at
//! once ([its explanation](https://sqlite.org/wal.html#walresetbug)). A store writes over one. With
//! such a version, open the file for writing once, in one process.
//!
//! If cargo says that a package "links to the native library `sqlite3`, but it conflicts with a
//! previous package", it names the other crate. What helps:
//! - That crate is too old, such as sqlx 0.7 or rusqlite 0.31: require a later version of it, from
//!   the table.
//! - It is a rusqlite that is too new: require `rusqlite = "0.43"`.
//! - The application uses `cloakroom-any`, and SQLite not for its sessions: leave this crate out,
//!   for example by
//!   `cloakroom-any = { version = "0.1", default-features = false, features = ["postgres"] }`.
//! - Otherwise the sessions need another store: a server, or [a store of your
//!   own](cloakroom::Store) over the SQLite that the application has.
//!
//! # The file
//! The table `session` has one row per session. The view `sessions` shows it in readable form:
//!
//! ```sh
//! sqlite3 -readonly sessions.db 'SELECT * FROM sessions'
//! ```
//!
//! | column of `session` | type | meaning |
//! |---|---|---|
//! | `id` | BLOB | the public id, 16 bytes |
//! | `principal` | TEXT | who is signed in; NULL if no one is |
//! | `created`, `signed_in` | INTEGER | when it was created, and the last sign-in (NULL: none) |
//! | `expires` | INTEGER | when the row expires, or up to a minute before that |
//! | `ended`, `reason` | INTEGER, TEXT | when and why it was ended; NULL while it is live |
//! | `revision`, `token` | INTEGER | number of writes and token of the last: for compare-and-swap |
//! | `record` | BLOB | deadlines, lifetime and verifiers; the columns above copy parts of it |
//! | `payload` | BLOB | format byte (1 is JSON), schema byte, then the value in its codec |
//!
//! Times are milliseconds since 1970-01-01 UTC. The table `sessions_by_principal` lists which
//! `principal` is signed in on which `id`, and `until` when the entry is needed. The table
//! `revocation` holds the moment (`before`) up to which a principal's sign-ins were revoked.
//!
//! It is safe to delete a row of `session` by hand: the session is then unknown. Do not change a
//! row.

mod builder;
mod error;
mod file;
mod inspection;
mod principal_index;
mod read;
mod read_only;
mod reader;
mod restore;
mod row;
mod schema;
mod store;
mod watch;
mod write;
mod writer;

pub use builder::SqliteBuilder;
pub use error::{SqliteError, SqliteErrorKind};
pub use inspection::Inspection;
pub use restore::Restore;
pub use store::SqliteStore;

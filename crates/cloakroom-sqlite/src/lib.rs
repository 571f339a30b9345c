//! Durable sessions in one SQLite file, for [Cloakroom](cloakroom).
//!
//! Nothing to set up: a file, created at first use, that loses nothing and that an operator can look into while the
//! server runs.
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
//! # What is promised
//! - **An answered write survives** the end of the process and the loss of power: SQLite's write-ahead log with
//!   `synchronous=FULL`, one fsync before the answer. A weaker promise has a [name](SqliteBuilder::synchronous_normal).
//! - **Concurrent writes share that fsync**: one thread writes, and whatever arrives while it waits for the disk is
//!   committed next, together. A lone write waits for nobody.
//! - **Several processes may use one file** on one machine. SQLite arbitrates; who waits longer than
//!   [five seconds](SqliteBuilder::timeout) for its turn is told so. Not over a network file system.
//! - **Readers never wait for writers.** A few threads read; nothing here blocks an async runtime.
//! - **What expired goes** bit by bit: each write of a new session takes two rows of garbage along, and
//!   [`Sessions::sweep`](cloakroom::Sessions::sweep) takes the rest, in steps that other writes get between.
//! - **The file is private**: created with mode 0600. It holds hashes of keys, never a key; values are in clear.
//!
//! # What is in the file
//! One row per session in the table `session`, of which the view `sessions` is a readable copy:
//!
//! ```sh
//! sqlite3 -readonly sessions.db 'SELECT * FROM sessions'
//! ```
//!
//! | column of `session` | type | meaning |
//! |---|---|---|
//! | `id` | BLOB | 16 bytes, the session's public name |
//! | `principal` | TEXT | who is signed in; NULL: nobody |
//! | `created`, `signed_in` | INTEGER | when it began, and when its visitor last signed in (NULL: never) |
//! | `expires` | INTEGER | from when on the row is garbage, or up to a minute before that; moves on as the session is used |
//! | `ended`, `reason` | INTEGER, TEXT | when and why it was ended; NULL while it lives |
//! | `revision`, `token` | INTEGER | how many writes it has seen, and the mark of the last: what compare-and-swap compares |
//! | `record` | BLOB | deadlines, lifetime and hashes of keys; the other columns are copies for SQL to search by |
//! | `payload` | BLOB | the value: a byte of format (1 is JSON), a byte of schema, then the codec's bytes |
//!
//! Times are milliseconds since 1970, UTC. The table `revocation` holds up to when (`before`) a principal's sign-ins were
//! revoked. The table `admission` lists which `principal` signed in on which `id`, and
//! `until` when that may matter. Deleting a row of `session` by hand is safe and ends the session without a word to its
//! holder; changing one is not.

mod builder;
mod directory;
mod error;
mod file;
mod inspection;
mod read;
mod reader;
mod row;
mod schema;
mod store;
mod write;
mod writer;

pub use builder::SqliteBuilder;
pub use error::{SqliteError, SqliteErrorKind};
pub use inspection::Inspection;
pub use store::SqliteStore;

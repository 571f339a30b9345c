//! Sessions in Redis or Valkey, for [`cloakroom`].
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use cloakroom::{Error, Session, SessionLayer, Sessions};
//! use cloakroom_redis::RedisStore;
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
//!     let sessions: Sessions<Visitor> = Sessions::new(RedisStore::connect("redis://127.0.0.1:6379").await?)?;
//!     let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! ```
//!
//! Redis from 6.2 on, or Valkey; it is tested on Redis 7, and was on Valkey 9.
//!
//! # What is promised
//! - Every operation on a session is one round trip. Compare-and-swap, touch and end are small scripts in the server.
//! - Operations that arrive while others are on the wire leave together with the next.
//! - Entries go by themselves five minutes after their time, by the server's clock: keep it in step with the application's.
//!   A [`sweep`](cloakroom::Store::sweep) goes through all keys, and is needed only where the clocks disagree.
//! - An operation whose answer is lost is not repeated: it answers that its outcome is unknown.
//!
//! # Security
//! What the server acknowledged is as durable as the server is told to be: with `appendfsync always` it survives the
//! process, with `everysec` the last second does not, and without a log nothing does. What is lost includes ends and
//! renewals: an ended session may live again. A replica that takes over may lack the last moments likewise.

mod builder;
mod driver;
mod error;
mod feed;
mod inspection;
mod keys;
mod link;
mod net;
mod node;
mod op;
mod script;
mod sentinel;
mod slots;
mod store;
mod walk;

pub use builder::RedisBuilder;
pub use error::{RedisError, RedisErrorKind};
pub use inspection::Inspection;
pub use store::RedisStore;

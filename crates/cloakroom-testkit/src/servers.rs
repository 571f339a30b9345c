//! Real servers for tests: private ones, on free ports and in directories of their own, ended with the test.
//!
//! They come from installed packages. A server that is missing is a failure that says what to install.

mod postgres;
mod process;
mod redis;

pub use postgres::Postgres;
pub use redis::Redis;

/// What a server keeps when it dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "as many as the server has")]
pub enum Durability {
    /// Nothing.
    #[default]
    None,
    /// All but the last second: the log is written to the disk once a second.
    EverySecond,
    /// All that was answered: the log is written to the disk before each answer.
    Always,
}

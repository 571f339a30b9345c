//! Real servers for tests: private ones, on free ports and in directories of their own, ended with the test.
//!
//! They come from installed packages. A server that is missing is a failure that says what to install.

pub mod chaos;

mod certificates;
mod cluster;

mod postgres;
mod process;
mod proxy;
mod redis;
mod sentinel;

pub use certificates::Certificates;
pub use cluster::RedisCluster;
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use redis::Redis;
pub use sentinel::RedisSentinel;

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

/// A server of a test's own that may be put through chaos.
pub trait Server {
    /// Where it is.
    fn url(&self) -> String {
        self.url_at(self.port())
    }

    /// Where it is for who reaches it through another port of this machine.
    fn url_at(&self, port: u16) -> String;

    /// The port it listens at.
    fn port(&self) -> u16;

    /// Kills it at once (`kill -9`), with all that works for it.
    fn kill(&mut self);

    /// Starts it again where it was, on what it kept; true once it answers.
    fn restart(&mut self) -> bool;

    /// Stops it where it is: connections stay, and nothing answers.
    fn freeze(&self);

    /// Lets it go on.
    fn thaw(&self);
}

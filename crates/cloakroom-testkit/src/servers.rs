//! Private Redis and PostgreSQL servers for tests.
//!
//! Each value starts real servers as child processes: [`Redis`] and [`Postgres`] one,
//! [`RedisCluster`] six, [`RedisSentinel`] a master, a replica and three sentinels. [`PgBouncer`]
//! pools connections to a PostgreSQL. They listen on free ports of 127.0.0.1 and keep their data in
//! a temporary directory. Dropping the value kills the servers and removes the directory; so does
//! the end of the test process, even if it is killed.
//!
//! The programs must be installed: `redis-server` (or what the environment variable
//! `CLOAKROOM_REDIS_SERVER` names), `valkey-server`, `redis-cli` for a cluster, `initdb` and
//! `postgres` for PostgreSQL, `pgbouncer`. `sh`, `ps` and `kill` are used to control them, and
//! `setpriv` to run PostgreSQL if the test runs as root.
//!
//! [`chaos`] has tests of what must hold of a store while its server fails. [`Proxy`] counts round
//! trips, and resets, delays or cuts connections, in one direction or both.
//!
//! # Panics
//! If a server cannot be started.

pub mod chaos;

mod certificates;
mod cluster;
mod pgbouncer;
mod postgres;
mod process;
mod proxy;
mod redis;
mod sentinel;

pub use certificates::Certificates;
pub use cluster::RedisCluster;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use postgres::Postgres;
pub use proxy::{Link, Proxy};
pub use redis::Redis;
pub use sentinel::RedisSentinel;

/// What a server keeps when it is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the levels that the servers have")]
pub enum Durability {
    /// Nothing.
    #[default]
    None,
    /// All but the last second: the log is synced to disk once a second.
    EverySecond,
    /// Everything that was acknowledged: the log is synced to disk before each answer.
    Always,
}

/// A private server that a test can kill, freeze and restart.
pub trait Server {
    /// The URL that a store connects to.
    fn url(&self) -> String {
        self.url_at(self.port())
    }

    /// The URL for clients that reach it through another local port, such as that of a [`Proxy`].
    fn url_at(&self, port: u16) -> String;

    /// The port it listens on.
    fn port(&self) -> u16;

    /// Kills it and its child processes with SIGKILL.
    fn kill(&mut self);

    /// Starts it again on the same port and data; true if it answers in time.
    fn restart(&mut self) -> bool;

    /// Suspends it (SIGSTOP): connections stay open, and nothing answers.
    fn freeze(&self);

    /// Resumes it (SIGCONT).
    fn thaw(&self);
}

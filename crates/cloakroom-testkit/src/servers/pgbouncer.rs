//! A private `pgbouncer`.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::postgres::{give_away, unprivileged_prefix};
use super::process::{Process, free_port, pause};
use super::{Postgres, Server as _};

/// When a connection of `pgbouncer` to the server can go to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the modes that pgbouncer has")]
pub enum PoolMode {
    /// When its client disconnects.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement; there are no transactions of several.
    Statement,
}

/// A private `pgbouncer` in front of a [`Postgres`].
///
/// The program `pgbouncer` must be installed.
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    port: u16,
    _directory: TempDir,
}

impl PgBouncer {
    /// Starts it in front of `server`, with at most `connections` connections to it.
    pub fn start(server: &Postgres, mode: PoolMode, connections: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        give_away(directory.path());
        for _ in 0..10 {
            let port = free_port();
            let file = directory.path().join("pgbouncer.ini");
            let settings = settings(server.port(), port, mode, connections, directory.path());
            fs::write(&file, settings).expect("a file of settings");
            fs::write(directory.path().join("users"), "\"test\" \"\"\n").expect("a file of users");
            let mut command = unprivileged_prefix();
            command.push(program());
            command.push(file.to_string_lossy().into_owned());
            let process = Process::start(&command, directory.path());
            let is_ready = (0..500).any(|_| {
                pause();
                TcpStream::connect(("127.0.0.1", port)).is_ok() || !process.is_running()
            });
            if is_ready && process.is_running() {
                return Self { _process: process, port, _directory: directory };
            }
        }
        panic!("cannot start PgBouncer: is `pgbouncer` installed?");
    }

    /// The URL that a store connects to.
    pub fn url(&self) -> String {
        format!("postgres://test@127.0.0.1:{}/postgres", self.port)
    }
}

fn settings(
    server: u16,
    port: u16,
    mode: PoolMode,
    connections: usize,
    directory: &Path,
) -> String {
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    let users = directory.join("users");
    format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = trust\n\
         auth_file = {}\n\
         pool_mode = {mode}\n\
         default_pool_size = {connections}\n\
         logfile = /dev/null\n",
        users.display()
    )
}

/// Where Debian puts it, which is not in the path of every user.
fn program() -> String {
    let found = Command::new("pgbouncer").arg("--version").output().is_ok();
    if found { "pgbouncer" } else { "/usr/sbin/pgbouncer" }.to_owned()
}

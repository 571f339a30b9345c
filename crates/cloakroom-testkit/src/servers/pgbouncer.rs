//! A private `pgbouncer`.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::postgres::{give_away, unprivileged_prefix};
use super::process::{Process, free_port, pause};
use super::{Postgres, Server};

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
    process: Option<Process>,
    port: u16,
    directory: TempDir,
}

impl PgBouncer {
    /// Starts it in front of `server`, with at most `connections` connections to it.
    pub fn start(server: &Postgres, mode: PoolMode, connections: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        give_away(directory.path());
        let mut this = Self { process: None, port: 0, directory };
        let started = (0..10).any(|_| {
            this.port = free_port();
            let place = this.directory.path();
            let settings = settings(server.port(), this.port, mode, connections, place);
            fs::write(this.file(), settings).expect("a file of settings");
            fs::write(place.join("users"), "\"test\" \"\"\n").expect("a file of users");
            this.restart()
        });
        assert!(started, "cannot start PgBouncer: is `pgbouncer` installed?");
        this
    }

    /// Its settings.
    fn file(&self) -> PathBuf {
        self.directory.path().join("pgbouncer.ini")
    }

    fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_running)
    }

    fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}

impl Server for PgBouncer {
    fn url_at(&self, port: u16) -> String {
        format!("postgres://test@127.0.0.1:{port}/postgres")
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn kill(&mut self) {
        self.process = None;
    }

    fn restart(&mut self) -> bool {
        let mut command = unprivileged_prefix();
        command.push(program());
        command.push(self.file().to_string_lossy().into_owned());
        self.process = Some(Process::start(&command, self.directory.path()));
        (0..500).any(|_| {
            pause();
            TcpStream::connect(("127.0.0.1", self.port)).is_ok() || !self.is_running()
        }) && self.is_running()
    }

    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
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
         max_client_conn = 1000\n\
         server_login_retry = 1\n\
         server_connect_timeout = 5\n\
         logfile = /dev/null\n",
        users.display()
    )
}

/// Where Debian puts it, which is not in the path of every user.
fn program() -> String {
    let found = Command::new("pgbouncer").arg("--version").output().is_ok();
    if found { "pgbouncer" } else { "/usr/sbin/pgbouncer" }.to_owned()
}

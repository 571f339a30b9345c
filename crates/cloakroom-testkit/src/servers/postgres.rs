//! A private PostgreSQL.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::{Process, free_port, pause};
use super::{Certificates, Durability, Server};

/// A private PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    durability: Durability,
    programs: PathBuf,
    is_encrypted: bool,
    directory: TempDir,
}

impl Postgres {
    /// Creates a database cluster, starts the server and waits until it answers.
    pub fn start(durability: Durability) -> Self {
        Self::start_with(durability, None)
    }

    /// The same with TLS.
    pub fn start_encrypted(durability: Durability, certificates: &Certificates) -> Self {
        Self::start_with(durability, Some(certificates))
    }

    fn start_with(durability: Durability, certificates: Option<&Certificates>) -> Self {
        let server = Self::new(durability, certificates.is_some());
        server.create();
        if let Some(certificates) = certificates {
            server.install(certificates);
        }
        server.start_on_a_free_port()
    }

    /// Has new connections use these certificates, as `pg_ctl reload` does. It takes a moment.
    pub fn rotate(&self, certificates: &Certificates) {
        self.install(certificates);
        self.process.as_ref().expect("it runs").signal("-HUP");
    }

    /// Starts a standby of this server: a copy that follows it until it is
    /// [promoted](Self::promote).
    pub fn start_standby(&self) -> Self {
        let standby = Self::new(self.durability, false);
        give_away(standby.directory.path());
        standby.copy(self);
        standby.start_on_a_free_port()
    }

    /// Makes this server, on its port, a standby of another one. What it had is gone.
    pub fn follow(&mut self, primary: &Self) {
        self.kill();
        fs::remove_dir_all(self.data()).expect("the data of this server");
        self.copy(primary);
        assert!(self.restart(), "cannot start the standby: {}", self.log());
    }

    /// Copies another server's data, with the word to follow it.
    fn copy(&self, primary: &Self) {
        let mut words = unprivileged_prefix();
        words.push(self.pg_basebackup().to_string_lossy().into_owned());
        let made = Command::new(&words[0])
            .args(&words[1..])
            .args(["-R", "-c", "fast", "-h", "127.0.0.1", "-U", "test", "-p"])
            .arg(primary.port.to_string())
            .arg("-D")
            .arg(self.data())
            .current_dir(self.directory.path())
            .output()
            .expect("pg_basebackup");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "cannot copy the server: {said}");
    }

    /// Turns this standby into a primary, and waits until it takes writes.
    ///
    /// The server that it followed does not hear of it, and still takes writes too: two primaries,
    /// as after a failover that did not stop the old one. What that one was asked just before may
    /// not have arrived here.
    ///
    /// ```no_run
    /// # use cloakroom_testkit::servers::{Durability, Postgres};
    /// let old = Postgres::start(Durability::None);
    /// // Here the application creates its tables.
    /// let new = old.start_standby();
    /// new.promote();
    /// let url = old.url_with(&new); // for a store, which must use the new one
    /// ```
    ///
    /// # Panics
    /// If this is no standby.
    pub fn promote(&self) {
        assert!(self.data().join("standby.signal").exists(), "it is no standby");
        // As `pg_ctl promote` does.
        fs::write(self.data().join("promote"), "").expect("a file");
        self.process.as_ref().expect("it runs").signal("-USR1");
        let in_time = (0..3_000).any(|_| {
            pause();
            self.is_in_production()
        });
        assert!(in_time, "it was not promoted: {}", self.log());
    }

    /// The URL that names this server and then another one.
    pub fn url_with(&self, other: &Self) -> String {
        let both = format!("127.0.0.1:{},127.0.0.1:{}", self.port, other.port);
        format!("postgres://test@{both}/postgres")
    }

    fn new(durability: Durability, is_encrypted: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let programs = programs().expect("PostgreSQL is installed, with `initdb` and `postgres`");
        Self { process: None, port: 0, durability, programs, is_encrypted, directory }
    }

    fn start_on_a_free_port(mut self) -> Self {
        let server = &mut self;
        let started = (0..10).any(|_| {
            server.port = free_port();
            server.restart()
        });
        assert!(started, "cannot start PostgreSQL: {}", self.log());
        self
    }

    /// The server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }

    fn create(&self) {
        give_away(self.directory.path());
        let mut words = unprivileged_prefix();
        words.push(self.programs.join("initdb").to_string_lossy().into_owned());
        let made = Command::new(&words[0])
            .args(&words[1..])
            .args(["-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "-N", "-D"])
            .arg(self.data())
            .current_dir(self.directory.path())
            .output()
            .expect("initdb");
        assert!(
            made.status.success(),
            "cannot create a database: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let settings = "logging_collector = off\nshared_buffers = 64MB\nmax_connections = 200\n";
        let file = self.data().join("postgresql.auto.conf");
        let appended = Command::new("sh")
            .args(["-c", "printf %s \"$1\" >>\"$2\"", "settings", settings])
            .arg(file)
            .status();
        assert!(appended.is_ok_and(|status| status.success()), "cannot write the settings");
    }

    /// Copies certificate and key. PostgreSQL insists that only its own user can read the key.
    fn install(&self, certificates: &Certificates) {
        let owner = unprivileged_prefix()
            .get(1)
            .and_then(|word| Some(word.strip_prefix("--reuid=")?.to_owned()));
        for (file, name) in
            [(certificates.certificate(), "server.crt"), (certificates.key(), "server.key")]
        {
            let to = self.data().join(name);
            fs::copy(file, &to).expect("a copy");
            let mut made = vec![Command::new("chmod")];
            made[0].arg("600");
            if let Some(owner) = &owner {
                let mut chown = Command::new("chown");
                chown.arg(owner);
                made.push(chown);
            }
            for mut command in made {
                assert!(
                    command.arg(&to).status().is_ok_and(|status| status.success()),
                    "{command:?}"
                );
            }
        }
    }

    /// Next to the other programs, or next to what they are links to.
    fn pg_basebackup(&self) -> PathBuf {
        let here = self.programs.join("pg_basebackup");
        let linked = fs::canonicalize(self.programs.join("initdb")).unwrap_or_default();
        if here.exists() { here } else { linked.with_file_name("pg_basebackup") }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Ready once it has written so to its pid file.
    fn answers(&self) -> bool {
        let is_ready = fs::read_to_string(self.data().join("postmaster.pid")).is_ok_and(|text| {
            text.lines().nth(7).is_some_and(|status| ["ready", "standby"].contains(&status.trim()))
        });
        is_ready && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// Whether it takes writes, by the state in its control file.
    fn is_in_production(&self) -> bool {
        const DB_IN_PRODUCTION: u32 = 6;
        let control = fs::read(self.data().join("global/pg_control")).unwrap_or_default();
        control.get(16..20) == Some(&DB_IN_PRODUCTION.to_ne_bytes())
    }

    /// Signals the server and its child processes.
    fn signal(&self, signal: &str) {
        let Some(process) = &self.process else { return };
        for child in process.children() {
            Process::signal_pid(signal, child);
        }
        process.signal(signal);
    }
}

impl Server for Postgres {
    fn url_at(&self, port: u16) -> String {
        format!("postgres://test@127.0.0.1:{port}/postgres")
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn kill(&mut self) {
        self.signal("-KILL");
        self.process = None;
    }

    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
    }

    fn restart(&mut self) -> bool {
        let port = self.port.to_string();
        let data = self.data().to_string_lossy().into_owned();
        let program = self.programs.join("postgres").to_string_lossy().into_owned();
        let words = [
            "-D",
            &data,
            "-p",
            &port,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            // A standby looks this often whether it was promoted.
            "-c",
            "wal_retrieve_retry_interval=100ms",
        ];
        let lasting: &[&str] = match self.durability {
            Durability::None => {
                &["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
            }
            Durability::EverySecond => {
                &["-c", "synchronous_commit=off", "-c", "wal_writer_delay=1s"]
            }
            Durability::Always => &[],
        };
        let mut command = unprivileged_prefix();
        command.push(program);
        let encrypted: &[&str] = if self.is_encrypted { &["-c", "ssl=on"] } else { &[] };
        command.extend(words.iter().chain(lasting).chain(encrypted).map(|word| (*word).to_owned()));
        // A child of a killed server blocks the new one until it notices, which takes as long as
        // the disk is busy.
        (0..1_000).any(|_| {
            self.process = Some(Process::start(&command, self.directory.path()));
            (0..200).any(|_| {
                pause();
                self.answers() || !self.process.as_ref().is_some_and(Process::is_running)
            }) && self.answers()
        })
    }
}

/// Makes a directory that of the user who runs the server.
pub(super) fn give_away(directory: &Path) {
    let words = unprivileged_prefix();
    if let Some(user) = words.get(1).and_then(|word| word.strip_prefix("--reuid=")) {
        let owned = Command::new("chown").arg(user).arg(directory).status();
        assert!(owned.is_ok_and(|status| status.success()), "cannot give {user} the directory");
    }
}

/// The words before a command: PostgreSQL refuses to run as root, so another user runs it then.
pub(super) fn unprivileged_prefix() -> Vec<String> {
    if id(&["-u"]).as_deref() != Some("0") {
        return Vec::new();
    }
    // An unpacked PostgreSQL has no user of its own.
    let user = if id(&["-u", "postgres"]).is_some() { "postgres" } else { "daemon" };
    let group = id(&["-g", user]).expect("every user has a group");
    let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
    vec!["setpriv".to_owned(), user, group, "--clear-groups".to_owned()]
}

/// What `id` prints; `None` if it fails.
fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// The directory of the newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let has_them =
        |directory: &Path| directory.join("initdb").exists() && directory.join("postgres").exists();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(directory) = std::env::split_paths(&path).find(|directory| has_them(directory)) {
        return Some(directory);
    }
    let below = |directory: &str, end: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path().join(end))
            .filter(|directory| has_them(directory))
            .collect()
    };
    let mut found = below("/usr/lib/postgresql", "bin");
    found.extend(below("/opt/homebrew/opt", "bin"));
    found.extend(below("/usr/local/opt", "bin"));
    found.sort_by_key(|directory| {
        let version = directory
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned());
        version.and_then(|name| name.trim_start_matches("postgresql@").parse::<u32>().ok())
    });
    found.pop()
}

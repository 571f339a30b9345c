//! A private Redis.

use tempfile::TempDir;

use super::process::{Process, free_port, pause, send_command};
use super::{Certificates, Durability, Server};

/// The program: `redis-server`, or what `CLOAKROOM_REDIS_SERVER` names, such as Valkey.
pub(super) fn program() -> String {
    std::env::var("CLOAKROOM_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

/// `valkey-server`, or what `CLOAKROOM_VALKEY_SERVER` names.
pub(super) fn valkey() -> String {
    std::env::var("CLOAKROOM_VALKEY_SERVER").unwrap_or_else(|_| "valkey-server".to_owned())
}

/// A private Redis server.
#[derive(Debug)]
pub struct Redis {
    program: String,
    process: Option<Process>,
    port: u16,
    durability: Durability,
    /// Extra arguments.
    extra: Vec<String>,
    directory: TempDir,
}

impl Redis {
    /// Starts a server and waits until it answers.
    pub fn start(durability: Durability) -> Self {
        Self::start_with(durability, &[])
    }

    /// The same with extra arguments, such as `--maxmemory 10mb`.
    pub fn start_with(durability: Durability, extra: &[&str]) -> Self {
        Self::start_program(&program(), durability, extra)
    }

    /// Starts a Valkey, which has a compare-and-set of its own since version 8.1.
    pub fn start_valkey(durability: Durability) -> Self {
        Self::start_program(&valkey(), durability, &[])
    }

    pub(super) fn start_program(program: &str, durability: Durability, extra: &[&str]) -> Self {
        let extra: Vec<String> = extra.iter().map(|word| (*word).to_owned()).collect();
        let mut directory = tempfile::tempdir().expect("a temporary directory");
        for _ in 0..10 {
            let mut server = Self {
                program: program.to_owned(),
                process: None,
                port: free_port(),
                durability,
                extra: extra.clone(),
                directory,
            };
            if server.restart() {
                return server;
            }
            // Another process took the port.
            directory = server.directory;
        }
        panic!("cannot start {program}: is it installed?");
    }

    /// The same with TLS on a second port, which is returned.
    pub fn start_encrypted(durability: Durability, certificates: &Certificates) -> (Self, u16) {
        let port = free_port();
        let (number, certificate, key) =
            (port.to_string(), certificates.certificate(), certificates.key());
        let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
        let words =
            ["--tls-port", &number, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        (Self::start_with(durability, &[&words[..], &["--tls-auth-clients", "no"]].concat()), port)
    }

    /// Has new connections use the certificate and the key in these files.
    pub fn rotate(&self, certificates: &Certificates) {
        let (certificate, key) = (certificates.certificate(), certificates.key());
        let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
        let set = format!("CONFIG SET tls-cert-file {certificate} tls-key-file {key}");
        assert_eq!(self.command(&set), "+OK\r\n");
    }

    /// Sends it a command, such as `SCRIPT FLUSH`; the first bytes of its answer.
    pub fn command(&self, command: &str) -> String {
        send_command(self.port, command).unwrap_or_default()
    }

    pub(super) fn is_master(&self) -> bool {
        self.command("ROLE").contains("\r\nmaster\r\n")
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.command("INFO REPLICATION").contains("master_link_status:up")
    }

    /// True once it has loaded its data.
    fn answers(&self) -> bool {
        send_command(self.port, "PING").is_ok_and(|answer| answer == "+PONG\r\n")
    }

    fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}

impl Server for Redis {
    fn url_at(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}")
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn kill(&mut self) {
        self.process = None;
    }

    fn freeze(&self) {
        self.signal("-STOP");
    }

    fn thaw(&self) {
        self.signal("-CONT");
    }

    fn restart(&mut self) -> bool {
        let (save, sync) = match self.durability {
            Durability::None => ("no", "no"),
            Durability::EverySecond => ("yes", "everysec"),
            Durability::Always => ("yes", "always"),
        };
        let port = self.port.to_string();
        let directory = self.directory.path().to_string_lossy();
        let command = [
            &self.program,
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            &directory,
            "--save",
            "",
            "--appendonly",
            save,
            "--appendfsync",
            sync,
            "--logfile",
            "log",
        ];
        let command = command.map(str::to_owned).into_iter().chain(self.extra.iter().cloned());
        self.process = Some(Process::start(&command.collect::<Vec<_>>(), self.directory.path()));
        (0..500).any(|_| {
            pause();
            self.answers() || !self.process.as_ref().is_some_and(Process::is_running)
        }) && self.answers()
    }
}

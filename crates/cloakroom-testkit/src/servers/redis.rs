//! A private Redis.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Process, free_port, pause};
use super::{Durability, Server};

/// A Redis of a test's own.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    durability: Durability,
    place: TempDir,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub fn start(durability: Durability) -> Self {
        let mut place = tempfile::tempdir().expect("a directory");
        for _ in 0..10 {
            let mut server = Self { process: None, port: free_port(), durability, place };
            if server.restart() {
                return server;
            }
            // Somebody else took the port.
            place = server.place;
        }
        panic!("no Redis could be started");
    }

    /// Says something to it, `SCRIPT FLUSH` for instance; the beginning of its answer.
    pub fn command(&self, command: &str) -> String {
        self.say(command).unwrap_or_default()
    }

    /// While it loads its data it answers something else.
    fn answers(&self) -> bool {
        self.say("PING").is_ok_and(|answer| answer == "+PONG\r\n")
    }

    fn say(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = [0; 1024];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
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
        let place = self.place.path().to_string_lossy();
        let command = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            &place,
            "--save",
            "",
            "--appendonly",
            save,
            "--appendfsync",
            sync,
            "--logfile",
            "log",
        ];
        self.process = Some(Process::start(&command.map(str::to_owned), self.place.path()));
        (0..500).any(|_| {
            pause();
            self.answers()
        })
    }
}

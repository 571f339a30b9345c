//! A demo of a test's own, on a free port, that ends with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::browser::Browser;

pub(crate) struct Server {
    pub(crate) process: Child,
    /// Kept open, so that the demo never writes to nobody.
    pub(crate) output: BufReader<ChildStdout>,
    url: String,
    /// What lets an operator in, once.
    operators: String,
    /// Where its file is, if it is this server's alone.
    place: Option<TempDir>,
}

impl Server {
    /// A demo on a file of its own.
    pub(crate) fn start() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let mut server = Self::start_on(&place.path().join("demo.db"));
        server.place = Some(place);
        server
    }

    /// A demo on this file.
    pub(crate) fn start_on(file: &Path) -> Self {
        Self::start_at(file, "127.0.0.1:0")
    }

    /// A demo on this file, at this address.
    pub(crate) fn start_at(file: &Path, address: &str) -> Self {
        Self::run(&mut command(&["demo", "--listen", address, "--store", &store_at(file)]))
    }

    /// A demo on the store at this URL, told some more.
    pub(crate) fn start_with(store: &str, arguments: &[&str]) -> Self {
        let demo = ["demo", "--listen", "127.0.0.1:0", "--store", store];
        Self::run(&mut command(&[&demo[..], arguments].concat()))
    }

    /// A demo on this file, started by a shell after `preparation`.
    #[cfg(unix)]
    pub(crate) fn start_after(preparation: &str, file: &Path) -> Self {
        let script =
            format!(r#"{preparation} && exec "$0" demo --listen 127.0.0.1:0 --store "$1""#);
        let mut shell = Command::new("sh");
        Self::run(shell.args(["-c", &script, env!("CARGO_BIN_EXE_cloakroom"), &store_at(file)]))
    }

    fn run(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut talk =
            BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let operators =
            talk.find_map(|line| Some(line.split_once("for operators, once: ")?.1.to_owned()));
        // Whatever it says later is nobody's concern, but somebody must take it.
        std::thread::spawn(move || talk.for_each(drop));
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut url = String::new();
        output.read_line(&mut url).expect("a line of text");
        let operators = operators.unwrap_or_default();
        Self { process, output, url: url.trim_end().to_owned(), operators, place: None }
    }

    /// A demo in memory, where time passes so many times as fast.
    pub(crate) fn start_fast(speed: &str) -> Self {
        Self::run(&mut command(&[
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--store",
            "memory:",
            "--speed",
            speed,
        ]))
    }

    /// The address that lets an operator in, once.
    pub(crate) fn operators(&self) -> &str {
        &self.operators
    }

    /// The store of a demo on a file of its own, as the tool is told.
    pub(crate) fn store(&self) -> String {
        store_at(&self.place.as_ref().expect("a file of its own").path().join("demo.db"))
    }

    /// Ends it as a crash would: nothing is finished, nothing is written back.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("an end");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").expect("plain HTTP");
        address.parse().expect("an address and a port")
    }

    /// A browser that was never here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.url.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn store_at(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments);
    command
}

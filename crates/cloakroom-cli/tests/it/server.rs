//! A demo process that belongs to one test, on a free port, and ends with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::browser::Browser;

pub(crate) struct Server {
    pub(crate) process: Child,
    /// Kept open: the demo must not write to a closed pipe.
    pub(crate) output: BufReader<ChildStdout>,
    url: String,
    /// The URL that signs the operator in, once.
    admin_url: String,
    /// What it said before that.
    messages: String,
    /// The directory of the store's file, if this server made it.
    directory: Option<TempDir>,
}

impl Server {
    /// Starts a demo on a new file.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let mut server = Self::start_on(&directory.path().join("demo.db"));
        server.directory = Some(directory);
        server
    }

    /// Starts a demo on this file.
    pub(crate) fn start_on(file: &Path) -> Self {
        Self::start_at(file, "127.0.0.1:0")
    }

    /// Starts a demo on this file, listening at this address.
    pub(crate) fn start_at(file: &Path, address: &str) -> Self {
        Self::run(&mut command(&["demo", "--listen", address, "--store", &store_url(file)]))
    }

    /// Starts a demo on this store, with more arguments.
    pub(crate) fn start_with(store: &str, arguments: &[&str]) -> Self {
        let demo = ["demo", "--listen", "127.0.0.1:0", "--store", store];
        Self::run(&mut command(&[&demo[..], arguments].concat()))
    }

    /// Starts a demo in memory, where time passes this many times as fast.
    pub(crate) fn start_fast(speed: &str) -> Self {
        Self::start_with("memory:", &["--speed", speed])
    }

    /// Starts a demo on this file from a shell that runs `preparation` first.
    #[cfg(unix)]
    pub(crate) fn start_after(preparation: &str, file: &Path) -> Self {
        let script =
            format!(r#"{preparation} && exec "$0" demo --listen 127.0.0.1:0 --store "$1""#);
        let mut shell = Command::new("sh");
        Self::run(shell.args(["-c", &script, env!("CARGO_BIN_EXE_cloakroom"), &store_url(file)]))
    }

    fn run(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut messages =
            BufReader::new(process.stderr.take().expect("pipe")).lines().map_while(Result::ok);
        let mut said = String::new();
        let admin_url = messages
            .find_map(|line| {
                said.push_str(&line);
                said.push('\n');
                let (_, url) = line.strip_prefix("note: admin page")?.split_once(": ")?;
                Some(url.to_owned())
            })
            .unwrap_or_default();
        // Nothing after that is needed, but the pipe must not fill up.
        std::thread::spawn(move || messages.for_each(drop));
        let mut output = BufReader::new(process.stdout.take().expect("pipe"));
        let mut url = String::new();
        output.read_line(&mut url).expect("the address in UTF-8");
        let url = url.trim_end().to_owned();
        Self { process, output, url, admin_url, messages: said, directory: None }
    }

    /// The URL that signs the operator in, once.
    pub(crate) fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// What it said before the operator's URL.
    pub(crate) fn messages(&self) -> &str {
        &self.messages
    }

    /// The URL of the store that [`Server::start`] made.
    pub(crate) fn store(&self) -> String {
        let directory = self.directory.as_ref().expect("started by `start`");
        store_url(&directory.path().join("demo.db"))
    }

    /// Kills the process, as a crash would.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").expect("plain HTTP");
        address.parse().expect("an IP address and a port")
    }

    /// A new browser without a cookie.
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

pub(crate) fn store_url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments);
    command
}

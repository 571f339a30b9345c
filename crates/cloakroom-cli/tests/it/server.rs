//! A demo of a test's own, on a free port, that ends with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::browser::Browser;

pub(crate) struct Server {
    pub(crate) process: Child,
    /// Kept open, so that the demo never writes to nobody.
    pub(crate) output: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut process = command(&["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut url = String::new();
        output.read_line(&mut url).expect("a line of text");
        Self { process, output, url: url.trim_end().to_owned() }
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

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments);
    command
}

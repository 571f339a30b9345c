//! A server's process, which ends with the value that stands for it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Failure;
use crate::contender::Contender;

/// The word that makes this program a server: `--serve CONTENDER THREADS`.
pub(crate) const SERVE: &str = "--serve";

/// A server that has told its port.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts the contender; what runs on node is in the directory `express`, and has one thread for JavaScript.
    pub(crate) fn start(contender: Contender, threads: u32, express: &Path) -> Result<Self, Failure> {
        let mut command = if contender.is_on_node() {
            let mut node = Command::new("node");
            node.arg("server.js").args(contender.keeps().then_some("sessions"));
            node.current_dir(express).env("NODE_ENV", "production");
            node
        } else {
            let mut own = Command::new(std::env::current_exe()?);
            own.args([SERVE, contender.name(), &threads.to_string()]);
            own
        };
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        // From here on it is ended whatever happens.
        let mut server = Self { child, port: 0 };
        let output = server.child.stdout.as_mut().ok_or("a server without output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        server.port = line.trim().parse().map_err(|_| format!("{} does not serve", contender.name()))?;
        Ok(server)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

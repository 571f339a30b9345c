//! `cargo xtask examples`: each example is built, tested, started, and used as a visitor would.

mod stories;
mod visitor;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use self::stories::STORIES;
use self::visitor::Visitor;
use crate::shell::{self, Failure};

pub(crate) fn run() -> Result<(), Failure> {
    shell::run(cargo(["fmt", "--all"]).args(["--", "--check"]))?;
    shell::run(cargo(["clippy", "--workspace", "--all-targets", "--locked"]).args(["--", "-D", "warnings"]))?;
    shell::run(&mut cargo(["build", "--workspace", "--locked"]))?;
    for (name, story) in STORIES {
        story(&mut Example::start(name)?).map_err(|why| Failure::Step(format!("example `{name}`: {why}")))?;
        eprintln!("  {name}: it answers as it should");
    }
    shell::run(&mut cargo(["test", "--workspace", "--locked"]))
}

/// The examples are a workspace of their own, as their readers' programs are.
fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = shell::cargo(args);
    command.current_dir(shell::root().join("examples")).env("CARGO_TARGET_DIR", target());
    command
}

fn target() -> std::path::PathBuf {
    shell::root().join("target/examples")
}

/// An example that runs, until it is dropped.
pub(crate) struct Example {
    name: &'static str,
    place: tempfile::TempDir,
    process: Child,
    port: u16,
}

impl Example {
    fn start(name: &'static str) -> Result<Self, Failure> {
        let place = tempfile::tempdir().map_err(|error| Failure::Step(error.to_string()))?;
        let (process, port) = launch(name, place.path())?;
        Ok(Self { name, place, process, port })
    }

    /// Kills it as hard as can be, and starts it again in the same place.
    fn restart(&mut self) -> Result<(), String> {
        self.stop();
        let (process, port) = launch(self.name, self.place.path()).map_err(|failure| failure.to_string())?;
        (self.process, self.port) = (process, port);
        Ok(())
    }

    /// Somebody who was never here.
    fn visitor(&self) -> Visitor {
        Visitor::at(self.port)
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts an example on a free port, which the address that it prints tells.
fn launch(name: &str, place: &std::path::Path) -> Result<(Child, u16), Failure> {
    let failed = |why: String| Failure::Step(format!("example `{name}`: {why}"));
    let program = target().join("debug").join(format!("example-{name}"));
    let mut command = Command::new(program);
    command.env("PORT", "0").current_dir(place).stdout(Stdio::piped());
    let mut process = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut address = String::new();
    let read = process.stdout.take().map(|out| BufReader::new(out).read_line(&mut address));
    let port = address.trim().rsplit(':').next().and_then(|port| port.parse().ok());
    if let (Some(Ok(_)), Some(port)) = (read, port) {
        return Ok((process, port));
    }
    let _ = process.kill();
    let _ = process.wait();
    Err(failed(format!("it printed no address but `{address}`")))
}

//! The processes of a contender.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use cloakroom_bench::Failure;
use cloakroom_bench::store::{NAME, Operation, Outcome};
use cloakroom_bench::valgrind::DRIVE;

/// The name of our stores.
pub(super) const CLOAKROOM: &str = "cloakroom";

/// A store, its place, and how it is opened.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    name: &'static str,
    program: PathBuf,
    place: String,
    setup: String,
}

/// What is asked of a contender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) operation: Operation,
    /// Workers in each process.
    pub(super) at_once: usize,
    pub(super) processes: usize,
}

/// Builds the program of `cloakroom-bench`, with all stores; its path.
pub(super) fn build_ours() -> Result<PathBuf, Failure> {
    let target = super::workspace().join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .current_dir(super::workspace())
        .args(["build", "--profile", "bench", "--locked", "-p", "cloakroom-bench", "--target-dir"])
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err(format!("`cloakroom-bench` cannot be built: {status}").into());
    }
    Ok(target.join("release/cloakroom-bench"))
}

impl Contender {
    pub(super) fn new(name: &'static str, program: &Path, place: &str, setup: &str) -> Self {
        Self { name, program: program.into(), place: place.into(), setup: setup.into() }
    }

    pub(super) fn with_setup(&self, setup: &str) -> Self {
        Self { setup: setup.into(), ..self.clone() }
    }

    pub(super) fn title(&self) -> String {
        format!("{}, {}", self.name, self.setup)
    }

    /// Begins all sessions.
    pub(super) fn fill(&self) -> Result<(), Failure> {
        let arguments = [DRIVE, NAME, self.name, "fill", &self.place, &self.setup];
        let status = Command::new(&self.program).args(arguments).status()?;
        if status.success() { Ok(()) } else { Err(self.failure("fill", &status.to_string())) }
    }

    /// Lets all processes work for so many milliseconds.
    pub(super) fn run(&self, case: Case, millis: usize) -> Result<Outcome, Failure> {
        self.run_under(&[], case, millis)
    }

    /// Runs under another program, whose command line is `words`.
    pub(super) fn run_under(
        &self,
        words: &[OsString],
        case: Case,
        millis: usize,
    ) -> Result<Outcome, Failure> {
        let start = |process| Worker::start(&mut self.command(words, case, process, millis));
        let workers = (0..case.processes).map(start).collect::<Result<Vec<_>, _>>()?;
        let mut workers = workers;
        for worker in &mut workers {
            let line = worker.line()?;
            if line != "ready" {
                return Err(self.failure("start", &line));
            }
        }
        for worker in &mut workers {
            worker.go()?;
        }
        let mut total: Option<Outcome> = None;
        for worker in &mut workers {
            let line = worker.line()?;
            let outcome: Outcome = serde_json::from_str(&line)
                .map_err(|_| self.failure("work", &format!("it printed `{line}`")))?;
            total = Some(total.map_or_else(|| outcome.clone(), |total| total.and(&outcome)));
        }
        for worker in &mut workers {
            // strace writes its summary when its child has ended.
            worker.child.wait()?;
        }
        total.ok_or_else(|| self.failure("work", "there is no process"))
    }

    fn command(&self, words: &[OsString], case: Case, process: usize, millis: usize) -> Command {
        let mut line = words.to_vec();
        line.push(self.program.clone().into());
        let numbers = [case.at_once, process, case.processes, millis].map(|n| n.to_string());
        let names = [DRIVE, NAME, self.name, "run", &self.place, &self.setup];
        line.extend(names.map(OsString::from));
        line.push(case.operation.name().into());
        line.extend(numbers.map(OsString::from));
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        command
    }

    fn failure(&self, step: &str, why: &str) -> Failure {
        format!("{} failed to {step}: {why}", self.title()).into()
    }
}

/// One process.
struct Worker {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("a process has no output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn go(&mut self) -> Result<(), Failure> {
        let mut input = self.child.stdin.take().ok_or("a process has no input")?;
        Ok(writeln!(input)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

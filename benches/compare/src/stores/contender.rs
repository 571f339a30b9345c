//! The processes of a contender.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom_bench::Failure;
use cloakroom_bench::child::Child;
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
        if status.success() {
            return Ok(());
        }
        Err(format!("{} cannot be filled: {status}", self.title()).into())
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
        let start = |process| Child::start(&mut self.command(words, case, process, millis));
        let mut children = (0..case.processes).map(start).collect::<Result<Vec<_>, _>>()?;
        for child in &mut children {
            if child.line()? != "ready" {
                return Err(format!("{} cannot be opened", self.title()).into());
            }
        }
        for child in &mut children {
            child.tell("go")?;
        }
        let outcomes = children.iter_mut().map(Child::json);
        let outcomes = outcomes.collect::<Result<Vec<Outcome>, _>>();
        let outcomes = outcomes.map_err(|wrong| format!("{}: {wrong}", self.title()))?;
        let total = outcomes.into_iter().reduce(|total, outcome| total.and(&outcome));
        total.ok_or_else(|| "there is no process".into())
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
}

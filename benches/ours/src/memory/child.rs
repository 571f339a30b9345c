//! A contender in a process of its own, so that its allocator serves no other.
//!
//! The child fills its store, prints what that took, and then answers each line of its standard
//! input, `mix store|whole THREADS MILLISECONDS`, with a line of JSON. It ends with its input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contender::{Contender, Way};
use super::drive::{self, Mixed};
use crate::Failure;
use crate::report::print_line;
use crate::valgrind::DRIVE;

/// The part of the bench that fills a store and asks it.
pub(super) const FILL: &str = "fill";

pub(super) fn serve<C: Contender>(sessions: usize) -> Result<(), Failure> {
    let (contender, filled) = drive::fill::<C>(sessions)?;
    answer(&filled)?;
    let contender = Arc::new(contender);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["mix", way, threads, millis] = words.as_slice() else {
            return Err(format!("no such command: `{line}`").into());
        };
        let (way, span) = (Way::parse(way)?, Duration::from_millis(millis.parse()?));
        answer(&drive::mix(&contender, sessions, way, threads.parse()?, span)?)?;
    }
    // Skips freeing millions of entries one by one.
    std::process::exit(0)
}

/// Prints one line for the parent.
pub(super) fn answer(found: &impl Serialize) -> Result<(), Failure> {
    print_line(&serde_json::to_string(found)?)
}

/// A child of this process.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    /// Closed to end the child.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// Starts this program to do a part of the bench.
    pub(super) fn start(words: &[&str]) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(DRIVE)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take();
        let answers = process.stdout.take().ok_or("a child has no output")?;
        Ok(Self { process, commands, answers: BufReader::new(answers) })
    }

    pub(super) fn mix(
        &mut self,
        way: Way,
        threads: usize,
        span: Duration,
    ) -> Result<Mixed, Failure> {
        let commands = self.commands.as_mut().ok_or("a child has no input")?;
        writeln!(commands, "mix {} {threads} {}", way.name(), span.as_millis())?;
        self.hear()
    }

    /// The next line that the child prints.
    pub(super) fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| format!("a child said `{}`", line.trim()).into())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.commands = None;
        // A failure of the child was reported when its answer was missing.
        let _ = self.process.wait();
    }
}

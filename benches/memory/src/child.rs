//! A contender in a process of its own, so that what an allocator keeps back is nobody else's.
//!
//! It fills itself, says what that took, and then does what each line on its standard input says:
//!
//! ```text
//! PROGRAM --child STORE SESSIONS
//! mix store|whole THREADS MILLISECONDS
//! ```
//!
//! Each answer is a line of JSON. The process ends with its input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::contender::{Contender, Kind, Way};
use crate::drive::{self, Filled, Mixed};
use crate::{limit, ours, theirs};

/// The argument with which the program is a contender.
pub(crate) const CHILD: &str = "--child";

/// Is the contender of this name.
pub(crate) fn run(name: &str, sessions: &str) -> Result<(), Failure> {
    let sessions = sessions.parse()?;
    match Kind::parse(name)? {
        Kind::Cloakroom => serve::<ours::Ours>(sessions),
        Kind::Limit => serve::<limit::Limit<64>>(sessions),
        Kind::Tower => serve::<theirs::Tower>(sessions),
        Kind::Moka => serve::<theirs::Moka>(sessions),
    }
}

fn serve<C: Contender>(sessions: usize) -> Result<(), Failure> {
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
    // Millions of entries need not be freed one by one.
    std::process::exit(0)
}

/// What the parent reads: one line.
pub(crate) fn answer(found: &impl Serialize) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(found)?)?;
    Ok(out.flush()?)
}

/// A child, as its parent holds it.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    /// Closed to end it.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// This program with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take();
        let answers = process.stdout.take().ok_or("a child has no output")?;
        Ok(Self { process, commands, answers: BufReader::new(answers) })
    }

    /// A store of this kind with so many sessions, and what filling it took.
    pub(crate) fn filled(kind: Kind, sessions: usize) -> Result<(Self, Filled), Failure> {
        let mut child = Self::start(&[CHILD, kind.name(), &sessions.to_string()])?;
        let filled = child.hear()?;
        Ok((child, filled))
    }

    pub(crate) fn mix(&mut self, way: Way, threads: usize, span: Duration) -> Result<Mixed, Failure> {
        let commands = self.commands.as_mut().ok_or("a child hears nothing more")?;
        writeln!(commands, "mix {} {threads} {}", way.name(), span.as_millis())?;
        self.hear()
    }

    /// The next line of what it says.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| format!("a child said `{}`", line.trim()).into())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.commands = None;
        // It ends by itself; a failure was heard already.
        let _ = self.process.wait();
    }
}

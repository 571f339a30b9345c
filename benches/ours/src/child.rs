//! A child process that prints lines and reads lines. It must end when its input ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::report::print_line;
use crate::valgrind::DRIVE;

/// Ends when dropped.
#[derive(Debug)]
pub struct Child {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// The command that does a part of a bench in a process of its own.
pub fn this_program(words: &[&str]) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(DRIVE).args(words);
    Ok(command)
}

/// Prints one line of JSON for the parent.
pub fn answer(found: &impl Serialize) -> Result<(), Failure> {
    print_line(&serde_json::to_string(found)?)
}

impl Child {
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("a child has no output")?;
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Writes one line.
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("a child has no input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// The next line that the child prints; empty if it has ended.
    pub fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The next line, which is JSON.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let line = self.line()?;
        serde_json::from_str(&line).map_err(|_| format!("a child printed `{line}`").into())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.input = None;
        // A failure of the child was reported when its line was missing.
        let _ = self.process.wait();
    }
}

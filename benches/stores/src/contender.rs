//! Who is measured: a program, its file, and how it opens it.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::drive::{Failure, Outcome};
use crate::ours;

/// A store in a process of its own.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) setup: String,
}

/// What is asked of a contender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    /// How many workers ask, each for one thing at a time.
    pub(crate) at_once: u32,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [
        Self { operation: UPDATE, at_once: 1 },
        Self { operation: UPDATE, at_once: 64 },
        Self { operation: "read", at_once: 1 },
        Self { operation: "read", at_once: 64 },
    ];

    pub(crate) fn is_update(self) -> bool {
        self.operation == UPDATE
    }
}

const UPDATE: &str = "update";

impl Contender {
    /// Ours; the peer as durable as ours; the peer unless told otherwise.
    pub(crate) fn all(peer: &Path, directory: &Path) -> Result<[Self; 3], Failure> {
        let contender = |name, program, file, setup: &str| Self {
            name,
            program,
            file: directory.join(file),
            setup: setup.into(),
        };
        Ok([
            contender("cloakroom-sqlite", std::env::current_exe()?, "ours.db", ours::DURABLE),
            contender("sqlx, WAL and FULL", peer.into(), "theirs.db", "1"),
            contender("sqlx, its defaults", peer.into(), "defaults.db", "default"),
        ])
    }

    /// The same with so many connections, which only the second of [`Contender::all`] lets be chosen.
    pub(crate) fn with_connections(&self, connections: u32) -> Self {
        Self { setup: connections.to_string(), ..self.clone() }
    }

    /// Makes the file.
    pub(crate) fn fill(&self) -> Result<(), Failure> {
        let arguments = ["fill".as_ref(), self.file.as_os_str(), self.setup.as_ref()];
        self.run(Command::new(&self.program).args(arguments)).map(drop)
    }

    /// Has it work for so many milliseconds.
    pub(crate) fn drive(&self, case: Case, millis: u32) -> Result<Outcome, Failure> {
        self.drive_under(&[], case, millis)
    }

    /// The same under another program, which is given as the words that come before the contender's own.
    pub(crate) fn drive_under(&self, words: &[&OsStr], case: Case, millis: u32) -> Result<Outcome, Failure> {
        let mut line: Vec<OsString> = words.iter().map(Into::into).collect();
        line.extend([self.program.clone().into(), "drive".into(), self.file.clone().into()]);
        line.extend([self.setup.clone(), case.operation.into()].map(Into::into));
        line.extend([case.at_once.to_string(), millis.to_string()].map(Into::into));
        let output = self.run(Command::new(&line[0]).args(&line[1..]))?;
        Ok(serde_json::from_slice(&output)?)
    }

    /// What it printed.
    fn run(&self, command: &mut Command) -> Result<Vec<u8>, Failure> {
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        std::io::stderr().lock().write_all(&output.stderr)?;
        Err(format!("{} failed: {}", self.name, output.status).into())
    }
}

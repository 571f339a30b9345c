//! The operator's commands: they read and change a store while the application uses it.

mod access;
mod check;
mod copy;
mod entry;
mod erase;
mod list;
mod manual;
mod output;
mod revoke;
mod scan;
mod show;
mod stats;
mod sweep;

use std::error::Error;
use std::fmt;

use clap::Subcommand;

pub(crate) use manual::{Completions, Man, completions, man};

/// A command on a store.
#[derive(Debug, Subcommand)]
pub(crate) enum Tool {
    List(list::Options),
    Show(show::Options),
    Revoke(revoke::Options),
    Erase(erase::Options),
    Sweep(sweep::Options),
    Stats(stats::Options),
    Check(check::Options),
    Copy(copy::Options),
}

impl Tool {
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::List(options) => list::run(options),
            Self::Show(options) => show::run(options),
            Self::Revoke(options) => revoke::run(options),
            Self::Erase(options) => erase::run(options),
            Self::Sweep(options) => sweep::run(options),
            Self::Stats(options) => stats::run(options),
            Self::Check(options) => check::run(options),
            Self::Copy(options) => copy::run(options),
        }
    }
}

/// A failure that has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitReason {
    NoSuchSession,
    ProblemsFound,
}

impl ExitReason {
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::NoSuchSession => 3,
            Self::ProblemsFound => 4,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchSession => "no such session",
            Self::ProblemsFound => "problems found",
        })
    }
}

impl Error for ExitReason {}

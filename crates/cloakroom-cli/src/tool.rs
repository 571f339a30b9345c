//! The operator's tool: looks into a store and acts on it, beside the application that uses it.

mod access;
mod check;
mod copy;
mod entry;
mod list;
mod manual;
mod output;
mod revoke;
mod show;
mod stats;
mod sweep;
mod walk;

use std::error::Error;
use std::fmt;

use clap::Subcommand;

pub(crate) use manual::{Completions, Man, completions, man};

/// What the tool does.
#[derive(Debug, Subcommand)]
pub(crate) enum Tool {
    List(list::Options),
    Show(show::Options),
    Revoke(revoke::Options),
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
            Self::Sweep(options) => sweep::run(options),
            Self::Stats(options) => stats::run(options),
            Self::Check(options) => check::run(options),
            Self::Copy(options) => copy::run(options),
        }
    }
}

/// An outcome with an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A session that was named is not there.
    NoSuchSession,
    /// Something is not as it should be.
    Problems,
}

impl Finding {
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::NoSuchSession => 3,
            Self::Problems => 4,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchSession => "there is no such session",
            Self::Problems => "there are problems",
        })
    }
}

impl Error for Finding {}

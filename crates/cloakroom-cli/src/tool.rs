//! The operator's commands: they read and change a store while the application uses it.

mod access;
mod check;
mod confirm;
mod copy;
mod entry;
mod erase;
mod list;
mod manual;
mod output;
mod resolve;
mod restore;
mod revoke;
mod scan;
mod show;
mod stats;
mod sweep;

use std::error::Error;
use std::fmt;

use clap::Subcommand;
use cloakroom_any::StoreUrl;

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
    Restore(restore::Options),
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
            Self::Restore(options) => restore::run(options),
        }
    }
}

/// A failure that has an exit code of its own.
#[derive(Debug)]
pub(crate) enum ExitReason {
    /// Arguments that are well formed, and cannot be carried out.
    InvalidArguments(String),
    NoSuchSession(String),
    ProblemsFound,
}

impl ExitReason {
    /// No session has this id, or an id that begins with it.
    pub(crate) fn no_session(id: impl fmt::Display, store: &StoreUrl) -> Self {
        Self::NoSuchSession(format!("no such session in {store}: {id}"))
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::InvalidArguments(_) => 2,
            Self::NoSuchSession(_) => 3,
            Self::ProblemsFound => 4,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArguments(text) | Self::NoSuchSession(text) => text,
            Self::ProblemsFound => "problems found",
        })
    }
}

impl Error for ExitReason {}

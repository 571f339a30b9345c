//! A store on a disk or a server, driven hard by a process of its own.
//!
//! `cloakroom-compare stores` starts these processes and compares them. A contender's process
//! opens its store, loads its share of the sessions, waits for a line on its standard input, works
//! for a while, prints its [`Outcome`], and fails if an answered write is missing afterwards.

mod drive;
#[cfg(feature = "stores")]
mod ours;

use std::io::Read as _;
use std::time::Duration;

use tokio::runtime::Builder;

pub use self::drive::{Contender, Operation, Outcome, SESSIONS, Share};
#[cfg(feature = "stores")]
pub use self::ours::OURS;
use crate::Failure;
use crate::child::answer;
use crate::report::print_line;

/// The bench's name on the command line.
pub const NAME: &str = "stores";

/// A store of this name, run by [`drive`].
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    run: fn(&[&str]) -> Result<(), Failure>,
}

impl Kind {
    #[must_use]
    pub const fn of<C: Contender>(name: &'static str) -> Self {
        Self { name, run: run::<C> }
    }
}

/// Is the contender that the words name; called in its own process.
pub fn drive(kinds: &[Kind], words: &[&str]) -> Result<(), Failure> {
    let (name, words) = words.split_first().ok_or("expected the name of a store")?;
    let kind = kinds.iter().find(|kind| kind.name == *name);
    (kind.ok_or_else(|| format!("no store is called `{name}`"))?.run)(words)
}

fn run<C: Contender>(words: &[&str]) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match *words {
        ["fill", place, setup] => {
            runtime.block_on(async { drive::fill(C::open(place, setup).await?).await })
        }
        ["run", place, setup, operation, at_once, process, processes, millis] => {
            let operation = Operation::parse(operation)?;
            let share = Share {
                at_once: at_once.parse()?,
                process: process.parse()?,
                processes: processes.parse()?,
            };
            let span = Duration::from_millis(millis.parse()?);
            let outcome = runtime.block_on(async {
                let store = C::open(place, setup).await?;
                drive::drive(store, operation, share, span, wait_for_parent).await
            })?;
            answer(&outcome)
        }
        _ => Err("expected `fill` or `run` with their arguments".into()),
    }
}

/// Tells the parent that all is ready, and waits until it has heard the same of all processes.
fn wait_for_parent() -> Result<(), Failure> {
    print_line("ready")?;
    Ok(std::io::stdin().lock().read_exact(&mut [0])?)
}

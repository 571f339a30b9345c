//! A store on a disk or a server, driven hard by a process of its own.
//!
//! `cloakroom-compare stores` starts these processes and compares them. A contender's process
//! opens its store, loads the sessions, works for a while, prints its [`Outcome`], and fails if an
//! answered write is missing afterwards.

mod drive;
#[cfg(feature = "stores")]
mod ours;

use std::time::Duration;

use tokio::runtime::Builder;

pub use self::drive::{Contender, Operation, Outcome};
#[cfg(feature = "stores")]
pub use self::ours::Ours;
use crate::Failure;
use crate::child::answer;

/// The bench's name on the command line.
pub const NAME: &str = "stores";

/// Fills a store or works on it; called in the contender's own process.
pub fn drive<C: Contender>(words: &[&str]) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match *words {
            ["fill", place, setup] => drive::fill(C::open(place, setup).await?).await,
            ["run", place, setup, operation, at_once, millis] => {
                let operation = Operation::parse(operation)?;
                let span = Duration::from_millis(millis.parse()?);
                let store = C::open(place, setup).await?;
                answer(&drive::drive(store, operation, at_once.parse()?, span).await?)
            }
            _ => Err("expected `fill` or `run` with their arguments".into()),
        }
    })
}

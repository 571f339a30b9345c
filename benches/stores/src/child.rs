//! A contender's own process; the peer's package compiles this file too, so that both are driven alike.
//!
//! ```text
//! CONTENDER fill FILE SETUP
//! CONTENDER drive FILE SETUP update|read AT_ONCE MILLISECONDS
//! ```
//!
//! The first makes the file. The second works on it for a while, prints one line of JSON ([`Outcome`](crate::drive::Outcome)), and fails if a
//! write that was answered is not there afterwards.

use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::drive::{Contender, Failure, Operation, drive};
use crate::visitor::SESSIONS;

/// A contender whose store is a file.
pub(crate) trait Program: Contender {
    /// Opens the file, which may not exist yet, in the way that `setup` names.
    fn open(file: &Path, setup: &str) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// Does what the arguments after `fill` or `drive` say.
pub(crate) fn run<C: Program>(arguments: &[&str]) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match *arguments {
        ["fill", file, setup] => runtime.block_on(fill::<C>(file.as_ref(), setup)),
        ["drive", file, setup, operation, at_once, millis] => {
            let operation = match operation {
                "read" => Operation::Read,
                "update" => Operation::Update,
                other => return Err(format!("no operation is called `{other}`").into()),
            };
            let span = Duration::from_millis(millis.parse()?);
            let outcome = runtime.block_on(async {
                let store = C::open(file.as_ref(), setup).await?;
                drive(store, operation, at_once.parse()?, span).await
            })?;
            Ok(writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&outcome)?)?)
        }
        _ => Err("expected `fill` or `drive` with their arguments".into()),
    }
}

async fn fill<C: Program>(file: &Path, setup: &str) -> Result<(), Failure> {
    let store = C::open(file, setup).await?;
    for number in 0..SESSIONS {
        store.create(number).await?;
    }
    Ok(())
}

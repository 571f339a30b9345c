//! `cloakroom sweep`: removes what is over.

use std::error::Error;

use cloakroom::Store;
use cloakroom::time::{Clock, SystemClock};
use serde::Serialize;

use super::access::Access;
use super::{output, walk};
use crate::terminal;

/// Remove sessions that have expired, and what is remembered of those that were ended long ago.
///
/// Applications do so bit by bit as they begin new sessions. This does it at once, in steps that let them go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// At most so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Swept {
    /// How many were removed, or would be.
    removed: usize,
    dry_run: bool,
}

/// Entries removed between two signs of life.
const STEP: usize = 1_000;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let limit = options.limit.unwrap_or(usize::MAX);
    let removed = if options.dry_run { count(options, limit)? } else { remove(options, limit)? };
    if options.access.json {
        output::object(&Swept { removed, dry_run: options.dry_run })?;
    } else {
        terminal::data(&format!(
            "{removed} {}",
            if options.dry_run { "would be removed" } else { "removed" }
        ))?;
    }
    Ok(())
}

fn count(options: &Options, limit: usize) -> Result<usize, Box<dyn Error>> {
    let (now, mut garbage) = (SystemClock.now(), 0);
    walk::all(&options.access.read()?, None, &mut |_, stored| {
        garbage += usize::from(stored.expires_at().has_passed(now));
        Ok(garbage < limit)
    })?;
    Ok(garbage.min(limit))
}

fn remove(options: &Options, limit: usize) -> Result<usize, Box<dyn Error>> {
    let store = options.access.write()?;
    let (now, progress) = (SystemClock.now(), output::progress("removed"));
    let mut removed = 0;
    while removed < limit {
        let step = STEP.min(limit - removed);
        let swept = store.sweep(now, step).wait()?;
        removed += swept;
        progress.inc(swept as u64);
        if swept < step {
            break;
        }
    }
    Ok(removed)
}

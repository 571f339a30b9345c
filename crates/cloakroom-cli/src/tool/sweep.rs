//! `cloakroom sweep`: removes what has expired.

use std::error::Error;

use cloakroom::Store;
use cloakroom::time::{Clock, SystemClock};
use serde::Serialize;

use super::access::Access;
use super::{output, scan};
use crate::terminal;

/// Remove expired sessions, and the tombstones of sessions ended more than a day ago
///
/// It works in small steps, so that the application can write in between.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The most entries to remove
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Report {
    /// How many entries were removed, or would be.
    removed: usize,
    dry_run: bool,
}

/// Entries removed in one step.
const STEP: usize = 1_000;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let limit = options.limit.unwrap_or(usize::MAX);
    let removed = if options.dry_run { count(options, limit)? } else { remove(options, limit)? };
    if options.access.json {
        output::object(&Report { removed, dry_run: options.dry_run })?;
    } else {
        let what = if options.dry_run { "would be removed" } else { "removed" };
        terminal::print_line(&format!("{removed} {what}"))?;
    }
    Ok(())
}

fn count(options: &Options, limit: usize) -> Result<usize, Box<dyn Error>> {
    let (now, mut expired) = (SystemClock.now(), 0);
    scan::all(&options.access.read_only()?, None, &mut |_, stored| {
        expired += usize::from(stored.expires_at().has_passed(now));
        Ok(expired < limit)
    })?;
    Ok(expired.min(limit))
}

fn remove(options: &Options, limit: usize) -> Result<usize, Box<dyn Error>> {
    let store = options.access.read_write()?;
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

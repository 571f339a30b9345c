//! `cloakroom copy`: copies every session of one store into another.

use std::error::Error;
use std::sync::Arc;

use cloakroom::record::Stored;
use cloakroom::store::{Cursor, StoreError};
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{PublicId, Store};
use cloakroom_any::StoreUrl;
use cloakroom_migrate::{Imported, import_entry};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;

use super::{ExitReason, output};
use crate::{store, terminal};

/// Copy every session into another store, and check that it arrived
///
/// Stop the application first: what it changes during the copy is not copied, though a second run
/// catches up. To migrate while it runs, use `cloakroom_migrate::MigratingStore` as its store.
///
/// The copy never replaces a session in the target by an older state, and never revives one that
/// was ended there, so it can be interrupted and repeated within a day. Stores remember ended
/// sessions for a day; after that, start again with an empty target. The reasons why sessions were
/// ended and the revocations of principals are not copied.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long, value_name = "URL", help = store::HELP)]
    from: store::StoreArg,
    /// The target store, a URL like --from; it is created if it does not exist
    #[arg(long, value_name = "URL", value_parser = target)]
    to: store::StoreArg,
    /// Continue from the place that an interrupted run printed on standard error
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn target(url: &str) -> Result<store::StoreArg, String> {
    let target = store::StoreArg::of(url);
    if target.url().is_ok_and(StoreUrl::is_memory) {
        return Err("a `memory:` store ends with this command, and the copies with it".to_owned());
    }
    Ok(target)
}

/// What became of the sessions.
#[derive(Default, Serialize)]
struct Report {
    /// Whether every session is in the target, at the same revision or a newer one.
    ok: bool,
    /// Were not in the target.
    new: u64,
    /// Were in the target in an older state, or have been ended since.
    updated: u64,
    /// Were in the target in the same state.
    unchanged: u64,
    /// Are in the target in a newer state, or ended there.
    newer: u64,
    /// Ended, and never in the target.
    skipped: u64,
    /// Could not be read and were not copied.
    unreadable: Vec<String>,
    /// Were copied, and read back differently.
    mismatched: Vec<String>,
}

/// Sessions read at once.
const PAGE: usize = 500;
/// Sessions written concurrently.
const CONCURRENCY: usize = 64;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (source, target) = (options.from.url()?, options.to.url()?);
    if source.is_same_store(target) {
        return Err(ExitReason::InvalidArguments(format!(
            "{source} and {target} are the same store: --to names another one"
        ))
        .into());
    }
    let from = store::open_read_only(&options.from)?;
    let to = store::block_on(target.open())??;
    let mut report = Report::default();
    let stopped = store::block_on(async {
        let mut copy = Copy { from, to, at: options.after.clone(), report: &mut report };
        tokio::select! {
            result = copy.run() => result.err().map(Stopped::Failed),
            _ = tokio::signal::ctrl_c() => Some(Stopped::Interrupted),
        }
        .map(|why| (why, copy.at.clone()))
    })?;
    if let Some((why, at)) = stopped {
        let resume = at.map(|at| format!(" with --after {at}")).unwrap_or_default();
        terminal::message(&format!(
            "stopped after {} sessions: run it again{resume}",
            report.total()
        ));
        return Err(match why {
            Stopped::Failed(error) => error.into(),
            Stopped::Interrupted => "interrupted".into(),
        });
    }
    report.ok = report.unreadable.is_empty() && report.mismatched.is_empty();
    let ok = report.ok;
    if options.json {
        output::object(&report)?;
    } else {
        output::facts(report.facts())?;
    }
    report.explain();
    if ok { Ok(()) } else { Err(ExitReason::ProblemsFound.into()) }
}

enum Stopped {
    Failed(StoreError),
    Interrupted,
}

struct Copy<'a> {
    from: Arc<dyn Store>,
    to: Arc<dyn Store>,
    /// Everything before this place has been copied.
    at: Option<Cursor>,
    report: &'a mut Report,
}

impl Copy<'_> {
    async fn run(&mut self) -> Result<(), StoreError> {
        let progress = output::progress("sessions copied");
        loop {
            let page = self.from.scan(self.at.as_ref(), PAGE).await?;
            let count = page.entries.len() as u64;
            self.report.unreadable.extend(page.unreadable.iter().map(ToString::to_string));
            let to = &*self.to;
            let copied: Vec<(PublicId, Imported, bool)> = stream::iter(page.entries)
                .map(|(id, stored)| copy_one(to, id, stored))
                .buffer_unordered(CONCURRENCY)
                .try_collect()
                .await?;
            for (id, outcome, is_right) in copied {
                self.report.count(id, outcome, is_right);
            }
            progress.inc(count);
            match page.next {
                Some(next) => self.at = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Copies one session and reads it back: the outcome, and whether the target is right now.
async fn copy_one(
    to: &dyn Store,
    id: PublicId,
    stored: Stored,
) -> Result<(PublicId, Imported, bool), StoreError> {
    let has_expired = stored.expires_at() <= SystemClock.now();
    let token = match &stored {
        Stored::Live(record) => Some(record.revision().token()),
        Stored::Ended(_) => None,
    };
    let outcome = import_entry(to, id, stored).await?;
    let is_right = match (token, to.get(id).await?, outcome) {
        // Each write has a token of its own.
        (
            Some(token),
            Some(Stored::Live(found)),
            Imported::Inserted | Imported::Updated | Imported::Unchanged,
        ) => found.revision().token() == token,
        (Some(_), _, Imported::KeptNewer | Imported::Skipped) => true,
        // An engine with its own expiry drops a session that has expired.
        (Some(_), found, _) => found.is_none() && has_expired,
        (None, found, _) => !matches!(found, Some(Stored::Live(_))),
    };
    Ok((id, outcome, is_right))
}

impl Report {
    fn count(&mut self, id: PublicId, outcome: Imported, is_right: bool) {
        match outcome {
            Imported::Inserted => self.new += 1,
            Imported::Updated => self.updated += 1,
            Imported::Unchanged => self.unchanged += 1,
            Imported::KeptNewer => self.newer += 1,
            Imported::Skipped => self.skipped += 1,
        }
        if !is_right {
            self.mismatched.push(id.to_string());
        }
    }

    fn total(&self) -> u64 {
        self.new + self.updated + self.unchanged + self.newer + self.skipped
    }

    /// Says why sessions were left, and what to do.
    fn explain(&self) {
        if !self.unreadable.is_empty() {
            terminal::message(
                "unreadable: damaged, or written by a later version of Cloakroom; they are still \
                 in the source",
            );
        }
        if !self.mismatched.is_empty() {
            terminal::message(
                "different: an application wrote to the target meanwhile; stop it and repeat the \
                 copy",
            );
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let list = |ids: &[String]| match ids {
            [] => "none".to_owned(),
            ids => format!("{}: {}", ids.len(), ids.join(" ")),
        };
        vec![
            ("copied", self.new.to_string()),
            ("updated", self.updated.to_string()),
            ("unchanged", self.unchanged.to_string()),
            ("newer in the target", self.newer.to_string()),
            ("ended, not copied", self.skipped.to_string()),
            ("unreadable, not copied", list(&self.unreadable)),
            ("different after copying", list(&self.mismatched)),
        ]
    }
}

//! `cloakroom revoke`: ends sessions from outside the application.

use std::error::Error;

use clap::ArgGroup;
use cloakroom::record::{EndReason, Stored};
use cloakroom::store::Ended;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId, Store, Timestamp, protocol};
use serde::Serialize;

use super::access::Access;
use super::entry::State;
use super::{ExitReason, list, output, scan};
use crate::terminal;

/// End sessions: their keys stop working, and their holders learn why
///
/// A request in flight can no longer write to an ended session.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The sessions to end
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<PublicId>,
    /// End every session of this principal
    #[arg(long, value_name = "NAME", value_parser = list::principal, group = "which")]
    principal: Option<Principal>,
    /// End every session in the store; requires --yes
    #[arg(long, group = "which")]
    all: bool,
    /// Keep this session
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    except: Option<PublicId>,
    /// Confirm --all
    #[arg(long)]
    yes: bool,
    /// Only show which sessions would be ended
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Line {
    id: String,
    outcome: Outcome,
}

/// What became of a session.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ended,
    WouldEnd,
    AlreadyEnded,
    NotFound,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.all && !options.yes && !options.dry_run {
        return Err(
            "--all ends every session in the store; add --yes to confirm, or --dry-run to see which"
                .into(),
        );
    }
    let store =
        if options.dry_run { options.access.read_only()? } else { options.access.read_write()? };
    let now = SystemClock.now();
    let json = options.access.json.then(output::Array::default);
    let mut report = Report { json, ended: 0, has_missing: false };
    if options.ids.is_empty() {
        let mut end_one = |id: PublicId, stored: Stored| {
            if Some(id) != options.except && State::of(&stored, now) == State::Live {
                report.add(id, end(&store, id, options.dry_run, now)?)?;
            }
            Ok(true)
        };
        match &options.principal {
            Some(principal) => scan::of_principal(&store, principal, None, &mut end_one)?,
            None => scan::all(&store, None, &mut end_one)?,
        };
    }
    for id in &options.ids {
        report.add(*id, end(&store, *id, options.dry_run, now)?)?;
    }
    report.finish(options.dry_run)
}

fn end(
    store: &dyn Store,
    id: PublicId,
    dry_run: bool,
    now: Timestamp,
) -> Result<Outcome, Box<dyn Error>> {
    if dry_run {
        return Ok(match store.get(id).wait()? {
            None => Outcome::NotFound,
            Some(Stored::Live(_)) => Outcome::WouldEnd,
            Some(Stored::Ended(_)) => Outcome::AlreadyEnded,
        });
    }
    Ok(match store.end(id, protocol::end(EndReason::Revoked, now)).wait()? {
        Ended::Now => Outcome::Ended,
        Ended::Already => Outcome::AlreadyEnded,
        Ended::Absent => Outcome::NotFound,
    })
}

/// Prints the outcomes as they come, and counts them.
struct Report {
    json: Option<output::Array>,
    ended: usize,
    has_missing: bool,
}

impl Report {
    fn add(&mut self, id: PublicId, outcome: Outcome) -> Result<(), Box<dyn Error>> {
        self.ended += usize::from(matches!(outcome, Outcome::Ended | Outcome::WouldEnd));
        self.has_missing |= outcome == Outcome::NotFound;
        match &mut self.json {
            Some(array) => array.push(&Line { id: id.to_string(), outcome })?,
            None => terminal::print_line(&format!(
                "{id} {}",
                match outcome {
                    Outcome::Ended => "ended",
                    Outcome::WouldEnd => "would be ended",
                    Outcome::AlreadyEnded => "already ended",
                    Outcome::NotFound => "not found",
                }
            ))?,
        }
        Ok(())
    }

    fn finish(self, dry_run: bool) -> Result<(), Box<dyn Error>> {
        if let Some(array) = self.json {
            array.finish()?;
        }
        let sessions = if self.ended == 1 { "session" } else { "sessions" };
        let ended = if dry_run { "would be ended" } else { "ended" };
        terminal::message(&format!("{} {sessions} {ended}", self.ended));
        if self.has_missing { Err(ExitReason::NoSuchSession.into()) } else { Ok(()) }
    }
}

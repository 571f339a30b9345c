//! `cloakroom revoke`: ends sessions from outside.

use std::error::Error;

use clap::ArgGroup;
use cloakroom::record::{EndReason, Stored};
use cloakroom::store::Ended;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId, Store, Timestamp, protocol};
use serde::Serialize;

use super::access::Access;
use super::entry::State;
use super::{Finding, list, output, walk};
use crate::terminal;

/// End sessions: their keys open nothing from then on, and their holders are told.
///
/// A request in flight writes nothing to a session that was ended.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// These sessions
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<PublicId>,
    /// All on which NAME is signed in
    #[arg(long, value_name = "NAME", value_parser = list::principal, group = "which")]
    principal: Option<Principal>,
    /// All there are; wants --yes
    #[arg(long, group = "which")]
    all: bool,
    /// All but this one
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    except: Option<PublicId>,
    /// End every session indeed
    #[arg(long)]
    yes: bool,
    /// Only say which sessions would be ended
    #[arg(long)]
    dry_run: bool,
}

/// What became of a session.
#[derive(Serialize)]
struct Report {
    id: String,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ended,
    WouldEnd,
    EndedBefore,
    Absent,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.all && !options.yes && !options.dry_run {
        return Err(
            "--all ends every session there is; add --yes to mean it, or --dry-run to look".into(),
        );
    }
    let store = if options.dry_run { options.access.read()? } else { options.access.write()? };
    let now = SystemClock.now();
    let mut told =
        Told { json: options.access.json.then(output::Array::default), count: 0, absent: false };
    if options.ids.is_empty() {
        let mut visit = |id: PublicId, stored: Stored| {
            if Some(id) != options.except && State::of(&stored, now) == State::Live {
                told.tell(id, end(&store, id, options.dry_run, now)?)?;
            }
            Ok(true)
        };
        match &options.principal {
            Some(principal) => walk::of_principal(&store, principal, None, &mut visit)?,
            None => walk::all(&store, None, &mut visit)?,
        };
    }
    for id in &options.ids {
        told.tell(*id, end(&store, *id, options.dry_run, now)?)?;
    }
    told.finish(options.dry_run)
}

fn end(
    store: &dyn Store,
    id: PublicId,
    dry_run: bool,
    now: Timestamp,
) -> Result<Outcome, Box<dyn Error>> {
    if dry_run {
        return Ok(match store.get(id).wait()? {
            None => Outcome::Absent,
            Some(Stored::Live(_)) => Outcome::WouldEnd,
            Some(Stored::Ended(_)) => Outcome::EndedBefore,
        });
    }
    Ok(match store.end(id, protocol::end(EndReason::Revoked, now)).wait()? {
        Ended::Now => Outcome::Ended,
        Ended::Already => Outcome::EndedBefore,
        Ended::Absent => Outcome::Absent,
    })
}

struct Told {
    json: Option<output::Array>,
    count: usize,
    absent: bool,
}

impl Told {
    fn tell(&mut self, id: PublicId, outcome: Outcome) -> Result<(), Box<dyn Error>> {
        self.count += usize::from(matches!(outcome, Outcome::Ended | Outcome::WouldEnd));
        self.absent |= outcome == Outcome::Absent;
        match &mut self.json {
            Some(array) => array.push(&Report { id: id.to_string(), outcome })?,
            None => terminal::data(&format!(
                "{id} {}",
                match outcome {
                    Outcome::Ended => "ended",
                    Outcome::WouldEnd => "would be ended",
                    Outcome::EndedBefore => "had been ended before",
                    Outcome::Absent => "is not there",
                }
            ))?,
        }
        Ok(())
    }

    fn finish(self, dry_run: bool) -> Result<(), Box<dyn Error>> {
        if let Some(array) = self.json {
            array.finish()?;
        }
        let sessions = if self.count == 1 { "session" } else { "sessions" };
        let done = if dry_run { "would be ended" } else { "ended" };
        terminal::talk(&format!("{} {sessions} {done}", self.count));
        if self.absent { Err(Finding::NoSuchSession.into()) } else { Ok(()) }
    }
}

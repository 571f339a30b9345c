//! `cloakroom revoke`: ends sessions from outside the application.

use std::error::Error;

use clap::ArgGroup;
use cloakroom::key::KindTag;
use cloakroom::record::{EndReason, Stored};
use cloakroom::store::Ended;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId, Store, Timestamp, protocol};
use serde::Serialize;

use super::access::Access;
use super::confirm::confirm;
use super::entry::State;
use super::resolve::{describe, resolve};
use super::{ExitReason, list, output, scan};
use crate::id_prefix::{Found, IdPrefix};
use crate::terminal;

/// End sessions: their keys stop working, and their holders learn that an operator ended them
///
/// A request in flight can no longer write to an ended session. On a terminal, the sessions are
/// shown and the command asks before it ends them; in a script it does not.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The sessions to end: their IDs, or the first 8 digits or more of each
    #[arg(value_name = "ID", group = "which")]
    ids: Vec<IdPrefix>,
    /// End every session of this principal
    #[arg(long, value_name = "NAME", value_parser = list::principal, group = "which")]
    principal: Option<Principal>,
    /// End every session in the store; requires --yes
    #[arg(long, group = "which")]
    all: bool,
    /// Of those, only sessions of the kind with this `SessionKind::NAME`; "" for the default
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    kind: Option<String>,
    /// Keep this session
    #[arg(long, value_name = "ID", conflicts_with = "ids")]
    except: Option<IdPrefix>,
    /// Confirm --all, and do not ask on a terminal
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
    /// Why it was ended, now or before.
    reason: Option<&'static str>,
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

/// Sessions shown before the question; the others are counted.
const SHOWN: usize = 10;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.all && !options.yes && !options.dry_run {
        return Err(ExitReason::InvalidArguments(format!(
            "--all ends every session in {}; add --yes to confirm, or --dry-run to see which",
            options.access.store.url()?
        ))
        .into());
    }
    let store =
        if options.dry_run { options.access.read_only()? } else { options.access.read_write()? };
    let command = Command { options, store: &*store, now: SystemClock.now() };
    if options.all { command.end_all() } else { command.end_some() }
}

struct Command<'a> {
    options: &'a Options,
    store: &'a dyn Store,
    now: Timestamp,
}

impl Command<'_> {
    /// Ends the sessions of the whole store as they are read: there can be too many to keep.
    fn end_all(&self) -> Result<(), Box<dyn Error>> {
        let (except, mut report) = (self.except()?, self.report());
        scan::all(self.store, None, &mut |id, stored| {
            if self.is_meant(id, &stored, except) {
                report.add(id.to_string(), self.end(id)?)?;
            }
            Ok(true)
        })?;
        report.finish(self.options)
    }

    /// Finds all sessions before it ends the first.
    fn end_some(&self) -> Result<(), Box<dyn Error>> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for digits in &self.options.ids {
            match resolve(self.store, digits)? {
                Some(session) => found.push(session),
                None => missing.push(digits),
            }
        }
        if let Some(principal) = &self.options.principal {
            let except = self.except()?;
            scan::of_principal(self.store, principal, self.kind(), None, &mut |id, stored| {
                if self.is_meant(id, &stored, except) {
                    found.push((id, Some(stored)));
                }
                Ok(true)
            })?;
        }
        self.ask(&found)?;
        let mut report = self.report();
        for (id, _) in found {
            report.add(id.to_string(), self.end(id)?)?;
        }
        for digits in missing {
            report.add(digits.to_string(), (Outcome::NotFound, None))?;
        }
        report.finish(self.options)
    }

    /// Shows which sessions would be ended and asks, if there are any and a person is there.
    fn ask(&self, found: &[Found]) -> Result<(), Box<dyn Error>> {
        let is_open = |stored: &Option<Stored>| !matches!(stored, Some(Stored::Ended(_)));
        let open: Vec<_> = found.iter().filter(|(_, stored)| is_open(stored)).collect();
        if self.options.yes || self.options.dry_run || open.is_empty() {
            return Ok(());
        }
        let shown = open.iter().take(SHOWN).map(|(id, stored)| describe(*id, stored.as_ref()));
        let mut lines: Vec<String> = shown.collect();
        if open.len() > SHOWN {
            lines.push(format!("and {} others", open.len() - SHOWN));
        }
        let those = if open.len() == 1 {
            "this session".to_owned()
        } else {
            format!("these {} sessions", open.len())
        };
        lines.push(format!("End {those}?"));
        confirm(&lines.join("\n"))
    }

    /// The session to keep.
    fn except(&self) -> Result<Option<PublicId>, Box<dyn Error>> {
        let Some(digits) = &self.options.except else { return Ok(None) };
        let url = self.options.access.store.url()?;
        let found = resolve(self.store, digits)?;
        // A mistyped exception must not end the session that was to be kept.
        let (id, _) = found.ok_or_else(|| ExitReason::no_session(digits, url))?;
        Ok(Some(id))
    }

    fn kind(&self) -> Option<KindTag> {
        self.options.kind.as_deref().map(KindTag::of)
    }

    fn is_meant(&self, id: PublicId, stored: &Stored, except: Option<PublicId>) -> bool {
        let is_of_kind = match (self.kind(), stored) {
            (Some(kind), Stored::Live(record)) => record.kind() == kind,
            _ => true,
        };
        Some(id) != except && is_of_kind && State::of(stored, self.now) == State::Live
    }

    fn end(&self, id: PublicId) -> Result<(Outcome, Option<EndReason>), Box<dyn Error>> {
        let reason_before = || -> Result<_, Box<dyn Error>> {
            Ok(match self.store.get(id).wait()? {
                Some(Stored::Ended(tombstone)) => Some(tombstone.ending().reason()),
                _ => None,
            })
        };
        if self.options.dry_run {
            return Ok(match self.store.get(id).wait()? {
                None => (Outcome::NotFound, None),
                Some(Stored::Live(_)) => (Outcome::WouldEnd, None),
                Some(Stored::Ended(_)) => (Outcome::AlreadyEnded, reason_before()?),
            });
        }
        Ok(match self.store.end(id, protocol::end(EndReason::Revoked, self.now)).wait()? {
            Ended::Now => (Outcome::Ended, Some(EndReason::Revoked)),
            Ended::Already => (Outcome::AlreadyEnded, reason_before()?),
            Ended::Absent => (Outcome::NotFound, None),
        })
    }

    fn report(&self) -> Report {
        let json = self.options.access.json.then(output::Array::default);
        Report { json, ended: 0, missing: Vec::new() }
    }
}

/// Prints the outcomes as they come, and counts them.
struct Report {
    json: Option<output::Array>,
    ended: usize,
    missing: Vec<String>,
}

impl Report {
    fn add(
        &mut self,
        id: String,
        (outcome, reason): (Outcome, Option<EndReason>),
    ) -> Result<(), Box<dyn Error>> {
        self.ended += usize::from(matches!(outcome, Outcome::Ended | Outcome::WouldEnd));
        let reason = reason.map(EndReason::as_str);
        match (&mut self.json, outcome) {
            (Some(array), _) => array.push(&Line { id: id.clone(), outcome, reason })?,
            (None, Outcome::Ended) => terminal::print_line(&format!("{id} ended"))?,
            (None, Outcome::WouldEnd) => terminal::print_line(&format!("{id} would be ended"))?,
            (None, Outcome::AlreadyEnded) => terminal::print_line(&format!(
                "{id} already ended ({})",
                reason.unwrap_or("for an unknown reason")
            ))?,
            (None, Outcome::NotFound) => terminal::print_line(&format!("{id} not found"))?,
        }
        if outcome == Outcome::NotFound {
            self.missing.push(id);
        }
        Ok(())
    }

    fn finish(self, options: &Options) -> Result<(), Box<dyn Error>> {
        if let Some(array) = self.json {
            array.finish()?;
        }
        let sessions = if self.ended == 1 { "session" } else { "sessions" };
        let done = if options.dry_run { "would be ended" } else { "ended" };
        let reason = match self.ended {
            0 => String::new(),
            _ => format!(" (reason: {})", EndReason::Revoked),
        };
        terminal::message(&format!("{} {sessions} {done}{reason}", self.ended));
        if self.missing.is_empty() {
            return Ok(());
        }
        let url = options.access.store.url()?;
        Err(ExitReason::no_session(self.missing.join(", "), url).into())
    }
}

//! `cloakroom list`: the sessions in a store.

use std::error::Error;
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::Stored;
use cloakroom::store::Cursor;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId, Timestamp};

use super::access::Access;
use super::entry::{self, Entry, IdFormat, State};
use super::{output, scan};
use crate::terminal;

/// List sessions
///
/// On a terminal, IDs are cut to 12 digits, which the other commands accept. When there are more
/// sessions than --limit, the option that continues the list is printed on standard error; in
/// Redis, which has no order, a list is continued by a larger --limit.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Only sessions of this principal
    #[arg(long, value_name = "NAME", value_parser = principal)]
    principal: Option<Principal>,
    /// Only live and expired sessions of the kind with this `SessionKind::NAME`; "" for the default
    #[arg(long, value_name = "NAME")]
    kind: Option<String>,
    /// Only sessions created at least this long ago, such as 90m, 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only sessions created less than this long ago; ended sessions count from their end
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
    /// Only sessions in this state; can be given several times
    #[arg(long, value_enum, default_values_t = [State::Live])]
    state: Vec<State>,
    /// The most sessions to list
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = limit)]
    limit: usize,
    /// Continue from the place that the previous part printed on standard error
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
}

pub(super) fn principal(name: &str) -> Result<Principal, String> {
    Principal::new(name).map_err(|error| error.to_string())
}

fn limit(count: &str) -> Result<usize, String> {
    match count.parse::<usize>() {
        Ok(0) => Err("a list has at least 1; `cloakroom stats` counts sessions".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = options.access.read_only()?;
    let now = SystemClock.now();
    let (filter, format) = (Filter::of(options, now), IdFormat::of_output());
    let mut array = options.access.json.then(output::Array::default);
    let (mut rows, mut count, mut has_more) = (Vec::new(), 0, false);
    let mut add = |id: PublicId, stored: Stored| {
        if !filter.matches(&stored) {
            return Ok(true);
        }
        if count == options.limit {
            has_more = true;
            return Ok(false);
        }
        count += 1;
        match &mut array {
            Some(array) => array.push(&Entry::new(id, &stored, now))?,
            None => rows.push(entry::cells(id, &stored, now, format)),
        }
        Ok(true)
    };
    let next = match &options.principal {
        Some(principal) => {
            let from = options.after.as_ref();
            scan::of_principal(&store, principal, filter.kind, from, &mut add)?
        }
        None => scan::all(&store, options.after.clone(), &mut add)?,
    };
    match array {
        Some(array) => array.finish()?,
        None if rows.is_empty() => {
            terminal::message(&format!("no such sessions in {}", options.access.store.url()?));
            if filter.kind.is_some() {
                // A store keeps a hash of the name, so no list of names can be offered.
                terminal::message(
                    "--kind is the application's `SessionKind::NAME`, as it is written",
                );
            }
        }
        None => output::table(entry::HEADINGS, rows)?,
    }
    match next.filter(|_| has_more) {
        Some(next) => terminal::message(&format!("there are more: --after {next}")),
        None if has_more => terminal::message("there are more: a larger --limit shows them"),
        None => {}
    }
    Ok(())
}

/// What the options ask for, apart from the principal.
struct Filter<'a> {
    states: &'a [State],
    kind: Option<KindTag>,
    older_than: Option<Duration>,
    newer_than: Option<Duration>,
    now: Timestamp,
}

impl<'a> Filter<'a> {
    fn of(options: &'a Options, now: Timestamp) -> Self {
        Self {
            states: &options.state,
            kind: options.kind.as_deref().map(KindTag::of),
            older_than: options.older_than,
            newer_than: options.newer_than,
            now,
        }
    }

    fn matches(&self, stored: &Stored) -> bool {
        let (since, is_of_kind) = match stored {
            Stored::Live(record) => {
                (record.created(), self.kind.is_none_or(|kind| record.kind() == kind))
            }
            // A tombstone has no kind.
            Stored::Ended(tombstone) => (tombstone.ending().at(), self.kind.is_none()),
        };
        let age = self.now.since(since);
        is_of_kind
            && self.states.contains(&State::of(stored, self.now))
            && self.older_than.is_none_or(|least| age >= least)
            && self.newer_than.is_none_or(|bound| age < bound)
    }
}

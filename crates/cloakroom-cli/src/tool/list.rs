//! `cloakroom list`: the sessions in a store.

use std::error::Error;

use cloakroom::record::Stored;
use cloakroom::store::Cursor;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId};

use super::access::Access;
use super::entry::{self, Entry, State};
use super::{output, scan};
use crate::terminal;

/// List sessions
///
/// When there are more than --limit, the option that continues the list is printed on standard
/// error.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Only sessions of this principal
    #[arg(long, value_name = "NAME", value_parser = principal)]
    principal: Option<Principal>,
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
    let mut array = options.access.json.then(output::Array::default);
    let (mut rows, mut count, mut has_more) = (Vec::new(), 0, false);
    let mut add = |id: PublicId, stored: Stored| {
        if !options.state.contains(&State::of(&stored, now)) {
            return Ok(true);
        }
        if count == options.limit {
            has_more = true;
            return Ok(false);
        }
        count += 1;
        match &mut array {
            Some(array) => array.push(&Entry::new(id, &stored, now))?,
            None => rows.push(entry::cells(id, &stored, now)),
        }
        Ok(true)
    };
    let next = match &options.principal {
        Some(principal) => scan::of_principal(&store, principal, options.after.as_ref(), &mut add)?,
        None => scan::all(&store, options.after.clone(), &mut add)?,
    };
    match array {
        Some(array) => array.finish()?,
        None if rows.is_empty() => terminal::message("no such sessions"),
        None => output::table(entry::HEADINGS, rows)?,
    }
    match next.filter(|_| has_more) {
        Some(next) => terminal::message(&format!("there are more: --after {next}")),
        None if has_more => terminal::message("there are more: a larger --limit shows them"),
        None => {}
    }
    Ok(())
}

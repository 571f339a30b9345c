//! `cloakroom list`: who is inside.

use std::error::Error;

use cloakroom::record::Stored;
use cloakroom::store::Cursor;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{Principal, PublicId};

use super::access::Access;
use super::entry::{self, Entry, State};
use super::{output, walk};
use crate::terminal;

/// List sessions.
///
/// Of a long list, a part; what to say for the next part is told on standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Only those on which NAME is signed in
    #[arg(long, value_name = "NAME", value_parser = principal)]
    principal: Option<Principal>,
    /// Which sessions; given several times, any of them
    #[arg(long, value_enum, default_values_t = [State::Live])]
    state: Vec<State>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    /// Go on from there: what the part before said on standard error
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
}

pub(super) fn principal(name: &str) -> Result<Principal, String> {
    Principal::new(name).map_err(|error| error.to_string())
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = options.access.read()?;
    let now = SystemClock.now();
    let mut array = options.access.json.then(output::Array::default);
    let (mut lines, mut count, mut more) = (Vec::new(), 0, false);
    let mut visit = |id: PublicId, stored: Stored| {
        if !options.state.contains(&State::of(&stored, now)) {
            return Ok(true);
        }
        if count == options.limit {
            more = true;
            return Ok(false);
        }
        count += 1;
        match &mut array {
            Some(array) => array.push(&Entry::new(id, &stored, now))?,
            None => lines.push(entry::cells(id, &stored, now)),
        }
        Ok(true)
    };
    let next = match &options.principal {
        Some(principal) => {
            walk::of_principal(&store, principal, options.after.as_ref(), &mut visit)?
        }
        None => walk::all(&store, options.after.clone(), &mut visit)?,
    };
    match array {
        Some(array) => array.finish()?,
        None if lines.is_empty() => terminal::talk("no such sessions"),
        None => output::table(entry::HEADINGS, lines)?,
    }
    match next.filter(|_| more) {
        Some(next) => terminal::talk(&format!("there are more: --after {next}")),
        None if more => terminal::talk("there are more: a larger --limit shows them"),
        None => {}
    }
    Ok(())
}

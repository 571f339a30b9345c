//! `cloakroom erase`: removes what a store keeps of a person.

use std::error::Error;

use cloakroom::{Principal, SessionMap, Sessions};
use serde::Serialize;

use super::access::Access;
use super::confirm::confirm;
use super::{list, output};
use crate::terminal;

/// Remove what the store keeps of a principal
///
/// Their sessions end, and sign-ins in progress are refused. A minute later the next sweep removes
/// the rest: values, index entries and revocations. A session that ended before names the principal
/// for up to a day.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Whose data to remove
    #[arg(value_name = "NAME", value_parser = list::principal)]
    principal: Principal,
    /// Do not ask for confirmation on a terminal
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Report {
    /// How many sessions were ended.
    ended: usize,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !options.yes {
        confirm(&format!("End every session of `{0}` and remove its data?", options.principal))?;
    }
    // Neither the kind nor the type of the values matters.
    let sessions: Sessions<SessionMap> = Sessions::new(options.access.read_write()?)?;
    let ended = cloakroom::store::block_on(sessions.erase(&options.principal))?;
    if options.access.json {
        output::object(&Report { ended })?;
    } else {
        let what = if ended == 1 { "session" } else { "sessions" };
        terminal::print_line(&format!("{ended} {what} ended"))?;
        terminal::message(
            "in a minute, `cloakroom sweep` or the application's own removes the rest",
        );
    }
    Ok(())
}

//! From the digits of an id to one session.

use std::error::Error;

use cloakroom::record::Stored;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{PublicId, Store};

use super::entry::{IdFormat, State};
use super::{ExitReason, entry};
use crate::id_prefix::{self, Found, IdPrefix};

/// Candidates listed for digits that several ids begin with.
const LISTED: usize = 10;

/// The session whose id begins with these digits, if there is one.
///
/// # Errors
/// [`ExitReason::InvalidArguments`] if several do.
pub(super) fn resolve(
    store: &dyn Store,
    digits: &IdPrefix,
) -> Result<Option<Found>, Box<dyn Error>> {
    let found = id_prefix::find(store, digits, LISTED + 1);
    let mut found = cloakroom::store::block_on(found)?;
    if found.len() > 1 {
        return Err(ExitReason::InvalidArguments(ambiguous(digits, &found)).into());
    }
    Ok(found.pop())
}

fn ambiguous(digits: &IdPrefix, found: &[Found]) -> String {
    let mut lines = vec![format!("several session IDs begin with `{digits}`; add digits:")];
    let listed = found.iter().take(LISTED);
    lines.extend(listed.map(|(id, stored)| format!("  {}", describe(*id, stored.as_ref()))));
    if found.len() > LISTED {
        lines.push("  and others".to_owned());
    }
    lines.join("\n")
}

/// A session in a line.
pub(super) fn describe(id: PublicId, stored: Option<&Stored>) -> String {
    let Some(stored) = stored else { return format!("{id}  cannot be read") };
    let now = SystemClock.now();
    let [_, _, principal, client, created, ..] = entry::cells(id, stored, now, IdFormat::Whole);
    let principal = if principal == "-" { "anonymous".to_owned() } else { principal };
    match State::of(stored, now) {
        State::Ended => format!("{id}  ended  {principal}"),
        state => format!("{id}  {}  {principal}, {client}, created {created}", state.as_str()),
    }
}

//! Going through a store entry by entry, a page at a time.

use std::error::Error;

use cloakroom::record::Stored;
use cloakroom::store::{Cursor, Page, StoreError};
use cloakroom::{Principal, PublicId, Store};

use super::output;
use crate::terminal;

/// Entries read at once.
const PAGE: usize = 500;

type Visit<'a> = dyn FnMut(PublicId, Stored) -> Result<bool, Box<dyn Error>> + 'a;

/// Shows every entry that can be read to `visit` until it answers false or there are no more; where it goes on, if it can and
/// was stopped.
pub(super) fn all(
    store: &dyn Store,
    from: Option<Cursor>,
    visit: &mut Visit<'_>,
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let mut unreadable = 0;
    let next = all_readable(store, from, visit, &mut |id| {
        terminal::talk(&format!("session {id} can't be read"));
        unreadable += 1;
    })?;
    if unreadable > 0 {
        terminal::talk(&format!("{unreadable} left out that can't be read"));
    }
    Ok(next)
}

/// The same, and those that can't be read to `unreadable`.
pub(super) fn all_readable(
    store: &dyn Store,
    from: Option<Cursor>,
    visit: &mut Visit<'_>,
    unreadable: &mut dyn FnMut(PublicId),
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let progress = output::progress("sessions read");
    let mut from = from;
    loop {
        let part = store.scan(from.as_ref(), PAGE).wait()?;
        part.unreadable.iter().copied().for_each(&mut *unreadable);
        for (used, (id, stored)) in part.entries.iter().enumerate() {
            if !visit(*id, stored.clone())? {
                return Ok(part.after(used, from.as_ref()));
            }
        }
        progress.inc(part.entries.len() as u64);
        from = part.next;
        if from.is_none() {
            return Ok(None);
        }
    }
}

/// Shows the sessions that are in a principal's directory and theirs to `visit`, until it answers false.
pub(super) fn of_principal(
    store: &dyn Store,
    principal: &Principal,
    from: Option<&Cursor>,
    visit: &mut Visit<'_>,
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let (mut page, mut last) = (Page::of_scan(from, PAGE)?, from.cloned());
    loop {
        let ids = store.sessions_of(principal, page).wait()?;
        for id in &ids {
            if let Some(stored) = theirs(store, principal, *id)?
                && !visit(*id, stored)?
            {
                return Ok(last);
            }
            last = Some((*id).into());
        }
        match ids.last() {
            Some(last) if ids.len() == PAGE => page = page.after(*last),
            _ => return Ok(None),
        }
    }
}

fn theirs(
    store: &dyn Store,
    principal: &Principal,
    id: PublicId,
) -> Result<Option<Stored>, StoreError> {
    Ok(store.get(id).wait()?.filter(|stored| match stored {
        Stored::Live(record) => record.principal() == Some(principal),
        Stored::Ended(tombstone) => tombstone.principal() == Some(principal),
    }))
}

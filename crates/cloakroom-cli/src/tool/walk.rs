//! Going through a store entry by entry, a page at a time.

use std::error::Error;

use cloakroom::{Page, Principal, SessionId, Store, StoreError, Stored};

use super::output;

/// Entries read at once.
const PAGE: usize = 500;

type Visit<'a> = dyn FnMut(SessionId, Stored) -> Result<bool, Box<dyn Error>> + 'a;

/// Shows every entry to `visit`, in order of id, until it answers false or there are no more.
pub(super) fn all(
    store: &dyn Store,
    after: Option<SessionId>,
    visit: &mut Visit<'_>,
) -> Result<(), Box<dyn Error>> {
    let progress = output::progress("sessions read");
    let mut page = starting(after);
    loop {
        let entries = store.scan(page).wait()?;
        let (count, last) = (entries.len(), entries.last().map(|(id, _)| *id));
        for (id, stored) in entries {
            if !visit(id, stored)? {
                return Ok(());
            }
        }
        progress.inc(count as u64);
        match last {
            Some(last) if count == PAGE => page = page.after(last),
            _ => return Ok(()),
        }
    }
}

/// Shows the sessions that are in a principal's directory and theirs to `visit`, until it answers false.
pub(super) fn of_principal(
    store: &dyn Store,
    principal: &Principal,
    after: Option<SessionId>,
    visit: &mut Visit<'_>,
) -> Result<(), Box<dyn Error>> {
    let mut page = starting(after);
    loop {
        let ids = store.ids_of(principal, page).wait()?;
        for id in &ids {
            if let Some(stored) = theirs(store, principal, *id)?
                && !visit(*id, stored)?
            {
                return Ok(());
            }
        }
        match ids.last() {
            Some(last) if ids.len() == PAGE => page = page.after(*last),
            _ => return Ok(()),
        }
    }
}

fn starting(after: Option<SessionId>) -> Page {
    let page = Page::first(PAGE);
    after.map_or(page, |after| page.after(after))
}

fn theirs(store: &dyn Store, principal: &Principal, id: SessionId) -> Result<Option<Stored>, StoreError> {
    Ok(store.get(id).wait()?.filter(|stored| match stored {
        Stored::Live(record) => record.principal() == Some(principal),
        Stored::Ended(tombstone) => tombstone.principal() == Some(principal),
    }))
}

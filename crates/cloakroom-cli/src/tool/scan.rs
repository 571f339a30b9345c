//! Reading a store session by session, a page at a time.

use std::error::Error;

use cloakroom::key::KindTag;
use cloakroom::record::Stored;
use cloakroom::store::{Cursor, Page, StoreError};
use cloakroom::{Principal, PublicId, Store};

use super::output;
use crate::terminal;

/// Sessions read at once.
const PAGE: usize = 500;

/// Called with each session; answers whether to go on.
type Callback<'a> = dyn FnMut(PublicId, Stored) -> Result<bool, Box<dyn Error>> + 'a;

/// Calls `each` with every readable session from `from` on. Reports the others on standard error.
///
/// Stops when `each` answers false, and returns the place to continue from.
pub(super) fn all(
    store: &dyn Store,
    from: Option<Cursor>,
    each: &mut Callback<'_>,
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let mut unreadable = 0;
    let next = all_readable(store, from, each, &mut |id| {
        terminal::message(&format!("session {id} cannot be read"));
        unreadable += 1;
    })?;
    if unreadable > 0 {
        terminal::message(&format!("{unreadable} unreadable sessions left out"));
    }
    Ok(next)
}

/// Like [`all`], and calls `unreadable` with the id of each session that cannot be read.
pub(super) fn all_readable(
    store: &dyn Store,
    mut from: Option<Cursor>,
    each: &mut Callback<'_>,
    unreadable: &mut dyn FnMut(PublicId),
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let progress = output::progress("sessions read");
    loop {
        let page = store.scan(from.as_ref(), PAGE).wait()?;
        page.unreadable.iter().copied().for_each(&mut *unreadable);
        for (used, (id, stored)) in page.entries.iter().enumerate() {
            if !each(*id, stored.clone())? {
                return Ok(page.after(used, from.as_ref()));
            }
        }
        progress.inc(page.entries.len() as u64);
        from = page.next;
        if from.is_none() {
            return Ok(None);
        }
    }
}

/// Calls `each` with every session of a principal, of this kind or of every kind, from `from` on,
/// until it answers false.
pub(super) fn of_principal(
    store: &dyn Store,
    principal: &Principal,
    kind: Option<KindTag>,
    from: Option<&Cursor>,
    each: &mut Callback<'_>,
) -> Result<Option<Cursor>, Box<dyn Error>> {
    let (mut page, mut last) = (Page::of_scan(from, PAGE)?, from.cloned());
    loop {
        let ids = store.sessions_of(principal, kind, page).wait()?;
        for id in &ids {
            if let Some(stored) = get_if_of(store, principal, *id)? {
                if !each(*id, stored)? {
                    return Ok(last);
                }
            }
            last = Some((*id).into());
        }
        match ids.last() {
            Some(last) if ids.len() == PAGE => page = page.after(*last),
            _ => return Ok(None),
        }
    }
}

/// The session, if it is the principal's: the index can list one that has since become another's.
fn get_if_of(
    store: &dyn Store,
    principal: &Principal,
    id: PublicId,
) -> Result<Option<Stored>, StoreError> {
    Ok(store.get(id).wait()?.filter(|stored| match stored {
        Stored::Live(record) => record.principal() == Some(principal),
        Stored::Ended(tombstone) => tombstone.principal() == Some(principal),
    }))
}

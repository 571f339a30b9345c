//! Records as a store outside the process keeps them.

use std::sync::Arc;

use cloakroom::record::Stored;
use cloakroom::{Io, MemoryStore, Sessions, Store as _};

use super::Prepared;
use super::baseline::{Facts, undecoded};
use crate::Failure;
use crate::visitor::Visitor;

fn visitor() -> Visitor {
    Visitor { visits: 7, ..Visitor::new(1_234_567) }
}

/// A session with a typed value, as a store is given it.
fn ours() -> Result<Stored, Failure> {
    let store = Arc::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(Arc::clone(&store))?;
    let id = Io::future(async move {
        let session = sessions.generate(visitor()).await?;
        session.id().ok_or_else(|| Failure::from("a new session has no id"))
    })
    .wait()?;
    store.get(id).wait()?.ok_or_else(|| "a new session is not in the store".into())
}

pub(super) fn ours_to_bytes() -> Result<Prepared, Failure> {
    let stored = ours()?;
    Ok(Prepared::new(stored.to_bytes()?.len(), move || stored.to_bytes()))
}

pub(super) fn ours_from_bytes() -> Result<Prepared, Failure> {
    let bytes = ours()?.to_bytes()?;
    Ok(Prepared::new(bytes.len(), move || Stored::from_bytes(&bytes)))
}

/// Decodes the value after the two bytes that name its format.
pub(super) fn ours_with_value() -> Result<Prepared, Failure> {
    let bytes = ours()?.to_bytes()?;
    Ok(Prepared::new(bytes.len(), move || {
        let stored = Stored::from_bytes(&bytes).ok()?;
        let Stored::Live(record) = &stored else { return None };
        let payload = record.payload().to_bytes().ok()??;
        let visitor: Visitor = serde_json::from_slice(payload.get(2..)?).ok()?;
        Some((stored, visitor))
    }))
}

pub(super) fn baseline_to_bytes() -> Result<Prepared, Failure> {
    let facts = Facts::of(visitor());
    let size = facts.to_bytes(0)?.len();
    Ok(Prepared::new(size, move || facts.to_bytes(size)))
}

pub(super) fn baseline_from_bytes() -> Result<Prepared, Failure> {
    let bytes = Facts::of(visitor()).to_bytes(0)?;
    Ok(Prepared::new(bytes.len(), move || undecoded(&bytes)))
}

pub(super) fn baseline_with_value() -> Result<Prepared, Failure> {
    let bytes = Facts::of(visitor()).to_bytes(0)?;
    Ok(Prepared::new(bytes.len(), move || Facts::<Visitor>::from_bytes(&bytes)))
}

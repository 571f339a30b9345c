//! Records as bytes: what a store outside the process is sent.

use std::sync::Arc;

use cloakroom::{Io, MemoryStore, Sessions, Store as _, Stored};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};

use crate::Failure;
use crate::case::Ready;
use crate::limit::{Bare, Facts};

/// The name under which the peer keeps the value among others.
const VISITOR: &str = "visitor";

/// As much as a small shop knows about a visitor: 104 bytes, and four short texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    visits: u64,
    name: String,
    language: String,
    theme: String,
    landing_page: String,
}

impl Visitor {
    fn new() -> Self {
        Self {
            visits: 7,
            name: "visitor-1234567".into(),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}

/// A session with a typed value, as a store is given it.
fn ours() -> Result<Stored, Failure> {
    let store = Arc::new(MemoryStore::new());
    let sessions: Sessions<Visitor> = Sessions::new(Arc::clone(&store))?;
    let id = Io::future(async move {
        let session = sessions.generate(Visitor::new()).await?;
        session.id().ok_or_else(|| Failure::from("a new session has no id"))
    })
    .wait()?;
    store.get(id).wait()?.ok_or_else(|| "a new session is gone".into())
}

fn theirs() -> Result<Record, Failure> {
    let expiry_date = OffsetDateTime::now_utc() + Duration::minutes(30);
    let mut record = Record { id: Id(1 << 100), data: [].into(), expiry_date };
    record.data.insert(VISITOR.into(), serde_json::to_value(Visitor::new())?);
    Ok(record)
}

pub(crate) fn ours_to_bytes() -> Result<Ready, Failure> {
    let stored = ours()?;
    Ok(Ready::new(stored.to_bytes()?.len(), move || stored.to_bytes()))
}

pub(crate) fn ours_from_bytes() -> Result<Ready, Failure> {
    let bytes = ours()?.to_bytes()?;
    Ok(Ready::new(bytes.len(), move || Stored::from_bytes(&bytes)))
}

/// With the value that a library's reader asks for: behind the two bytes that tell its format.
pub(crate) fn ours_with_value() -> Result<Ready, Failure> {
    let bytes = ours()?.to_bytes()?;
    Ok(Ready::new(bytes.len(), move || {
        let stored = Stored::from_bytes(&bytes).ok()?;
        let Stored::Live(record) = &stored else { return None };
        let payload = record.payload().to_bytes().ok()??;
        let visitor: Visitor = serde_json::from_slice(payload.get(2..)?).ok()?;
        Some((stored, visitor))
    }))
}

pub(crate) fn limit_to_bytes() -> Result<Ready, Failure> {
    let facts = Facts::of(Visitor::new());
    let size = facts.to_bytes(0)?.len();
    Ok(Ready::new(size, move || facts.to_bytes(size)))
}

pub(crate) fn limit_from_bytes() -> Result<Ready, Failure> {
    let bytes = Facts::of(Visitor::new()).to_bytes(0)?;
    Ok(Ready::new(bytes.len(), move || Bare::undecoded(&bytes)))
}

pub(crate) fn limit_with_value() -> Result<Ready, Failure> {
    let bytes = Facts::of(Visitor::new()).to_bytes(0)?;
    Ok(Ready::new(bytes.len(), move || Facts::<Visitor>::from_bytes(&bytes)))
}

pub(crate) fn rmp_to_bytes() -> Result<Ready, Failure> {
    let record = theirs()?;
    Ok(Ready::new(rmp_serde::to_vec(&record)?.len(), move || rmp_serde::to_vec(&record)))
}

pub(crate) fn json_to_bytes() -> Result<Ready, Failure> {
    let record = theirs()?;
    Ok(Ready::new(serde_json::to_vec(&record)?.len(), move || serde_json::to_vec(&record)))
}

pub(crate) fn rmp_with_value() -> Result<Ready, Failure> {
    let bytes = rmp_serde::to_vec(&theirs()?)?;
    Ok(Ready::new(bytes.len(), move || visitor(rmp_serde::from_slice(&bytes).ok()?)))
}

pub(crate) fn json_with_value() -> Result<Ready, Failure> {
    let bytes = serde_json::to_vec(&theirs()?)?;
    Ok(Ready::new(bytes.len(), move || visitor(serde_json::from_slice(&bytes).ok()?)))
}

/// What a `Session` of theirs reads a typed value by.
fn visitor(record: Record) -> Option<(Record, Visitor)> {
    let visitor = serde_json::from_value(record.data.get(VISITOR)?.clone()).ok()?;
    Some((record, visitor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_reads_what_it_wrote() {
        let facts = Facts::of(Visitor::new());
        let bytes = facts.to_bytes(0).unwrap();
        assert_eq!(Facts::<Visitor>::from_bytes(&bytes).unwrap(), facts);
        assert_eq!(
            Bare::undecoded(&bytes).unwrap().value.len(),
            serde_json::to_vec(&Visitor::new()).unwrap().len()
        );
        assert!((0..80).all(|cut| Facts::<Visitor>::from_bytes(&bytes[..cut]).is_none()));
    }

    #[test]
    fn the_peer_reads_what_it_wrote() {
        let bytes = rmp_serde::to_vec(&theirs().unwrap()).unwrap();
        let (_, read) = visitor(rmp_serde::from_slice(&bytes).unwrap()).unwrap();
        assert_eq!(read, Visitor::new());
    }
}

//! Sessions as rows, and back.

use std::sync::Arc;

use cloakroom::record::{DecodeError, Record, Revision, Stored, Tombstone};
use cloakroom::value::{CodecError, Payload};
use cloakroom::{Principal, Timestamp};

/// The columns of a live session.
pub(crate) struct Row {
    pub(crate) principal: Option<Principal>,
    pub(crate) created: i64,
    pub(crate) signed_in: Option<i64>,
    pub(crate) expires: i64,
    pub(crate) revision: i64,
    pub(crate) token: i64,
    pub(crate) head: Vec<u8>,
    pub(crate) payload: Option<Arc<[u8]>>,
}

impl Row {
    pub(crate) fn new(record: Record) -> Result<Self, CodecError> {
        let (revision, token) = revision_columns(record.revision());
        Ok(Self {
            principal: record.principal().cloned(),
            created: millis(record.created()),
            signed_in: record.authenticated_at().map(millis),
            expires: millis(record.expires_at()),
            revision,
            token,
            payload: record.payload().to_bytes()?,
            head: Stored::Live(record).to_head(),
        })
    }

    /// The approximate size in memory and in the file.
    pub(crate) fn bytes(&self) -> usize {
        self.head.len() + self.payload.as_ref().map_or(0, |payload| payload.len())
    }
}

/// The columns that change when a session is ended.
pub(crate) struct TombstoneRow {
    pub(crate) expires: i64,
    pub(crate) ended: i64,
    pub(crate) reason: String,
    pub(crate) head: Vec<u8>,
}

impl TombstoneRow {
    pub(crate) fn new(tombstone: Tombstone) -> Self {
        let ending = tombstone.ending();
        Self {
            expires: millis(ending.keep_until()),
            ended: millis(ending.at()),
            reason: ending.reason().to_string(),
            head: Stored::Ended(tombstone).to_head(),
        }
    }
}

/// Decodes the columns `record` and `payload`.
pub(crate) fn decode(head: &[u8], payload: Option<&[u8]>) -> Result<Stored, DecodeError> {
    Stored::from_head(head, payload.map_or(Payload::unset(), Payload::from_bytes))
}

/// Saturates: SQLite's integers are signed. The column `record` keeps the exact time.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The inverse of [`millis`].
pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Count and token with their bits unchanged: they are only compared for equality.
pub(crate) const fn revision_columns(revision: Revision) -> (i64, i64) {
    (
        i64::from_ne_bytes(revision.count().to_ne_bytes()),
        i64::from_ne_bytes(revision.token().to_ne_bytes()),
    )
}

//! A session as a row, and back.

use std::sync::Arc;

use cloakroom::record::{DecodeError, Record, Revision, Stored, Tombstone};
use cloakroom::value::{CodecError, Payload};
use cloakroom::{Principal, Timestamp};

/// A live session, ready to be written.
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
        let (revision, token) = marks(record.revision());
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

    /// What it takes in memory and in the file, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.head.len() + self.payload.as_ref().map_or(0, |payload| payload.len())
    }
}

/// What stays of a row whose session was ended.
pub(crate) struct Remains {
    pub(crate) expires: i64,
    pub(crate) ended: i64,
    pub(crate) reason: String,
    pub(crate) head: Vec<u8>,
}

impl Remains {
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

/// The columns `record` and `payload` as what they stand for.
pub(crate) fn read(head: &[u8], payload: Option<&[u8]>) -> Result<Stored, DecodeError> {
    Stored::from_head(head, payload.map_or(Payload::unset(), Payload::from_bytes))
}

/// SQLite's integers have a sign: what is too late for them is the latest there is. The record keeps the exact moment.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What [`millis`] noted.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Counter and token, bit by bit: they are only compared for equality.
pub(crate) const fn marks(revision: Revision) -> (i64, i64) {
    (revision.count().cast_signed(), revision.token().cast_signed())
}

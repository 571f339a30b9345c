//! Sessions as columns, and back.

use cloakroom::record::{DecodeError, Revision, Stored};
use cloakroom::value::Payload;
use cloakroom::{PublicId, Timestamp};
use uuid::Uuid;

pub(crate) const fn uuid(id: PublicId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub(crate) fn id(uuid: Uuid) -> PublicId {
    PublicId::from_bytes(*uuid.as_bytes())
}

/// The server's integers have a sign: what is too late for them is the latest there is. The head keeps the exact moment.
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

pub(crate) const fn revision(count: i64, token: i64) -> Revision {
    Revision::new(count.cast_unsigned(), token.cast_unsigned())
}

/// The columns `head` and `payload` as what they stand for.
pub(crate) fn stored(head: &[u8], payload: Option<&[u8]>) -> Result<Stored, DecodeError> {
    Stored::from_head(head, payload.map_or(Payload::unset(), Payload::from_bytes))
}

pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

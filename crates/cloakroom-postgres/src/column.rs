//! Sessions as columns, and back.

use cloakroom::key::KindTag;
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

pub(crate) const fn kind_uuid(kind: KindTag) -> Uuid {
    Uuid::from_bytes(*kind.as_bytes())
}

pub(crate) fn kind(uuid: Uuid) -> KindTag {
    KindTag::from_bytes(*uuid.as_bytes())
}

/// Saturates: PostgreSQL's integers are signed. The column `record` keeps the exact time.
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

/// The inverse of [`revision_columns`].
pub(crate) const fn revision(count: i64, token: i64) -> Revision {
    Revision::new(u64::from_ne_bytes(count.to_ne_bytes()), u64::from_ne_bytes(token.to_ne_bytes()))
}

/// Decodes the columns `record` and `payload`.
pub(crate) fn decode(head: &[u8], payload: Option<&[u8]>) -> Result<Stored, DecodeError> {
    Stored::from_head(head, payload.map_or(Payload::unset(), Payload::from_bytes))
}

pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

//! A store's entry, and its bytes.

use super::{Credentials, DecodeError, Record, Tombstone, wire};
use crate::time::Timestamp;
use crate::value::{CodecError, Payload};

/// What a store holds under an id: a live session, or what remains of an ended one.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both, and there will be no third")]
pub enum Stored {
    /// A session that was not ended; its deadlines can have passed.
    Live(Record),
    /// A session that was ended.
    Ended(Tombstone),
}

impl Stored {
    /// From when on a store can remove the entry.
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::Live(record) => record.expires_at(),
            Self::Ended(tombstone) => tombstone.ending().keep_until,
        }
    }

    /// What the entry keeps of the session's secrets.
    pub fn credentials(&self) -> &Credentials {
        match self {
            Self::Live(record) => record.credentials(),
            Self::Ended(tombstone) => tombstone.credentials(),
        }
    }

    /// The entry as bytes; `record/wire.rs` in this crate documents the format.
    ///
    /// # Errors
    /// [`CodecError`] if the codec cannot write the value.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CodecError> {
        wire::encode(self)
    }

    /// The entry as bytes without its value, for a store that keeps the value elsewhere.
    ///
    /// A touch changes this part only. It is a prefix of [`Stored::to_bytes`].
    pub fn to_head(&self) -> Vec<u8> {
        wire::encode_head(self)
    }

    /// The entry with these bytes, which [`Stored::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        wire::decode(bytes)
    }

    /// The entry with this head, which [`Stored::to_head`] wrote, and this payload.
    ///
    /// The payload is ignored if the session was ended.
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes.
    pub fn from_head(head: &[u8], payload: Payload) -> Result<Self, DecodeError> {
        Ok(match wire::decode_head(head)? {
            Self::Live(record) => Self::Live(record.edited(|fields| fields.payload = payload)),
            ended @ Self::Ended(_) => ended,
        })
    }
}

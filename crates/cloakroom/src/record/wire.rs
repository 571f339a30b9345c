//! A record as bytes, for stores that keep one blob.
//!
//! All numbers are big-endian, and all times are in milliseconds.
//!
//! | offset | bytes | live session | ended session |
//! |---|---|---|---|
//! | 0 | 1 | format version, `0x01` | same |
//! | 1 | 1 | `0x00` | reason, from `0x01` |
//! | 2 | 8 | idle deadline (a store can overwrite it in place) | ended at |
//! | 10 | 8 | absolute deadline | keep until |
//! | 18 | 8 + 8 | revision: count, token | absent, as every field without an entry |
//! | 34 | 8 + 8 | created, authenticated at\* | |
//! | 50 | 8 + 8 + 8 + 1 | lifetime: idle\*, absolute, renewal\*, flags† | |
//! | then | 32 + 8 + 8 | credentials: verifier, renew at, cookie until | same |
//! | | 1 \[+ 32 + 16 + 8\] | successor: 0, or 1 with verifier, nonce, first seen\* | same |
//! | | 1 + n × (8 + 8 + 1) | retired: count; prefix, when, how (0 timer, 1 sign-in) | same |
//! | | 1 + n | principal: length\*, UTF-8 | same |
//! | | 1 + n × (1 + 1 + 2 + m) | extensions: count; tag, critical (0 or 1), length, bytes | same |
//! | | 1 | assurance | |
//! | | 3 × (1 + n) | label, user agent, address: length\*, UTF-8 | |
//! | | 1 \[+ 16\] | key family: 0 (follows from the verifier), or 1 and its bytes | |
//! | | 1 \[+ 16\] | kind of session: 0 (the default kind), or 1 and its tag | |
//! | | rest | `0x00`, or `0x01` and the payload | |
//!
//! \* 0 means none or never. † 1: outlives the browser; 2: the absolute timeout is an explicit
//! expiry.
//!
//! [`extensions`](super::extensions) says what an extension is. Tags rise from entry to entry. No
//! other bytes are read as an entry than those that would be written for it.
//!
//! The *head* is everything but the last row; a store can keep it apart from the payload.

mod reader;
mod writer;

use std::fmt;

use super::{EndReason, Ending, Stored};
use crate::value::CodecError;

use reader::Reader;
use writer::Writer;

const VERSION: u8 = 1;
const OUTLIVES_BROWSER: u8 = 1;
const EXPLICIT: u8 = 2;
const REASONS: [(u8, EndReason); 7] = [
    (1, EndReason::Ended),
    (2, EndReason::SignedOut),
    (3, EndReason::SignedInAsAnother),
    (4, EndReason::Revoked),
    (5, EndReason::KeyReused),
    (6, EndReason::SignedOutElsewhere),
    (7, EndReason::OverLimit),
];

pub(super) fn encode(stored: &Stored) -> Result<Vec<u8>, CodecError> {
    let mut out = encode_head(stored);
    if let Stored::Live(record) = stored {
        out.push(u8::from(!record.payload().is_unset()));
        record.payload().append_to(&mut out)?;
    }
    Ok(out)
}

/// All rows but the last.
pub(super) fn encode_head(stored: &Stored) -> Vec<u8> {
    match stored {
        Stored::Live(record) => {
            let mut out = Writer::with_capacity(256);
            out.record(&record.0);
            out.into_bytes()
        }
        Stored::Ended(tombstone) => {
            let mut out = Writer::with_capacity(160);
            out.ending(tombstone.ending());
            out.credentials(tombstone.credentials());
            out.principal(tombstone.principal());
            out.extensions(tombstone.extensions());
            out.into_bytes()
        }
    }
}

/// The first four rows of an ended session.
pub(super) fn encode_ending(ending: Ending) -> Vec<u8> {
    let mut out = Writer::with_capacity(18);
    out.ending(ending);
    out.into_bytes()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let mut input = Reader::new(bytes);
    let stored = match input.head()? {
        Stored::Live(record) => {
            let payload = input.payload()?;
            Stored::Live(record.edited(|fields| fields.payload = payload))
        }
        ended @ Stored::Ended(_) => ended,
    };
    input.end().map(|()| stored)
}

/// Reads what [`encode_head`] wrote; a live session has no value then.
pub(super) fn decode_head(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let mut input = Reader::new(bytes);
    let stored = input.head()?;
    input.end().map(|()| stored)
}

/// The error for bytes that are not an entry; it does not repeat them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Problem);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Malformed(&'static str),
    CriticalExtension(u8),
}

impl DecodeError {
    /// True if a newer version wrote the entry; false if it is damaged.
    pub const fn is_of_other_version(&self) -> bool {
        matches!(self.0, Problem::CriticalExtension(_))
    }

    const fn malformed(what: &'static str) -> Self {
        Self(Problem::Malformed(what))
    }

    /// The entry has a critical extension with this tag, which this version does not know.
    const fn critical_extension(tag: u8) -> Self {
        Self(Problem::CriticalExtension(tag))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read a stored session: ")?;
        match self.0 {
            Problem::Malformed(what) => f.write_str(what),
            Problem::CriticalExtension(tag) => {
                write!(f, "critical extension {tag} needs a newer version of cloakroom")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

//! The operations: how each is asked of the server, and what its answer means.

use cloakroom::record::{DecodeError, Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, IndexEntry, IndexLogin, Indexed, Inserted, StoreError, Swap};
use cloakroom::stores::batch::Reply;
use cloakroom::{PublicId, Timestamp};
use redis::{Cmd, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::script;

/// How much longer than needed an entry is kept, in milliseconds: the server has a clock of its own.
const SLACK: u64 = 300_000;
/// Times are numbers with 53 bits in the server's scripts; what is later is never.
const LATEST: u64 = 1 << 53;
/// How many bytes a revision has in the record's format.
const REVISION: usize = 16;

/// What is asked.
pub(crate) enum Op {
    Get { key: Vec<u8> },
    Insert { bytes: Vec<u8>, goes: Option<u64> },
    Replace { expected: [u8; REVISION], bytes: Vec<u8>, goes: Option<u64> },
    Touch { expected: [u8; REVISION], deadline: Timestamp },
    EndIf { expected: [u8; REVISION], ending: Ending },
    End(Ending),
    IndexLogin { keys: [Vec<u8>; 2], admission: IndexLogin },
    Revoke { key: Vec<u8>, before: Timestamp, until: Timestamp },
    Directory { key: Vec<u8> },
}

impl Op {
    pub(crate) fn insert(record: Record) -> Result<Self, StoreError> {
        let stored = Stored::Live(record);
        Ok(Self::Insert { goes: goes(stored.expires_at()), bytes: stored.to_bytes()? })
    }

    pub(crate) fn replace(expected: Revision, record: Record) -> Result<Self, StoreError> {
        let stored = Stored::Live(record);
        let (goes, bytes) = (goes(stored.expires_at()), stored.to_bytes()?);
        Ok(Self::Replace { expected: marks(expected), bytes, goes })
    }

    pub(crate) const fn touch(expected: Revision, deadline: Timestamp) -> Self {
        Self::Touch { expected: marks(expected), deadline }
    }

    pub(crate) const fn end_if(expected: Revision, ending: Ending) -> Self {
        Self::EndIf { expected: marks(expected), ending }
    }

    /// What it weighs on the wire, roughly, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Insert { bytes, .. } | Self::Replace { bytes, .. } => bytes.len() + 200,
            _ => 200,
        }
    }

    /// The key that it goes by, of a session by its own.
    pub(crate) fn key<'a>(&'a self, session: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Get { key } | Self::Directory { key } | Self::Revoke { key, .. } => key,
            Self::IndexLogin { keys: [directory, _], .. } => directory,
            _ => session,
        }
    }

    /// Whether it changes nothing: its answer may be asked for again.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::Directory { .. })
    }

    /// The command; of a script by its name unless the server does not know it.
    pub(crate) fn command(&self, key: &[u8], by_name: bool) -> Cmd {
        match self {
            Self::Get { key } => plain("GET", key),
            Self::Directory { key } => {
                let mut command = plain("ZRANGE", key);
                command.arg(0).arg(-1);
                command
            }
            Self::Insert { bytes, goes } => {
                let mut command = plain("SET", key);
                command.arg(bytes).arg("NX");
                if let Some(goes) = goes {
                    command.arg("PXAT").arg(*goes);
                }
                command
            }
            Self::Replace { expected, bytes, goes } => {
                let mut command = script::REPLACE.call(by_name, &[key]);
                command.arg(expected).arg(bytes).arg(text(*goes));
                command
            }
            Self::Touch { expected, deadline } => {
                let mut command = script::TOUCH.call(by_name, &[key]);
                command.arg(expected).arg(&deadline.as_millis().to_be_bytes()).arg(SLACK);
                command
            }
            Self::EndIf { expected, ending } => end(key, by_name, expected, *ending),
            Self::End(ending) => end(key, by_name, &[], *ending),
            Self::IndexLogin { keys: [directory, watermark], admission } => {
                let mut command = script::ADMIT.call(by_name, &[directory, watermark]);
                command.arg(admission.id.to_string()).arg(millis(admission.until));
                command.arg(millis(admission.authenticated_at));
                command.arg(admission.limit.map_or(String::new(), |limit| limit.to_string()));
                command.arg(admission.shown()).arg(SLACK);
                for seen in &admission.replacing {
                    command.arg(seen.id.to_string()).arg(millis(seen.until));
                }
                command
            }
            Self::Revoke { key, before, until } => {
                let mut command = script::REVOKE.call(by_name, &[key]);
                command.arg(millis(*before)).arg(millis(*until)).arg(SLACK);
                command
            }
        }
    }

    /// What the server's answer means.
    pub(crate) fn read(&self, answer: Value) -> Result<Reply, StoreError> {
        Ok(match (self, answer) {
            (Self::Get { .. }, Value::Nil) => Reply::Stored(None),
            (Self::Get { .. }, Value::BulkString(bytes)) => {
                Reply::Stored(Some(Stored::from_bytes(&bytes)?))
            }
            (Self::Insert { .. }, Value::Okay) => Reply::Inserted(Inserted::Done),
            (Self::Insert { .. }, Value::Nil) => Reply::Inserted(Inserted::Taken),
            (Self::Replace { .. } | Self::EndIf { .. }, Value::Int(1)) => Reply::Swap(Swap::Done),
            (Self::Replace { .. } | Self::EndIf { .. }, Value::Int(_)) => Reply::Swap(Swap::Gone),
            (Self::Replace { .. } | Self::EndIf { .. }, Value::BulkString(bytes)) => {
                Reply::Swap(swap_of(&bytes)?)
            }
            (Self::Touch { .. }, Value::Int(moved)) => Reply::Touched(moved == 1),
            (Self::End(_), Value::Int(1)) => Reply::Ended(Ended::Now),
            (Self::End(_), Value::Int(0)) => Reply::Ended(Ended::Already),
            (Self::End(_), Value::Int(_)) => Reply::Ended(Ended::Absent),
            (Self::IndexLogin { .. }, Value::Int(1)) => Reply::Indexed(Indexed::Done),
            (Self::IndexLogin { .. }, Value::Int(_)) => Reply::Indexed(Indexed::Revoked),
            (Self::IndexLogin { .. }, Value::Array(entries)) => {
                let entries: Option<Vec<IndexEntry>> =
                    entries.chunks_exact(2).map(entry_of).collect();
                Reply::Indexed(Indexed::Full(entries.ok_or_else(unexpected)?))
            }
            (Self::Directory { .. }, Value::Array(ids)) => {
                let ids: Option<Vec<PublicId>> = ids.iter().map(id_of).collect();
                Reply::Ids(ids.ok_or_else(unexpected)?)
            }
            (Self::Revoke { .. }, _) => Reply::Well(()),
            _ => return Err(unexpected()),
        })
    }
}

fn plain(name: &str, key: &[u8]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

fn end(key: &[u8], by_name: bool, expected: &[u8], ending: Ending) -> Cmd {
    let mut command = script::END.call(by_name, &[key]);
    command.arg(expected).arg(ending.to_bytes()).arg(text(goes(ending.keep_until())));
    command
}

fn swap_of(bytes: &[u8]) -> Result<Swap, DecodeError> {
    Ok(match Stored::from_bytes(bytes)? {
        Stored::Live(record) => Swap::Stale(record),
        Stored::Ended(_) => Swap::Gone,
    })
}

fn entry_of(pair: &[Value]) -> Option<IndexEntry> {
    let Value::BulkString(score) = &pair[1] else { return None };
    let score: f64 = std::str::from_utf8(score).ok()?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a moment when it was written"
    )]
    Some(IndexEntry::new(id_of(&pair[0])?, Timestamp::from_millis(score as u64)))
}

fn id_of(member: &Value) -> Option<PublicId> {
    let Value::BulkString(id) = member else { return None };
    std::str::from_utf8(id).ok()?.parse().ok()
}

fn unexpected() -> StoreError {
    RedisError::new(RedisErrorKind::Unexpected, "understand an answer").outcome_unknown()
}

/// When the server may remove an entry that is garbage from then on; `None` if never.
fn goes(expires: Timestamp) -> Option<u64> {
    Some(expires.as_millis().saturating_add(SLACK)).filter(|goes| *goes < LATEST)
}

fn text(goes: Option<u64>) -> String {
    goes.map_or(String::new(), |goes| goes.to_string())
}

fn millis(time: Timestamp) -> u64 {
    time.as_millis().min(LATEST)
}

const fn marks(revision: Revision) -> [u8; REVISION] {
    let (count, token) = (revision.count().to_be_bytes(), revision.token().to_be_bytes());
    let mut marks = [0; REVISION];
    let mut at = 0;
    while at < 8 {
        marks[at] = count[at];
        marks[at + 8] = token[at];
        at += 1;
    }
    marks
}

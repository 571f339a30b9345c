//! Operations as commands, and the answers to them.

use cloakroom::key::KindTag;
use cloakroom::record::{DecodeError, Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, IndexEntry, IndexLogin, Indexed, Inserted, StoreError, Swap};
use cloakroom::stores::batch::{JoinWrites, Reply};
use cloakroom::{PublicId, Timestamp};
use redis::{Cmd, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::script;

/// How much longer than needed an entry is kept, in milliseconds, in case the server's clock is
/// ahead.
const EXPIRY_SLACK: u64 = 300_000;
/// Lua numbers are exact up to 53 bits; a later time counts as never.
const NEVER: u64 = 1 << 53;
/// The most bytes, old and new together, that the server's own compare-and-set is sent: for more,
/// a script that compares revisions is cheaper.
const MAX_NATIVE_BYTES: usize = 32 << 10;
/// The length of a revision in the encoding of a record.
const REVISION_LEN: usize = 16;

/// An operation on the key of a session, or on that of a principal.
pub(crate) enum Op {
    Get {
        key: Vec<u8>,
    },
    Insert {
        bytes: Vec<u8>,
        expire_at: Option<u64>,
    },
    Replace {
        expected: [u8; REVISION_LEN],
        /// The value seen, for a server that compares whole values.
        seen: Option<Vec<u8>>,
        revision: [u8; REVISION_LEN],
        bytes: Vec<u8>,
        expire_at: Option<u64>,
    },
    Touch {
        expected: [u8; REVISION_LEN],
        deadline: Timestamp,
    },
    EndIf {
        expected: [u8; REVISION_LEN],
        ending: Ending,
    },
    End(Ending),
    IndexLogin {
        key: Vec<u8>,
        login: IndexLogin,
    },
    RevokeBefore {
        key: Vec<u8>,
        before: Timestamp,
        until: Timestamp,
    },
    Erase {
        key: Vec<u8>,
        ended: Vec<PublicId>,
        until: Timestamp,
    },
    SessionsOf {
        key: Vec<u8>,
        kind: Option<KindTag>,
    },
}

impl JoinWrites for Op {
    fn join(&mut self, next: Self) -> Option<Self> {
        let Self::Replace { expected, seen, revision, .. } = self else { return Some(next) };
        match next {
            Self::Replace { expected: after, revision: last, bytes, expire_at, .. }
                if after == *revision =>
            {
                let seen = seen.take();
                let seen = seen.filter(|seen| seen.len() + bytes.len() <= MAX_NATIVE_BYTES);
                let expected = *expected;
                *self = Self::Replace { expected, seen, revision: last, bytes, expire_at };
                None
            }
            next => Some(next),
        }
    }

    fn writes(&self, revision: Revision) -> bool {
        matches!(self, Self::Replace { revision: own, .. } if *own == encode(revision))
    }
}

impl Op {
    pub(crate) fn insert(record: Record) -> Result<Self, StoreError> {
        let stored = Stored::Live(record);
        Ok(Self::Insert { expire_at: expire_at(stored.expires_at()), bytes: stored.to_bytes()? })
    }

    /// `is_native`: whether the server has a compare-and-set of its own.
    pub(crate) fn replace(
        seen: &Record,
        record: Record,
        is_native: bool,
    ) -> Result<Self, StoreError> {
        let (expected, revision) = (encode(seen.revision()), encode(record.revision()));
        let stored = Stored::Live(record);
        let (expire_at, bytes) = (expire_at(stored.expires_at()), stored.to_bytes()?);
        let may_compare = is_native && bytes.len() < MAX_NATIVE_BYTES;
        let seen = may_compare.then(|| Stored::Live(seen.clone()).to_bytes().ok()).flatten();
        let seen = seen.filter(|seen| seen.len() + bytes.len() <= MAX_NATIVE_BYTES);
        Ok(Self::Replace { expected, seen, revision, bytes, expire_at })
    }

    pub(crate) const fn touch(expected: Revision, deadline: Timestamp) -> Self {
        Self::Touch { expected: encode(expected), deadline }
    }

    pub(crate) const fn end_if(expected: Revision, ending: Ending) -> Self {
        Self::EndIf { expected: encode(expected), ending }
    }

    /// The approximate size of the command in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Insert { bytes, .. } => bytes.len() + 200,
            Self::Replace { seen, bytes, .. } => {
                bytes.len() + seen.as_ref().map_or(0, Vec::len) + 200
            }
            _ => 200,
        }
    }

    /// The key that decides which server the operation is sent to: its own, or that of the session.
    pub(crate) fn key<'a>(&'a self, session: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Get { key }
            | Self::SessionsOf { key, .. }
            | Self::IndexLogin { key, .. }
            | Self::RevokeBefore { key, .. }
            | Self::Erase { key, .. } => key,
            _ => session,
        }
    }

    /// Whether the operation changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::SessionsOf { .. })
    }

    /// Whether the operation can be the server's own compare-and-set.
    pub(crate) const fn has_native_command(&self) -> bool {
        matches!(self, Self::Replace { seen: Some(_), .. })
    }

    /// The server's own compare-and-set.
    ///
    /// It compares the whole value with the one seen. If that has changed, the answer is
    /// `Value::Nil`, and the script is to decide: nothing but the revision counts.
    pub(crate) fn native_command(&self, key: &[u8]) -> Option<Cmd> {
        let Self::Replace { seen: Some(seen), bytes, expire_at, .. } = self else { return None };
        let mut command = plain("SET", key);
        command.arg(bytes).arg("IFEQ").arg(seen);
        if let Some(expire_at) = expire_at {
            command.arg("PXAT").arg(*expire_at);
        }
        Some(command)
    }

    /// The command. Scripts are called by digest or by text; see
    /// [`Script::call`](script::Script::call).
    pub(crate) fn command(&self, key: &[u8], by_digest: bool) -> Cmd {
        match self {
            Self::Get { key } => plain("GET", key),
            Self::SessionsOf { key, .. } => {
                let mut command = plain("ZRANGEBYSCORE", key);
                command.arg(0).arg("+inf");
                command
            }
            Self::Insert { bytes, expire_at } => {
                let mut command = plain("SET", key);
                command.arg(bytes).arg("NX");
                if let Some(expire_at) = expire_at {
                    command.arg("PXAT").arg(*expire_at);
                }
                command
            }
            Self::Replace { expected, bytes, expire_at, .. } => {
                let mut command = script::REPLACE.call(by_digest, &[key]);
                command.arg(expected).arg(bytes).arg(text(*expire_at));
                command
            }
            Self::Touch { expected, deadline } => {
                let mut command = script::TOUCH.call(by_digest, &[key]);
                command.arg(expected).arg(&deadline.as_millis().to_be_bytes()).arg(EXPIRY_SLACK);
                command
            }
            Self::EndIf { expected, ending } => end(key, by_digest, expected, *ending),
            Self::End(ending) => end(key, by_digest, &[], *ending),
            Self::IndexLogin { key, login } => {
                let mut command = script::INDEX_LOGIN.call(by_digest, &[key]);
                command.arg(member(login.id, login.kind)).arg(millis(login.until));
                command.arg(millis(login.authenticated_at));
                command.arg(login.limit.map_or(String::new(), |limit| limit.to_string()));
                command.arg(login.counted.map_or("*".to_owned(), suffix));
                command.arg(login.max_listed()).arg(EXPIRY_SLACK);
                for entry in &login.replacing {
                    command.arg(member(entry.id, entry.kind)).arg(millis(entry.until));
                }
                command
            }
            Self::RevokeBefore { key, before, until } => {
                let mut command = script::REVOKE_BEFORE.call(by_digest, &[key]);
                command.arg(millis(*before)).arg(millis(*until)).arg(EXPIRY_SLACK);
                command
            }
            Self::Erase { key, ended, until } => {
                let mut command = script::ERASE.call(by_digest, &[key]);
                command.arg(millis(*until)).arg(EXPIRY_SLACK);
                for id in ended {
                    command.arg(id.to_string());
                }
                command
            }
        }
    }

    /// Decodes the answer of the server.
    pub(crate) fn decode(&self, answer: Value) -> Result<Reply, StoreError> {
        Ok(match (self, answer) {
            (Self::Get { .. }, Value::Nil) => Reply::Stored(None),
            (Self::Get { .. }, Value::BulkString(bytes)) => {
                Reply::Stored(Some(Stored::from_bytes(&bytes)?))
            }
            (Self::Insert { .. }, Value::Okay) => Reply::Inserted(Inserted::Done),
            (Self::Insert { .. }, Value::Nil) => Reply::Inserted(Inserted::Taken),
            // The first is the answer of the server's own compare-and-set.
            (Self::Replace { .. }, Value::Okay)
            | (Self::Replace { .. } | Self::EndIf { .. }, Value::Int(1)) => Reply::Swap(Swap::Done),
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
            (Self::SessionsOf { kind, .. }, Value::Array(members)) => {
                let members: Option<Vec<_>> = members.iter().map(parse_member).collect();
                let mut members = members.ok_or_else(unexpected)?;
                members.retain(|(_, found)| kind.is_none_or(|kind| *found == kind));
                Reply::Ids(members.into_iter().map(|(id, _)| id).collect())
            }
            (Self::RevokeBefore { .. } | Self::Erase { .. }, _) => Reply::Healthy(()),
            _ => return Err(unexpected()),
        })
    }
}

fn plain(name: &str, key: &[u8]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

fn end(key: &[u8], by_digest: bool, expected: &[u8], ending: Ending) -> Cmd {
    let mut command = script::END.call(by_digest, &[key]);
    command.arg(expected).arg(ending.to_bytes()).arg(text(expire_at(ending.keep_until())));
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
        reason = "the score is a time that this store wrote"
    )]
    let until = Timestamp::from_millis(score as u64);
    let (id, kind) = parse_member(&pair[0])?;
    Some(IndexEntry::new(id, kind, until))
}

/// A member of a principal's index.
fn member(id: PublicId, kind: KindTag) -> String {
    format!("{id}{}", suffix(kind))
}

/// What follows the id in a member: nothing for the default kind.
fn suffix(kind: KindTag) -> String {
    if kind == KindTag::DEFAULT {
        return String::new();
    }
    format!(":{:032x}", u128::from_be_bytes(*kind.as_bytes()))
}

fn parse_member(member: &Value) -> Option<(PublicId, KindTag)> {
    let Value::BulkString(member) = member else { return None };
    let member = std::str::from_utf8(member).ok()?;
    let Some((id, tag)) = member.split_once(':') else {
        return Some((member.parse().ok()?, KindTag::DEFAULT));
    };
    let tag = u128::from_str_radix(tag, 16).ok()?;
    Some((id.parse().ok()?, KindTag::from_bytes(tag.to_be_bytes())))
}

fn unexpected() -> StoreError {
    RedisError::new(RedisErrorKind::Unexpected, "decode an answer").outcome_unknown()
}

/// When the server removes an entry that expires at `expires`; `None` for never.
fn expire_at(expires: Timestamp) -> Option<u64> {
    Some(expires.as_millis().saturating_add(EXPIRY_SLACK)).filter(|millis| *millis < NEVER)
}

fn text(number: Option<u64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

fn millis(time: Timestamp) -> u64 {
    time.as_millis().min(NEVER)
}

/// The revision in the encoding of a record.
const fn encode(revision: Revision) -> [u8; REVISION_LEN] {
    let (count, token) = (revision.count().to_be_bytes(), revision.token().to_be_bytes());
    let mut bytes = [0; REVISION_LEN];
    let mut at = 0;
    while at < 8 {
        bytes[at] = count[at];
        bytes[at + 8] = token[at];
        at += 1;
    }
    bytes
}

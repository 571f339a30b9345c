//! Writes: the parameters of the batch statement, and its replies.

use std::sync::Arc;

use cloakroom::record::{EndReason, Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, Inserted, StoreError, Swap};
use cloakroom::stores::batch::{JoinWrites, Reply};
use cloakroom::value::CodecError;
use cloakroom::{PublicId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::column::{decode, millis, revision_columns, uuid};
use crate::error::{PostgresError, PostgresErrorKind};

/// A write to one session, as parameters of `apply.sql`.
pub(crate) struct Write {
    pub(crate) kind: Kind,
    pub(crate) expected: (i64, i64),
    pub(crate) head: Vec<u8>,
    pub(crate) payload: Option<Arc<[u8]>>,
    pub(crate) kept_bytes: i32,
    pub(crate) principal: Option<String>,
    /// When the session was created or ended.
    pub(crate) at: i64,
    pub(crate) signed_in: Option<i64>,
    pub(crate) revision: (i64, i64),
    pub(crate) idle: i64,
    pub(crate) absolute: i64,
    reason: Option<&'static str>,
}

/// The kinds of writes, as numbered in `apply.sql`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Insert = 0,
    Replace = 1,
    Touch = 2,
    EndIf = 3,
    End = 4,
}

impl JoinWrites for Write {
    fn join(&mut self, next: Self) -> Option<Self> {
        let both_replace = self.kind == Kind::Replace && next.kind == Kind::Replace;
        if !both_replace || next.expected != self.revision {
            return Some(next);
        }
        *self = Self { expected: self.expected, ..next };
        None
    }

    fn writes(&self, revision: Revision) -> bool {
        self.kind == Kind::Replace && self.revision == revision_columns(revision)
    }
}

impl Write {
    pub(crate) fn insert(record: Record) -> Result<Self, CodecError> {
        Self::store(Kind::Insert, (0, 0), record)
    }

    pub(crate) fn replace(expected: Revision, record: Record) -> Result<Self, CodecError> {
        Self::store(Kind::Replace, revision_columns(expected), record)
    }

    fn store(kind: Kind, expected: (i64, i64), record: Record) -> Result<Self, CodecError> {
        let payload = record.payload().to_bytes()?;
        Ok(Self {
            expected,
            payload,
            kept_bytes: i32::try_from(kept_bytes(&record)).unwrap_or(i32::MAX),
            principal: record.principal().map(|principal| principal.as_str().to_owned()),
            at: millis(record.created()),
            signed_in: record.authenticated_at().map(millis),
            revision: revision_columns(record.revision()),
            idle: millis(record.idle_deadline()),
            absolute: millis(record.absolute_deadline()),
            head: Stored::Live(record).to_head(),
            ..Self::empty(kind)
        })
    }

    pub(crate) fn touch(expected: Revision, deadline: Timestamp) -> Self {
        Self {
            expected: revision_columns(expected),
            head: deadline.as_millis().to_be_bytes().to_vec(),
            idle: millis(deadline),
            ..Self::empty(Kind::Touch)
        }
    }

    pub(crate) fn end_if(expected: Revision, ending: Ending) -> Self {
        Self { kind: Kind::EndIf, expected: revision_columns(expected), ..Self::end(ending) }
    }

    pub(crate) fn end(ending: Ending) -> Self {
        let until = millis(ending.keep_until());
        Self {
            head: ending.to_bytes(),
            at: millis(ending.at()),
            idle: until,
            absolute: until,
            reason: Some(ending.reason().as_str()),
            ..Self::empty(Kind::End)
        }
    }

    fn empty(kind: Kind) -> Self {
        Self {
            kind,
            expected: (0, 0),
            head: Vec::new(),
            payload: None,
            kept_bytes: 0,
            principal: None,
            at: 0,
            signed_in: None,
            revision: (0, 0),
            idle: 0,
            absolute: 0,
            reason: None,
        }
    }

    /// The approximate size of the parameters in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.head.len() + self.payload.as_ref().map_or(0, |payload| payload.len()) + 150
    }

    /// What listeners are told if the write is made: `id`, or `id:revision:token` if it gives the
    /// session a new revision. `None` for an insert, because no one has cached what did not exist.
    pub(crate) fn change(&self, id: PublicId) -> Option<String> {
        match self.kind {
            Kind::Insert => None,
            Kind::Replace => Some(format!("{id}:{}:{}", self.revision.0, self.revision.1)),
            Kind::Touch | Kind::EndIf | Kind::End => Some(id.to_string()),
        }
    }

    /// Decodes the row of the reply that belongs to this write; `None` if the session is locked.
    pub(crate) fn answer(&self, row: &Row) -> Option<Result<Reply, StoreError>> {
        let is_locked = row.try_get::<_, i16>(1).is_ok_and(|outcome| outcome == 4);
        (!is_locked).then(|| self.decode(row))
    }

    fn decode(&self, row: &Row) -> Result<Reply, StoreError> {
        let unreadable = |error: tokio_postgres::Error| {
            PostgresError::caused(PostgresErrorKind::Other, "decode a reply", error)
                .outcome_unknown()
        };
        let outcome: i16 = row.try_get(1).map_err(unreadable)?;
        Ok(match (self.kind, outcome) {
            (Kind::Insert, 1) => Inserted::Done.into(),
            (Kind::Insert, _) => Inserted::Taken.into(),
            (Kind::Touch, outcome) => (outcome == 1).into(),
            (Kind::Replace | Kind::EndIf, 1) => Swap::Done.into(),
            (Kind::Replace | Kind::EndIf, 3) => {
                let head = row.try_get(2).map_err(unreadable)?;
                let payload = row.try_get(3).map_err(unreadable)?;
                match decode(head, payload)? {
                    Stored::Live(record) => Swap::Stale(record).into(),
                    Stored::Ended(_) => Swap::Gone.into(),
                }
            }
            (Kind::Replace | Kind::EndIf, _) => Swap::Gone.into(),
            (Kind::End, 1) => Ended::Now.into(),
            (Kind::End, 2) => Ended::Already.into(),
            (Kind::End, _) => Ended::Absent.into(),
        })
    }
}

/// How many bytes of a session's head its tombstone keeps.
fn kept_bytes(record: &Record) -> usize {
    let ending = Ending::new(EndReason::Ended, Timestamp::EPOCH, Timestamp::EPOCH);
    Stored::Ended(record.ended(ending)).to_head().len() - ending.to_bytes().len()
}

/// The parameters of a statement: one array per column.
pub(crate) struct Columns<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<i16>,
    heads: Vec<&'a [u8]>,
    payloads: Vec<Option<&'a [u8]>>,
    kept_bytes: Vec<i32>,
    principals: Vec<Option<&'a str>>,
    signed_in: Vec<Option<i64>>,
    reasons: Vec<Option<&'a str>>,
    /// Expected revision and token, time, new revision and token, idle and absolute deadline.
    numbers: [Vec<i64>; 7],
}

impl<'a> Columns<'a> {
    pub(crate) fn of(writes: impl Iterator<Item = (PublicId, &'a Write)>) -> Self {
        let (ids, writes): (Vec<Uuid>, Vec<&Write>) =
            writes.map(|(id, write)| (uuid(id), write)).unzip();
        let numbers =
            |number: fn(&Write) -> i64| writes.iter().map(|write| number(write)).collect();
        Self {
            ids,
            kinds: writes.iter().map(|write| write.kind as i16).collect(),
            heads: writes.iter().map(|write| &write.head[..]).collect(),
            payloads: writes.iter().map(|write| write.payload.as_deref()).collect(),
            kept_bytes: writes.iter().map(|write| write.kept_bytes).collect(),
            principals: writes.iter().map(|write| write.principal.as_deref()).collect(),
            signed_in: writes.iter().map(|write| write.signed_in).collect(),
            reasons: writes.iter().map(|write| write.reason).collect(),
            numbers: [
                numbers(|write| write.expected.0),
                numbers(|write| write.expected.1),
                numbers(|write| write.at),
                numbers(|write| write.revision.0),
                numbers(|write| write.revision.1),
                numbers(|write| write.idle),
                numbers(|write| write.absolute),
            ],
        }
    }

    /// The parameters of `replace_all.sql`.
    pub(crate) fn of_replaces(&self) -> [&(dyn ToSql + Sync); 12] {
        let [expected, expected_token, _, count, token, idle, absolute] = &self.numbers;
        [
            &self.ids,
            expected,
            expected_token,
            &self.principals,
            &self.signed_in,
            count,
            token,
            idle,
            absolute,
            &self.kept_bytes,
            &self.heads,
            &self.payloads,
        ]
    }

    /// The parameters of `apply.sql`.
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 15] {
        let [expected, expected_token, at, count, token, idle, absolute] = &self.numbers;
        [
            &self.ids,
            &self.kinds,
            expected,
            expected_token,
            &self.heads,
            &self.payloads,
            &self.kept_bytes,
            &self.principals,
            at,
            &self.signed_in,
            count,
            token,
            idle,
            absolute,
            &self.reasons,
        ]
    }
}

//! Requests and answers between the processes, one JSON line each.

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexEntry, IndexLogin, Indexed, Inserted, Page, Scanned, Swap,
};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, Principal, PublicId, Timestamp, protocol};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

type Id = [u8; 16];
type RevisionPair = (u64, u64);
/// Id, kind and deadline of an entry of the principal index.
type EntryFields = (Id, Id, u64);

#[derive(Serialize, Deserialize)]
pub(crate) enum Request {
    Insert(Id, Vec<u8>),
    Get(Id),
    Replace(Id, Vec<u8>, Vec<u8>),
    Touch(Id, RevisionPair, u64),
    EndIf(Id, RevisionPair, Vec<u8>),
    End(Id, Vec<u8>),
    IndexLogin {
        principal: String,
        id: Id,
        kind: Id,
        until: u64,
        authenticated_at: u64,
        limit: Option<usize>,
        counted: Option<Id>,
        replacing: Vec<EntryFields>,
    },
    RevokeBefore(String, u64, u64),
    Erase(String, Vec<Id>, u64),
    SessionsOf(String, Option<Id>, Option<Id>, usize),
    Scan(Option<String>, usize),
    Sweep(u64, usize),
    Health,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Inserted(bool),
    Stored(Option<Vec<u8>>),
    Swapped,
    Stale(Vec<u8>),
    Gone,
    Touched(bool),
    Ended(u8),
    Indexed,
    Full(Vec<EntryFields>),
    Revoked,
    Nothing,
    Ids(Vec<Id>),
    Scanned(Vec<(Id, Vec<u8>)>, Option<String>),
    Count(usize),
    Failed(String),
}

pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap();
    line.push(b'\n');
    line
}

pub(crate) fn parse<T: DeserializeOwned>(line: &str) -> T {
    serde_json::from_str(line).unwrap()
}

pub(crate) fn record_of(bytes: &[u8]) -> Record {
    match Stored::from_bytes(bytes).unwrap() {
        Stored::Live(record) => record,
        Stored::Ended(tombstone) => panic!("expected a record, got {tombstone:?}"),
    }
}

pub(crate) fn ending_of(bytes: &[u8]) -> Ending {
    match Stored::from_bytes(bytes).unwrap() {
        Stored::Ended(tombstone) => tombstone.ending(),
        Stored::Live(record) => panic!("expected an ending, got {record:?}"),
    }
}

pub(crate) fn bytes_of(record: Record) -> Vec<u8> {
    Stored::Live(record).to_bytes().unwrap()
}

/// An ending is sent as the tombstone of a placeholder session.
fn bytes_of_ending(ending: Ending) -> Vec<u8> {
    let key = Key::new(PublicId::from_bytes([0; 16]), Secret::from_bytes([0; 16]));
    let lifetime = Lifetime::default();
    let (kind, revision) = (KindTag::DEFAULT, Revision::new(0, 0));
    let verifier = key.verifier(kind);
    let unset = Payload::unset();
    let record = protocol::begin(kind, verifier, lifetime, None, unset, revision, Timestamp::EPOCH);
    Stored::Ended(record.ended(ending)).to_bytes().unwrap()
}

pub(crate) const fn fields_of(entry: &IndexEntry) -> EntryFields {
    (*entry.id.as_bytes(), *entry.kind.as_bytes(), entry.until.as_millis())
}

pub(crate) fn entry_of((id, kind, until): EntryFields) -> IndexEntry {
    let (id, kind) = (PublicId::from_bytes(id), KindTag::from_bytes(kind));
    IndexEntry::new(id, kind, Timestamp::from_millis(until))
}

const fn pair(revision: Revision) -> RevisionPair {
    (revision.count(), revision.token())
}

impl Request {
    pub(crate) fn insert(id: PublicId, record: Record) -> Self {
        Self::Insert(*id.as_bytes(), bytes_of(record))
    }

    pub(crate) const fn get(id: PublicId) -> Self {
        Self::Get(*id.as_bytes())
    }

    pub(crate) fn replace(id: PublicId, seen: Record, record: Record) -> Self {
        Self::Replace(*id.as_bytes(), bytes_of(seen), bytes_of(record))
    }

    pub(crate) const fn touch(id: PublicId, expected: Revision, deadline: Timestamp) -> Self {
        Self::Touch(*id.as_bytes(), pair(expected), deadline.as_millis())
    }

    pub(crate) fn end_if(id: PublicId, expected: Revision, ending: Ending) -> Self {
        Self::EndIf(*id.as_bytes(), pair(expected), bytes_of_ending(ending))
    }

    pub(crate) fn end(id: PublicId, ending: Ending) -> Self {
        Self::End(*id.as_bytes(), bytes_of_ending(ending))
    }

    pub(crate) fn index_login(login: &IndexLogin) -> Self {
        Self::IndexLogin {
            principal: login.principal.to_string(),
            id: *login.id.as_bytes(),
            kind: *login.kind.as_bytes(),
            until: login.until.as_millis(),
            authenticated_at: login.authenticated_at.as_millis(),
            limit: login.limit,
            counted: login.counted.map(|kind| *kind.as_bytes()),
            replacing: login.replacing.iter().map(fields_of).collect(),
        }
    }

    pub(crate) fn revoke_before(
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Self {
        Self::RevokeBefore(principal.to_string(), before.as_millis(), until.as_millis())
    }

    pub(crate) fn erase(principal: &Principal, ended: &[PublicId], until: Timestamp) -> Self {
        let ended = ended.iter().map(|id| *id.as_bytes()).collect();
        Self::Erase(principal.to_string(), ended, until.as_millis())
    }

    pub(crate) fn sessions_of(principal: &Principal, kind: Option<KindTag>, page: Page) -> Self {
        Self::SessionsOf(
            principal.to_string(),
            kind.map(|kind| *kind.as_bytes()),
            page.starts_after().map(|id| *id.as_bytes()),
            page.limit(),
        )
    }

    pub(crate) fn scan(from: Option<&Cursor>, limit: usize) -> Self {
        Self::Scan(from.map(ToString::to_string), limit)
    }

    pub(crate) const fn sweep(now: Timestamp, limit: usize) -> Self {
        Self::Sweep(now.as_millis(), limit)
    }
}

macro_rules! answers {
    ($($type:ty: $($pattern:pat => $value:expr),+;)*) => {
        $(impl TryFrom<Answer> for $type {
            type Error = Answer;

            fn try_from(answer: Answer) -> Result<Self, Answer> {
                match answer {
                    $($pattern => Ok($value),)+
                    other => Err(other),
                }
            }
        })*
    };
}

answers! {
    Indexed: Answer::Indexed => Self::Done, Answer::Revoked => Self::Revoked,
        Answer::Full(entries) => Self::Full(entries.into_iter().map(entry_of).collect());
    Inserted: Answer::Inserted(true) => Self::Done, Answer::Inserted(false) => Self::Taken;
    Option<Stored>: Answer::Stored(stored) =>
        stored.map(|bytes| Stored::from_bytes(&bytes).unwrap());
    Swap: Answer::Swapped => Self::Done, Answer::Gone => Self::Gone,
        Answer::Stale(bytes) => Self::Stale(record_of(&bytes));
    bool: Answer::Touched(touched) => touched;
    Ended: Answer::Ended(0) => Self::Now, Answer::Ended(1) => Self::Already,
        Answer::Ended(2) => Self::Absent;
    (): Answer::Nothing => ();
    Vec<PublicId>: Answer::Ids(ids) => ids.into_iter().map(PublicId::from_bytes).collect();
    Scanned: Answer::Scanned(entries, next) => {
        let entry = |(id, bytes): (Id, Vec<u8>)| {
            (PublicId::from_bytes(id), Stored::from_bytes(&bytes).unwrap())
        };
        Self::new(entries.into_iter().map(entry).collect(), next.map(|next| next.parse().unwrap()))
    };
    usize: Answer::Count(count) => count;
}

impl From<Indexed> for Answer {
    fn from(indexed: Indexed) -> Self {
        match indexed {
            Indexed::Done => Self::Indexed,
            Indexed::Full(entries) => Self::Full(entries.iter().map(fields_of).collect()),
            Indexed::Revoked => Self::Revoked,
        }
    }
}

impl From<Inserted> for Answer {
    fn from(inserted: Inserted) -> Self {
        Self::Inserted(inserted == Inserted::Done)
    }
}

impl From<Option<Stored>> for Answer {
    fn from(stored: Option<Stored>) -> Self {
        Self::Stored(stored.map(|stored| stored.to_bytes().unwrap()))
    }
}

impl From<Swap> for Answer {
    fn from(swap: Swap) -> Self {
        match swap {
            Swap::Done => Self::Swapped,
            Swap::Stale(record) => Self::Stale(bytes_of(record)),
            Swap::Gone => Self::Gone,
        }
    }
}

impl From<bool> for Answer {
    fn from(touched: bool) -> Self {
        Self::Touched(touched)
    }
}

impl From<Ended> for Answer {
    fn from(ended: Ended) -> Self {
        Self::Ended(match ended {
            Ended::Now => 0,
            Ended::Already => 1,
            Ended::Absent => 2,
        })
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<Vec<PublicId>> for Answer {
    fn from(ids: Vec<PublicId>) -> Self {
        Self::Ids(ids.iter().map(|id| *id.as_bytes()).collect())
    }
}

impl From<Scanned> for Answer {
    fn from(part: Scanned) -> Self {
        let bytes = |(id, stored): (PublicId, Stored)| (*id.as_bytes(), stored.to_bytes().unwrap());
        Self::Scanned(
            part.entries.into_iter().map(bytes).collect(),
            part.next.map(|next| next.to_string()),
        )
    }
}

impl From<usize> for Answer {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

//! What a store keeps under a [`PublicId`](crate::PublicId).

mod credentials;
mod migration;
mod fields;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::sync::Arc;

pub use credentials::{Credentials, MAX_RETIRED, RetiredSecret, Retirement, Successor};
pub(crate) use fields::RecordFields;
pub use migration::MigrationState;
pub use wire::DecodeError;

use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::time::Timestamp;
use crate::value::Payload;

/// Orders the writes of a record and recognises each: the basis of compare-and-swap.
///
/// The counter says which write is newer; the token, different for every write ever made, lets a write
/// whose answer was lost recognise itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    count: u64,
    token: u64,
}

impl Revision {
    /// The revision with this counter and this token.
    pub const fn new(count: u64, token: u64) -> Self {
        Self { count, token }
    }

    /// How many writes the record has seen.
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The mark of the last write alone.
    pub const fn token(self) -> u64 {
        self.token
    }

    /// The revision of the next write, marked with `token`.
    pub(crate) const fn next(self, token: u64) -> Self {
        Self { count: self.count.saturating_add(1), token }
    }
}

/// A live session, as stores keep it: a handle, cheap to clone and to move.
///
/// A store reads its accessors to index and to sweep; it never decides by them. Only the protocol changes a record.
#[derive(Clone, Debug)]
pub struct Record(Arc<RecordFields>);

impl Record {
    pub(crate) fn new(fields: RecordFields) -> Self {
        Self(Arc::new(fields))
    }

    /// The last write's revision: what a compare-and-swap compares.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// When the session ends if nobody uses it again; the one field that `touch` changes.
    pub fn idle_deadline(&self) -> Timestamp {
        self.0.idle_deadline
    }

    /// When the session ends whatever happens.
    pub fn absolute_deadline(&self) -> Timestamp {
        self.0.absolute_deadline
    }

    /// The earlier of the two deadlines: from then on the record is garbage.
    pub fn expires_at(&self) -> Timestamp {
        self.0.idle_deadline.min(self.0.absolute_deadline)
    }

    /// When the session began.
    pub fn created(&self) -> Timestamp {
        self.0.created
    }

    /// When the session was last used, by the last use noted; `None` without an idle timeout, where uses are not noted.
    ///
    /// Uses are noted once per tenth of the idle timeout: the visitor may have been here up to that much later.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let idle = self.0.lifetime.idle_timeout()?;
        let seen = Timestamp::EPOCH
            .after(self.0.idle_deadline.since(Timestamp::EPOCH).saturating_sub(idle));
        Some(seen.max(self.0.created))
    }

    /// When the visitor last proved who they are, if ever: signed in, or signed in again on the same session.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        Some(self.0.authenticated_at).filter(|at| *at != Timestamp::EPOCH)
    }

    /// How well the visitor proved it, on the application's own scale.
    pub fn assurance(&self) -> Assurance {
        self.0.assurance
    }

    /// When its key was last renewed, on the timer or by `login` or `renew`; `None` if it never was.
    ///
    /// A renewal on the timer counts from when the key it replaced has retired.
    pub fn renewed_at(&self) -> Option<Timestamp> {
        self.0.credentials.retired().iter().map(|replaced| replaced.at).max()
    }

    /// What is known of the client that holds the key.
    pub fn client(&self) -> &ClientInfo {
        &self.0.client
    }

    /// The lifetime the session keeps through every write.
    pub fn lifetime(&self) -> &Lifetime {
        &self.0.lifetime
    }

    /// Who is signed in, if anybody.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// The value.
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// The secrets' traces, for the protocol's functions.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// This record with another idle deadline: what a store keeps after a `touch`.
    pub fn with_idle_deadline(self, deadline: Timestamp) -> Self {
        self.edited(|fields| fields.idle_deadline = deadline)
    }

    /// True if both are handles on one and the same piece.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A record that differs from this one as `change` says.
    pub(crate) fn with(&self, change: impl FnOnce(&mut RecordFields)) -> Self {
        let mut fields = RecordFields::clone(&self.0);
        change(&mut fields);
        Self::new(fields)
    }

    /// This record, changed as `change` says: where it lies, unless somebody else holds it too.
    pub(crate) fn edited(mut self, change: impl FnOnce(&mut RecordFields)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// This record with its payload as bytes, as if it had left the process and come back.
    ///
    /// # Errors
    /// [`CodecError`](crate::value::CodecError) if the value can't be written.
    pub fn with_encoded_payload(self) -> Result<Self, crate::value::CodecError> {
        let payload = self.0.payload.to_bytes()?.map_or(Payload::unset(), Payload::from_bytes);
        Ok(self.edited(|fields| fields.payload = payload))
    }

    /// What stays of this record once it is ended.
    pub fn ended(&self, ending: Ending) -> Tombstone {
        Tombstone::new(self.0.credentials.clone(), self.0.principal.clone(), ending)
    }
}

/// How and when a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    pub(crate) reason: EndReason,
    pub(crate) at: Timestamp,
    pub(crate) keep_until: Timestamp,
}

impl Ending {
    /// An ending for `reason` at `at`, its tombstone to be kept until `keep_until`.
    pub const fn new(reason: EndReason, at: Timestamp, keep_until: Timestamp) -> Self {
        Self { reason, at, keep_until }
    }

    /// Why.
    pub const fn reason(self) -> EndReason {
        self.reason
    }

    /// When.
    pub const fn at(self) -> Timestamp {
        self.at
    }

    /// How the bytes of a tombstone begin. The credentials and the principal of the record it stands for follow, byte for byte
    /// as they are in the record, from offset 75 on: for a store that ends sessions where they lie.
    pub fn to_bytes(self) -> Vec<u8> {
        wire::encode_ending(self)
    }

    /// From when on the tombstone is garbage.
    pub const fn keep_until(self) -> Timestamp {
        self.keep_until
    }
}

/// Why a session was ended. The typed_value of its key may be told; nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The application ended it ([`Session::end`](crate::Session::end)).
    Ended,
    /// The visitor signed out.
    SignedOut,
    /// The visitor signed in as somebody else.
    SignedInAsAnother,
    /// Ended from outside: by an operator or the application.
    Revoked,
    /// A secret replaced long ago was presented: two clients hold copies of one key.
    KeyReused,
    /// The visitor ended it from another of their sessions ("log out everywhere").
    SignedOutElsewhere,
    /// Its visitor signed in once more than they may at a time, and it was the oldest of their sessions.
    OverLimit,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ended,
        Self::SignedOut,
        Self::SignedInAsAnother,
        Self::Revoked,
        Self::KeyReused,
        Self::SignedOutElsewhere,
        Self::OverLimit,
    ];

    /// The reason in a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::SignedOut => "signed out",
            Self::SignedInAsAnother => "signed in as another",
            Self::Revoked => "revoked",
            Self::KeyReused => "key reused",
            Self::SignedOutElsewhere => "signed out elsewhere",
            Self::OverLimit => "session limit",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What stays of an ended session: no value, enough to tell its typed_value why, and proof against revival.
#[derive(Clone, Debug)]
pub struct Tombstone(Arc<TombstoneFields>);

#[derive(Debug)]
struct TombstoneFields {
    credentials: Credentials,
    principal: Option<Principal>,
    ending: Ending,
}

impl Tombstone {
    fn new(credentials: Credentials, principal: Option<Principal>, ending: Ending) -> Self {
        Self(Arc::new(TombstoneFields { credentials, principal, ending }))
    }

    /// How and when the session was ended.
    pub fn ending(&self) -> Ending {
        self.0.ending
    }

    /// Who was signed in, if anybody.
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// The secrets' traces, for the protocol's functions.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }
}

/// What a store holds under an id: a live session or what stays of one.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both, and there will be no third")]
pub enum Stored {
    /// A live session, which may be past its deadlines.
    Live(Record),
    /// An ended session.
    Ended(Tombstone),
}

impl Stored {
    /// From when on the entry is garbage.
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::Live(record) => record.expires_at(),
            Self::Ended(tombstone) => tombstone.ending().keep_until,
        }
    }

    /// The secrets' traces, for the protocol's functions.
    pub fn credentials(&self) -> &Credentials {
        match self {
            Self::Live(record) => record.credentials(),
            Self::Ended(tombstone) => tombstone.credentials(),
        }
    }

    /// The entry as bytes, in the format drawn in this crate's `record/wire.rs`.
    ///
    /// # Errors
    /// [`CodecError`](crate::value::CodecError) if the value can't be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, crate::value::CodecError> {
        wire::encode(self)
    }

    /// All of the entry but its value, for a store that keeps the value in a place of its own: what a touch changes is in
    /// this part. It is how [`Stored::to_bytes`] begins.
    pub fn to_head(&self) -> Vec<u8> {
        wire::encode_head(self)
    }

    /// Reads what [`Stored::to_head`] wrote, and puts the value back; one beside an ended session is ignored.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else; hostile bytes can't do worse.
    pub fn from_head(head: &[u8], payload: Payload) -> Result<Self, DecodeError> {
        Ok(match wire::decode_head(head)? {
            Self::Live(record) => Self::Live(record.edited(|fields| fields.payload = payload)),
            ended @ Self::Ended(_) => ended,
        })
    }

    /// Reads what [`Stored::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else; hostile bytes can't do worse.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        wire::decode(bytes)
    }
}

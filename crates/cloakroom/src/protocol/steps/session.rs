//! A session as an operation sees it.

use super::super::{Failure, KeyStatus, NoSession, Rules as _, judge_family};
use super::Context;
use super::context::decode;
use crate::key::{Key, KeyFamily, PublicId, Secret};
use crate::record::{Record, Stored};

/// A live session, as it was read or written last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "for the runner and for checkers only")]
pub struct Loaded<T> {
    /// What it was opened with.
    pub credential: Credential,
    /// Its record.
    pub record: Record,
    /// Its decoded value; `None` if it was never given one.
    pub value: Option<T>,
}

/// What a session was opened with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a holder of one or of the other")]
pub enum Credential {
    /// A key that a request presented, or is sent.
    Key(Key),
    /// The family of a key that a request presented earlier. There is no key.
    KeyFamily(PublicId, KeyFamily),
}

/// What a request knows of its session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a request must handle every case")]
pub enum SessionState<T> {
    /// It has one.
    Live(Loaded<T>),
    /// It has none, and can begin one.
    Absent(NoSession),
    /// Its key was replaced a moment ago: it begins none, except by a login.
    Superseded,
    /// It has ended its session, and writes nothing more, except by a login.
    Over,
}

impl Credential {
    /// The id of the session.
    pub const fn id(&self) -> PublicId {
        match self {
            Self::Key(key) => key.id(),
            Self::KeyFamily(id, _) => *id,
        }
    }
}

impl<T> Loaded<T> {
    /// The id of the session.
    pub const fn id(&self) -> PublicId {
        self.credential.id()
    }

    /// The key, if the session was opened with one.
    pub const fn key(&self) -> Option<&Key> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::KeyFamily(..) => None,
        }
    }

    /// A key of this session with a fresh secret.
    pub(super) fn key_with(&self, fresh: &Secret) -> Key {
        Key::new(self.id(), fresh.clone())
    }
}

/// The status of `credential` for a record that was just read.
pub(super) fn judge_credential<C: Context>(
    context: &C,
    credential: &Credential,
    record: &Record,
) -> KeyStatus {
    let (policy, now) = (context.policy(), context.now());
    match credential {
        Credential::Key(key) => {
            let verifier = key.verifier(policy.kind);
            context.rules().judge_again(record, &verifier, policy.reuse.after, now)
        }
        Credential::KeyFamily(_, family) => judge_family(record, *family, now),
    }
}

/// The session that `credential` opens in a record that was just read.
pub(super) fn load_record<C: Context>(
    context: &C,
    credential: &Credential,
    record: Record,
) -> Result<Loaded<C::Value>, Failure> {
    match judge_credential(context, credential, &record) {
        KeyStatus::Valid => {
            let value =
                decode(context, credential.id(), record.payload()).map_err(Failure::Corrupt)?;
            Ok(Loaded { credential: credential.clone(), record, value })
        }
        status => Err(refusal(status)),
    }
}

/// The session that `credential` opens in what the store returned.
pub(super) fn load_stored<C: Context>(
    context: &C,
    credential: &Credential,
    stored: Option<Stored>,
) -> Result<Loaded<C::Value>, Failure> {
    let status = match (stored, credential) {
        (Some(Stored::Live(record)), _) => return load_record(context, credential, record),
        (Some(Stored::Ended(tombstone)), Credential::Key(key)) => {
            context.rules().judge_ended(&tombstone, &key.verifier(context.policy().kind))
        }
        // A family is never presented by a stranger: the application took it from an open session.
        (Some(Stored::Ended(tombstone)), Credential::KeyFamily(..)) => {
            KeyStatus::Invalid(NoSession::Ended(tombstone.ending().reason))
        }
        (None, _) => KeyStatus::Invalid(NoSession::Unknown),
    };
    Err(refusal(status))
}

/// The failure of an operation on a session whose credential has this status.
pub(super) fn refusal(status: KeyStatus) -> Failure {
    match status {
        KeyStatus::Valid | KeyStatus::Superseded => Failure::Superseded,
        KeyStatus::Reused => Failure::NoSession(NoSession::Retired),
        KeyStatus::Invalid(no_session) => Failure::NoSession(no_session),
    }
}

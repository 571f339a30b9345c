//! A session as an operation sees it.

use super::super::{
    Failure, KeyStatus, NoSession, Rules as _, former_family, judge_family, judge_id,
};
use super::Context;
use super::context::decode;
use crate::key::{Carrier, Key, KeyFamily, KindTag, PublicId, Secret};
use crate::record::{EndReason, Record, Stored};
use crate::time::Timestamp;

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
#[expect(clippy::exhaustive_enums, reason = "its holder, or the application")]
pub enum Credential {
    /// A key that a request presented, or is sent.
    Key(Key),
    /// The family of a key that a request presented earlier. There is no key.
    KeyFamily(PublicId, Box<HeldFamily>),
    /// The same, of a holder who needs no proof of the device to which the session is bound.
    WithoutProof(PublicId, KeyFamily),
    /// The session's id: the application changes a session that is not the request's own. There is
    /// no key, and what it does is no use of the session.
    Id(PublicId),
}

/// What is left of a key that a request presented earlier. In a box, as few sessions are opened so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct HeldFamily {
    /// The family of the key.
    pub family: KeyFamily,
    /// Until when the key opens the session, if that is bound to a device.
    pub until: Option<Timestamp>,
}

/// What a request knows of its session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a request must handle every case")]
pub enum SessionState<T> {
    /// It has one.
    Live(Loaded<T>),
    /// It has none.
    Absent(NoSession),
    /// It has none, but presented a key of a session that is there.
    Former(FormerKey),
    /// It has ended its session, and writes nothing more, except by a login.
    Over,
}

/// A key that opens nothing, of a session that is there: the key was replaced, or the session
/// cannot be read.
///
/// A login of the same principal goes on with that session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "for the runner and for checkers only")]
pub struct FormerKey {
    /// The key.
    pub key: Key,
    /// Why it opens nothing.
    pub why: NoSession,
    /// The session's record, if it can be read.
    pub record: Option<Record>,
}

impl FormerKey {
    /// What anti-forgery tokens of this key's holder are made from.
    pub fn family(&self, kind: KindTag) -> KeyFamily {
        self.key.verifier(kind).former_family()
    }

    /// The key family that the key belonged to, if it is remembered and is a former one.
    pub fn old_family(&self, kind: KindTag) -> Option<KeyFamily> {
        former_family(self.record.as_ref()?, &self.key.verifier(kind))
    }
}

impl<T> SessionState<T> {
    /// Why a request in this state cannot begin a session; `Ok` if it can.
    ///
    /// # Errors
    /// The [`Failure`] of any operation that would.
    pub(super) fn may_begin<C: Context>(&self, context: &C) -> Result<NoSession, Failure> {
        match self.no_session() {
            None => Err(Failure::OutOfOrder),
            // By policy, a damaged session may be set aside.
            Some(no_session) if matches!(self, Self::Absent(NoSession::Unreadable)) => {
                Ok(no_session)
            }
            Some(_) if matches!(self, Self::Over) => {
                Err(Failure::NoSession(NoSession::Ended(EndReason::Ended)))
            }
            Some(no_session) => match context.rules().beginning(no_session) {
                None => Ok(no_session),
                Some(refusal) => Err(refusal),
            },
        }
    }

    /// Why there is no session; `None` if there is one.
    pub fn no_session(&self) -> Option<NoSession> {
        match self {
            Self::Live(_) => None,
            Self::Absent(no_session) => Some(*no_session),
            Self::Former(former) => Some(former.why),
            Self::Over => Some(NoSession::Ended(EndReason::Ended)),
        }
    }
}

impl Credential {
    /// The id of the session.
    pub const fn id(&self) -> PublicId {
        match self {
            Self::Key(key) => key.id(),
            Self::KeyFamily(id, ..) | Self::WithoutProof(id, _) | Self::Id(id) => *id,
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
            Credential::KeyFamily(..) | Credential::WithoutProof(..) | Credential::Id(_) => None,
        }
    }

    /// A key of this session with a fresh secret, which travels as the present one does.
    pub(super) fn key_with(&self, fresh: &Secret) -> Key {
        let key = Key::new(self.id(), fresh.clone());
        key.carried_by(self.key().map_or(Carrier::Cookie, Key::carrier))
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
        Credential::KeyFamily(_, held) => judge_family(record, held.family, held.until, now),
        Credential::WithoutProof(_, family) => match judge_family(record, *family, None, now) {
            KeyStatus::Invalid(NoSession::ProofNeeded) => KeyStatus::Valid,
            status => status,
        },
        Credential::Id(_) => judge_id(record, policy.kind, now),
    }
}

/// The session that `credential` opens in a record that was just read.
pub(super) fn load_record<C: Context>(
    context: &C,
    credential: &Credential,
    record: Record,
) -> Result<Loaded<C::Value>, Failure> {
    load_record_if(context, credential, record, |status, _| status == KeyStatus::Valid)
}

/// The same for an operation that `admits` other statuses, too.
pub(super) fn load_record_if<C: Context>(
    context: &C,
    credential: &Credential,
    record: Record,
    admits: impl FnOnce(KeyStatus, &Record) -> bool,
) -> Result<Loaded<C::Value>, Failure> {
    let status = judge_credential(context, credential, &record);
    if !admits(status, &record) {
        return Err(refusal(status));
    }
    let value = decode(context, credential.id(), record.payload()).map_err(Failure::Corrupt)?;
    Ok(Loaded { credential: credential.clone(), record, value })
}

/// The session that `credential` opens in what the store returned.
pub(super) fn load_stored<C: Context>(
    context: &C,
    credential: &Credential,
    stored: Option<Stored>,
) -> Result<Loaded<C::Value>, Failure> {
    load_stored_if(context, credential, stored, |status, _| status == KeyStatus::Valid)
}

/// The same for an operation that `admits` other statuses, too.
pub(super) fn load_stored_if<C: Context>(
    context: &C,
    credential: &Credential,
    stored: Option<Stored>,
    admits: impl FnOnce(KeyStatus, &Record) -> bool,
) -> Result<Loaded<C::Value>, Failure> {
    let status = match (stored, credential) {
        (Some(Stored::Live(record)), _) => {
            return load_record_if(context, credential, record, admits);
        }
        (Some(Stored::Ended(tombstone)), Credential::Key(key)) => {
            context.rules().judge_ended(&tombstone, &key.verifier(context.policy().kind))
        }
        // Neither is presented by a stranger: the application has it from a session, or a list.
        (Some(Stored::Ended(tombstone)), _) => {
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
        KeyStatus::Invalid(NoSession::ProofNeeded) => Failure::ProofNeeded,
        KeyStatus::Invalid(no_session) => Failure::NoSession(no_session),
    }
}

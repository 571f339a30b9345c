//! What can happen.

use std::net::IpAddr;
use std::time::Duration;

use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::EndReason;
use crate::store::{Call, StoreError};
use crate::value::CodecError;

/// Something that happened to a session. It names the session by its id and never shows a secret or a value.
///
/// Each has a [`name`](Event::name), after OWASP's Logging Vocabulary where that has one; `docs/events.md` tells what each
/// means to an operator.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// `session_created`: a session was stored for the first time.
    Created {
        /// The session.
        id: PublicId,
    },
    /// `session_signed_in`: somebody signed in.
    SignedIn {
        /// The session.
        id: PublicId,
        /// Who.
        principal: &'a Principal,
    },
    /// `session_renewed`: a session's secret was replaced.
    Renewed {
        /// The session.
        id: PublicId,
    },
    /// `session_expired`: a session was ended before its time.
    Ended {
        /// The session.
        id: PublicId,
        /// Why.
        reason: EndReason,
    },
    /// `session_use_after_expire`: a key was presented that had opened a session which is over.
    UseAfterEnd {
        /// The session.
        id: PublicId,
        /// Why it was ended; `None` if it reached a deadline.
        reason: Option<EndReason>,
    },
    /// `excess_sessions_exceeded`: a principal signed in once more than they may; the login was refused, or their oldest
    /// session ended.
    ExcessSession {
        /// Who.
        principal: &'a Principal,
        /// How many sessions they may have.
        limit: u8,
    },
    /// `session_login_revoked`: a login was refused because its proof is older than a revocation.
    LoginRevoked {
        /// Who.
        principal: &'a Principal,
    },
    /// `session_key_unknown`: a well-formed key named no session.
    UnknownKey {
        /// What it named.
        id: PublicId,
        /// The client's address, as far as the [`ClientPolicy`](crate::http::ClientPolicy) notes it.
        client: Option<IpAddr>,
    },
    /// `session_key_wrong`: a key had the right id and a secret that never was one of the session's.
    WrongSecret {
        /// The session.
        id: PublicId,
        /// The client's address, as far as the [`ClientPolicy`](crate::http::ClientPolicy) notes it.
        client: Option<IpAddr>,
    },
    /// `session_key_retired`: a secret was presented that had been replaced; it opened nothing.
    RetiredKey {
        /// The session.
        id: PublicId,
    },
    /// `session_key_reused`: a secret renewed away long ago was presented: two clients hold copies of one key.
    KeyReused {
        /// The session.
        id: PublicId,
    },
    /// `session_keys_multiple`: one request carried several keys of one name (perhaps planted by a sibling domain).
    MultipleKeys {
        /// How many.
        count: usize,
    },
    /// `session_unreadable`: a session's value could not be decoded.
    Unreadable {
        /// The session.
        id: PublicId,
        /// Why.
        error: &'a CodecError,
    },
    /// `session_write_retried`: a write lost races against others before it won.
    WriteRetried {
        /// The session.
        id: PublicId,
        /// How many it lost.
        lost: u32,
    },
    /// `session_write_conflict`: a write lost its races for so long that it was given up.
    WriteConflict {
        /// The session.
        id: PublicId,
    },
    /// `sessions_swept`: garbage was removed from the store.
    Swept {
        /// How many entries.
        count: usize,
    },
    /// `store_called`: the store answered; see [`InstrumentedStore`](crate::stores::InstrumentedStore).
    StoreCalled {
        /// What was asked.
        call: Call,
        /// How long the answer took.
        took: Duration,
        /// How it failed, if it did.
        error: Option<&'a StoreError>,
    },
}

/// How much an event matters to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the levels of every log")]
pub enum EventLevel {
    /// Only to whoever looks for the cause of something.
    Debug,
    /// The life of sessions as it should be.
    Info,
    /// Something to look into if it is not rare.
    Warn,
}

impl Event<'_> {
    /// All names, in the order of the variants.
    pub const NAMES: [&'static str; 17] = [
        "session_created",
        "session_signed_in",
        "session_renewed",
        "session_expired",
        "session_use_after_expire",
        "excess_sessions_exceeded",
        "session_login_revoked",
        "session_key_unknown",
        "session_key_wrong",
        "session_key_retired",
        "session_key_reused",
        "session_keys_multiple",
        "session_unreadable",
        "session_write_retried",
        "session_write_conflict",
        "sessions_swept",
        "store_called",
    ];

    /// Its place among [`Event::NAMES`].
    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::Created { .. } => 0,
            Self::SignedIn { .. } => 1,
            Self::Renewed { .. } => 2,
            Self::Ended { .. } => 3,
            Self::UseAfterEnd { .. } => 4,
            Self::ExcessSession { .. } => 5,
            Self::LoginRevoked { .. } => 6,
            Self::UnknownKey { .. } => 7,
            Self::WrongSecret { .. } => 8,
            Self::RetiredKey { .. } => 9,
            Self::KeyReused { .. } => 10,
            Self::MultipleKeys { .. } => 11,
            Self::Unreadable { .. } => 12,
            Self::WriteRetried { .. } => 13,
            Self::WriteConflict { .. } => 14,
            Self::Swept { .. } => 15,
            Self::StoreCalled { .. } => 16,
        }
    }

    /// The event's stable name.
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// How much it matters.
    pub const fn level(&self) -> EventLevel {
        match self {
            Self::Created { .. }
            | Self::SignedIn { .. }
            | Self::Renewed { .. }
            | Self::Ended { .. }
            | Self::UseAfterEnd { .. }
            | Self::ExcessSession { .. }
            | Self::LoginRevoked { .. } => EventLevel::Info,
            Self::UnknownKey { .. }
            | Self::RetiredKey { .. }
            | Self::WriteRetried { .. }
            | Self::Swept { .. }
            | Self::StoreCalled { error: None, .. } => EventLevel::Debug,
            Self::WrongSecret { .. }
            | Self::KeyReused { .. }
            | Self::MultipleKeys { .. }
            | Self::Unreadable { .. }
            | Self::WriteConflict { .. }
            | Self::StoreCalled { error: Some(_), .. } => EventLevel::Warn,
        }
    }

    /// The session it is about, if about one: the correlation of events.
    pub const fn session(&self) -> Option<PublicId> {
        match self {
            Self::Created { id }
            | Self::SignedIn { id, .. }
            | Self::Renewed { id }
            | Self::Ended { id, .. }
            | Self::UseAfterEnd { id, .. }
            | Self::UnknownKey { id, .. }
            | Self::WrongSecret { id, .. }
            | Self::RetiredKey { id }
            | Self::KeyReused { id }
            | Self::Unreadable { id, .. }
            | Self::WriteRetried { id, .. }
            | Self::WriteConflict { id } => Some(*id),
            Self::StoreCalled { call, .. } => call.id,
            Self::ExcessSession { .. }
            | Self::LoginRevoked { .. }
            | Self::MultipleKeys { .. }
            | Self::Swept { .. } => None,
        }
    }

    /// Who it is about, if it tells.
    pub const fn principal(&self) -> Option<&Principal> {
        match self {
            Self::SignedIn { principal, .. }
            | Self::ExcessSession { principal, .. }
            | Self::LoginRevoked { principal } => Some(principal),
            _ => None,
        }
    }

    /// Why the session ended, for `session_expired` and `session_use_after_expire`: `"timeout"` for a deadline.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Ended { reason, .. } | Self::UseAfterEnd { reason: Some(reason), .. } => {
                Some(reason.as_str())
            }
            Self::UseAfterEnd { reason: None, .. } => Some("timeout"),
            _ => None,
        }
    }
}

//! The events that observers receive.

use std::net::IpAddr;
use std::time::Duration;

use crate::key::PublicId;
use crate::observe::{CookieLoss, ProofRefusal, SkipReason};
use crate::policy::Principal;
use crate::record::EndReason;
use crate::store::{Call, StoreError};
use crate::value::CodecError;

/// Something that happened to a session.
///
/// It names the session by its public id, and contains no secret and no value.
///
/// Each event has a [`name`](Event::name), from OWASP's Logging Vocabulary where that has one.
/// `docs/events.md` says what each means to an operator.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// `session_created`: a session was stored for the first time.
    Created {
        /// The session.
        id: PublicId,
    },
    /// `session_signed_in`: a user signed in on a session.
    SignedIn {
        /// The session.
        id: PublicId,
        /// Who signed in.
        principal: &'a Principal,
    },
    /// `session_renewed`: a session's key was replaced, on the timer, by a sign-in, or by
    /// [`renew`](crate::Session::renew).
    Renewed {
        /// The session.
        id: PublicId,
    },
    /// `session_expired`: a session was ended before its deadline.
    Ended {
        /// The session.
        id: PublicId,
        /// Why.
        reason: EndReason,
    },
    /// `session_use_after_expire`: a key was presented whose session has ended or expired.
    UseAfterEnd {
        /// The session.
        id: PublicId,
        /// Why it was ended; `None` if it reached a deadline.
        reason: Option<EndReason>,
    },
    /// `session_limit_exceeded`: a principal signed in at their session limit.
    ///
    /// The sign-in was refused, or their oldest session ended.
    SessionLimitExceeded {
        /// Who signed in.
        principal: &'a Principal,
        /// How many sessions they can have.
        limit: u8,
    },
    /// `session_login_revoked`: a sign-in was refused because it is older than a revocation of the
    /// principal's sessions.
    LoginRevoked {
        /// Who tried to sign in.
        principal: &'a Principal,
    },
    /// `session_key_unknown`: a well-formed key named no session.
    UnknownKey {
        /// The id in the key.
        id: PublicId,
        /// The client's address, if the [`ClientPolicy`](crate::http::ClientPolicy) records it.
        client: Option<IpAddr>,
    },
    /// `session_key_wrong`: a key had the id of a session, and a secret that was never one of its
    /// secrets.
    WrongSecret {
        /// The session.
        id: PublicId,
        /// The client's address, if the [`ClientPolicy`](crate::http::ClientPolicy) records it.
        client: Option<IpAddr>,
    },
    /// `session_key_retired`: a key was presented that has been replaced.
    ///
    /// It opened nothing.
    RetiredKey {
        /// The session.
        id: PublicId,
    },
    /// `session_key_reused`: a key was presented that a timed renewal retired minutes ago, so two
    /// clients hold copies of one key.
    KeyReused {
        /// The session.
        id: PublicId,
    },
    /// `session_bound`: a session was bound to a device; it is confirmed at its first use.
    Bound {
        /// The session.
        id: PublicId,
    },
    /// `session_proof_accepted`: a device proved that it has its key, and the session was given
    /// another secret.
    ProofAccepted {
        /// The session.
        id: PublicId,
    },
    /// `session_proof_refused`: a proof of a device led to nothing.
    ProofRefused {
        /// The session, if the request named one.
        id: Option<PublicId>,
        /// Why.
        refusal: ProofRefusal,
    },
    /// `session_proof_skipped`: a browser could not refresh the cookie of a bound session.
    ProofSkipped {
        /// The session.
        id: PublicId,
        /// Why.
        reason: SkipReason,
    },
    /// `session_unbound`: a sign-in dropped the binding to a device.
    Unbound {
        /// The session.
        id: PublicId,
    },
    /// `session_keys_multiple`: one request presented several keys, for example because a sibling
    /// domain set a cookie of the same name.
    MultipleKeys {
        /// How many values were presented.
        count: usize,
    },
    /// `session_keys_ambiguous`: one request presented keys of two live sessions. The first was
    /// used, and the other left alone.
    AmbiguousKeys {
        /// The session that was used.
        used: PublicId,
        /// The other session.
        other: PublicId,
    },
    /// `session_cookie_lost`: cookies of this name do not come back, so that every request begins
    /// another session.
    ///
    /// Reported at most once for each [`CookieLoss`], until a cookie comes back.
    CookieLost {
        /// The cookie's name.
        cookie: &'a str,
        /// Why, as far as that is known.
        loss: CookieLoss,
    },
    /// `session_import_withheld`: a request presented a session of ours and, for
    /// [`import_legacy`](crate::RequestSession::import_legacy), the token of another one. It kept
    /// the session that it has.
    ImportWithheld {
        /// The session that it has.
        id: PublicId,
    },
    /// `session_import_unknown`: a token for
    /// [`import_legacy`](crate::RequestSession::import_legacy) leads to no session.
    UnknownImport {
        /// The client's address, if the [`ClientPolicy`](crate::http::ClientPolicy) records it.
        client: Option<IpAddr>,
    },
    /// `session_unreadable`: a session could not be read.
    Unreadable {
        /// The session.
        id: PublicId,
        /// Why.
        error: &'a CodecError,
    },
    /// `session_write_retried`: a write lost races against other writers before it succeeded.
    WriteRetried {
        /// The session.
        id: PublicId,
        /// How many races it lost.
        lost: u32,
    },
    /// `session_write_conflict`: a write kept losing races and was given up.
    WriteConflict {
        /// The session.
        id: PublicId,
    },
    /// `sessions_swept`: expired sessions and old tombstones were removed from the store.
    Swept {
        /// How many entries.
        count: usize,
    },
    /// `store_called`: the store answered a call.
    StoreCalled {
        /// The call.
        call: Call,
        /// How long the answer took.
        took: Duration,
        /// The error, if it failed.
        error: Option<&'a StoreError>,
    },
}

/// How important an event is to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the levels of every log")]
pub enum EventLevel {
    /// Of interest only when looking for the cause of something.
    Debug,
    /// The normal life of sessions.
    Info,
    /// Worth looking into unless it is rare.
    Warn,
}

impl Event<'_> {
    /// The names of all events, in the order of the variants.
    pub const NAMES: [&'static str; 26] = [
        "session_created",
        "session_signed_in",
        "session_renewed",
        "session_expired",
        "session_use_after_expire",
        "session_limit_exceeded",
        "session_login_revoked",
        "session_key_unknown",
        "session_key_wrong",
        "session_key_retired",
        "session_key_reused",
        "session_bound",
        "session_proof_accepted",
        "session_proof_refused",
        "session_proof_skipped",
        "session_unbound",
        "session_keys_multiple",
        "session_keys_ambiguous",
        "session_cookie_lost",
        "session_import_withheld",
        "session_import_unknown",
        "session_unreadable",
        "session_write_retried",
        "session_write_conflict",
        "sessions_swept",
        "store_called",
    ];

    /// The position of this event's name in [`Event::NAMES`].
    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::Created { .. } => 0,
            Self::SignedIn { .. } => 1,
            Self::Renewed { .. } => 2,
            Self::Ended { .. } => 3,
            Self::UseAfterEnd { .. } => 4,
            Self::SessionLimitExceeded { .. } => 5,
            Self::LoginRevoked { .. } => 6,
            Self::UnknownKey { .. } => 7,
            Self::WrongSecret { .. } => 8,
            Self::RetiredKey { .. } => 9,
            Self::KeyReused { .. } => 10,
            Self::Bound { .. } => 11,
            Self::ProofAccepted { .. } => 12,
            Self::ProofRefused { .. } => 13,
            Self::ProofSkipped { .. } => 14,
            Self::Unbound { .. } => 15,
            Self::MultipleKeys { .. } => 16,
            Self::AmbiguousKeys { .. } => 17,
            Self::CookieLost { .. } => 18,
            Self::ImportWithheld { .. } => 19,
            Self::UnknownImport { .. } => 20,
            Self::Unreadable { .. } => 21,
            Self::WriteRetried { .. } => 22,
            Self::WriteConflict { .. } => 23,
            Self::Swept { .. } => 24,
            Self::StoreCalled { .. } => 25,
        }
    }

    /// The event's name, which is stable.
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// How important the event is.
    pub const fn level(&self) -> EventLevel {
        match self {
            Self::Created { .. }
            | Self::SignedIn { .. }
            | Self::Renewed { .. }
            | Self::Ended { .. }
            | Self::UseAfterEnd { .. }
            | Self::SessionLimitExceeded { .. }
            | Self::LoginRevoked { .. }
            | Self::Bound { .. }
            | Self::ProofSkipped { .. }
            | Self::Unbound { .. } => EventLevel::Info,
            Self::UnknownKey { .. }
            | Self::UnknownImport { .. }
            | Self::RetiredKey { .. }
            | Self::ProofAccepted { .. }
            | Self::WriteRetried { .. }
            | Self::Swept { .. }
            | Self::StoreCalled { error: None, .. } => EventLevel::Debug,
            Self::WrongSecret { .. }
            | Self::KeyReused { .. }
            | Self::ProofRefused { .. }
            | Self::MultipleKeys { .. }
            | Self::AmbiguousKeys { .. }
            | Self::CookieLost { .. }
            | Self::ImportWithheld { .. }
            | Self::Unreadable { .. }
            | Self::WriteConflict { .. }
            | Self::StoreCalled { error: Some(_), .. } => EventLevel::Warn,
        }
    }

    /// The session that the event is about, if it is about one: use it to correlate events.
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
            | Self::Bound { id }
            | Self::ProofAccepted { id }
            | Self::ProofSkipped { id, .. }
            | Self::Unbound { id }
            | Self::ImportWithheld { id }
            | Self::Unreadable { id, .. }
            | Self::WriteRetried { id, .. }
            | Self::WriteConflict { id } => Some(*id),
            Self::AmbiguousKeys { used, .. } => Some(*used),
            Self::ProofRefused { id, .. } => *id,
            Self::StoreCalled { call, .. } => call.id,
            Self::SessionLimitExceeded { .. }
            | Self::LoginRevoked { .. }
            | Self::MultipleKeys { .. }
            | Self::CookieLost { .. }
            | Self::UnknownImport { .. }
            | Self::Swept { .. } => None,
        }
    }

    /// The principal that the event is about, if it names one.
    pub const fn principal(&self) -> Option<&Principal> {
        match self {
            Self::SignedIn { principal, .. }
            | Self::SessionLimitExceeded { principal, .. }
            | Self::LoginRevoked { principal } => Some(principal),
            _ => None,
        }
    }

    /// The client's address, for `session_key_unknown` and `session_key_wrong`.
    ///
    /// # Security
    /// An address is personal data. It is known only if the
    /// [`ClientPolicy`](crate::http::ClientPolicy) records addresses.
    pub const fn client(&self) -> Option<IpAddr> {
        match self {
            Self::UnknownKey { client, .. } | Self::WrongSecret { client, .. } => *client,
            _ => None,
        }
    }

    /// Why the session ended, for `session_expired` and `session_use_after_expire`: `"timeout"` if
    /// it reached a deadline; and why a proof led to nothing or was not made, for
    /// `session_proof_refused` and `session_proof_skipped`.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Ended { reason, .. } | Self::UseAfterEnd { reason: Some(reason), .. } => {
                Some(reason.as_str())
            }
            Self::UseAfterEnd { reason: None, .. } => Some("timeout"),
            Self::ProofRefused { refusal, .. } => Some(refusal.as_str()),
            Self::ProofSkipped { reason, .. } => Some(reason.as_str()),
            _ => None,
        }
    }
}

//! Why an operation was not carried out.

use std::io;

use super::NoSession;
use crate::store::StoreError;
use crate::value::CodecError;

/// Why an operation was not carried out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// There is no session to act on.
    NoSession(NoSession),
    /// The key was replaced a moment ago.
    Superseded,
    /// The client has a session that cannot be read: its key must not be replaced.
    Unreadable,
    /// The session is bound to a device, and the request came without a proof.
    ProofNeeded,
    /// Another site started the request.
    CrossSite,
    /// A bearer key would be minted, and none is accepted.
    NoBearer,
    /// Other writers kept winning, or every id was taken.
    Conflict,
    /// A key would have to be sent, and the response head is gone.
    HeadersSent,
    /// The limit refuses another session of this principal.
    TooManySessions,
    /// The principal's sessions were revoked after this sign-in.
    LoginRevoked,
    /// The store failed.
    StoreFailed(StoreError),
    /// The value cannot be stored.
    Unfit(CodecError),
    /// The value cannot be decoded.
    Corrupt(CodecError),
    /// The system has no randomness.
    Randomness(io::Error),
    /// The runner answered a question that the operation had not asked.
    OutOfOrder,
}

impl Failure {
    /// The same failure of an operation of which a part has happened.
    pub(super) fn of_unknown_outcome(self) -> Self {
        match self {
            Self::StoreFailed(error) => Self::StoreFailed(error.of_unknown_outcome()),
            failure => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::StoreFailed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Randomness(error)
    }
}

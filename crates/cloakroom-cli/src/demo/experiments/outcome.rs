//! What happened in an experiment: a session keeps the last one.

use cloakroom::record::EndReason;
use cloakroom::{NoSession, Session};
use serde::{Deserialize, Serialize};

use super::super::visitor::Visitor;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::demo) enum Outcome {
    /// Many updates were sent at once. The counter was `before`, and then `after`.
    Updates { before: u64, after: u64, refused: usize },
    /// The old key was sent just after the renewal, and `later` on a copy of the site.
    OldKey { answer: KeyAnswer, later: Vec<Moment> },
    /// Two sign-ins came with one key, and led to the same new key or not.
    SignIn { is_same_key: bool },
    /// The session was left a few seconds.
    Expiry,
}

/// An old key that is sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::demo) struct Moment {
    /// How long after the renewal.
    pub(in crate::demo) seconds: u64,
    pub(in crate::demo) answer: KeyAnswer,
}

/// What an old key gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::demo) enum KeyAnswer {
    /// The session.
    Opens,
    /// The error that says to try again with the newer key.
    TryAgain,
    /// No session.
    Nothing,
    /// No session, because it was ended.
    Ended,
}

impl KeyAnswer {
    pub(super) fn of(session: &Session<Visitor>) -> Self {
        match session.no_session() {
            None => Self::Opens,
            Some(NoSession::Superseded) => Self::TryAgain,
            Some(NoSession::Ended(EndReason::KeyReused)) => Self::Ended,
            Some(_) => Self::Nothing,
        }
    }
}

//! Which steps of the library's operations were taken: a check that never gets there proves
//! nothing.

mod list;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cloakroom::protocol::steps::{Answer, Ask, Imported, SessionState};
use cloakroom::protocol::{CookieChange, Failure, NoSession};
use cloakroom::record::Stored;
use cloakroom::store::{
    Ended, Indexed, Inserted, Lookup, Outcome as Certainty, StoreError, StoreErrorKind, Swap,
};

use crate::work::{Outcome, Work};

/// A step of an operation: the question that follows an answer (`"start"` for the first), the kind
/// of an answer to a question, or what the operation ends with (after `"outcome"`).
pub(crate) type Taken = (&'static str, &'static str, &'static str);

/// The steps that were taken.
#[derive(Debug, Default)]
pub(crate) struct Coverage(Mutex<BTreeSet<Taken>>);

impl Coverage {
    /// An operation was answered, after the answer `last` if this is not its first.
    pub(crate) fn add(&self, work: &'static str, last: Option<&'static str>, kind: &'static str) {
        let (question, answer) = kind.split_once(": ").unwrap_or((kind, kind));
        self.insert([(work, last.unwrap_or("start"), question), (work, question, answer)]);
    }

    /// An operation has ended.
    pub(crate) fn finish(&self, work: &Work, outcome: &Outcome) {
        self.insert([(work.name(), "outcome", name_of(outcome))]);
    }

    fn insert(&self, taken: impl IntoIterator<Item = Taken>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(taken);
    }

    fn taken(&self) -> BTreeSet<Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The listed steps that were never taken.
    pub(crate) fn missed(&self) -> Vec<Taken> {
        listed().difference(&self.taken()).copied().collect()
    }

    /// The steps that were taken and are not listed.
    pub(crate) fn unlisted(&self) -> Vec<Taken> {
        self.taken().difference(&listed()).copied().collect()
    }
}

/// All steps that must be taken.
pub(crate) fn listed() -> BTreeSet<Taken> {
    let rows = list::STEPS.iter();
    rows.flat_map(|(work, from, to)| to.iter().map(|to| (*work, *from, *to))).collect()
}

/// A question and the kind of its answer.
pub(crate) fn kind_of(ask: &Ask, answer: &Answer) -> &'static str {
    match (ask, answer) {
        (_, Answer::Lookup(Ok(Lookup::Cached(_)))) => "get_cached: a copy",
        (_, Answer::Lookup(Ok(Lookup::Authoritative(found)))) => match found {
            None => "get_cached: nothing",
            Some(Stored::Live(_)) => "get_cached: live",
            Some(Stored::Ended(_)) => "get_cached: ended",
        },
        (_, Answer::Lookup(Err(error))) if error.kind() == StoreErrorKind::Corrupt => {
            "get_cached: corrupt"
        }
        (_, Answer::Lookup(Err(_))) => "get_cached: failed",
        (_, Answer::Stored(Ok(found))) => match found {
            None => "get: nothing",
            Some(Stored::Live(_)) => "get: live",
            Some(Stored::Ended(_)) => "get: ended",
        },
        (_, Answer::Stored(Err(_))) => "get: failed",
        (_, Answer::StoredEach(found)) if found.iter().any(is_unanswered) => "get_each: failed",
        (_, Answer::StoredEach(_)) => "get_each: done",
        (_, Answer::Inserted(Ok(Inserted::Done))) => "insert: done",
        (_, Answer::Inserted(Ok(Inserted::Taken))) => "insert: taken",
        (_, Answer::Inserted(Err(error))) => either(error, "insert: unknown", "insert: failed"),
        (Ask::EndIf(..), Answer::Swapped(swap)) => match swap {
            Ok(Swap::Done) => "end_if: done",
            Ok(Swap::Stale(_)) => "end_if: stale",
            Ok(Swap::Gone) => "end_if: gone",
            Err(_) => "end_if: failed",
        },
        (_, Answer::Swapped(swap)) => match swap {
            Ok(Swap::Done) => "replace: done",
            Ok(Swap::Stale(_)) => "replace: stale",
            Ok(Swap::Gone) => "replace: gone",
            Err(error) => either(error, "replace: unknown", "replace: failed"),
        },
        (_, Answer::Touched(Ok(true))) => "touch: done",
        (_, Answer::Touched(Ok(false))) => "touch: refused",
        (_, Answer::Touched(Err(_))) => "touch: failed",
        (_, Answer::Ended(Ok(Ended::Now))) => "end: now",
        (_, Answer::Ended(Ok(Ended::Already | Ended::Absent))) => "end: already",
        (_, Answer::Ended(Err(_))) => "end: failed",
        (_, Answer::Indexed(indexed)) => match indexed {
            Ok(Indexed::Done) => "index_login: done",
            Ok(Indexed::Full(_)) => "index_login: full",
            Ok(Indexed::Revoked) => "index_login: revoked",
            Err(error) => either(error, "index_login: unknown", "index_login: failed"),
        },
        (_, Answer::Revoked(Ok(()))) => "revoke_before: done",
        (_, Answer::Revoked(Err(_))) => "revoke_before: failed",
        (_, Answer::Erased(Ok(()))) => "erase: done",
        (_, Answer::Erased(Err(_))) => "erase: failed",
        (_, Answer::Listed(Ok(ids))) if ids.is_empty() => "sessions_of: none",
        (_, Answer::Listed(Ok(_))) => "sessions_of: some",
        (_, Answer::Listed(Err(_))) => "sessions_of: failed",
        (_, Answer::LoginTurn) => "login_turn: granted",
        (_, Answer::WriterTurn(None)) => "writer_turn: granted",
        (_, Answer::WriterTurn(Some(left))) if left.is_certain => {
            "writer_turn: granted with a record"
        }
        (_, Answer::WriterTurn(Some(_))) => "writer_turn: granted with a record to come",
    }
}

fn is_unanswered(found: &Result<Option<Stored>, StoreError>) -> bool {
    found.as_ref().err().is_some_and(|error| error.kind() != StoreErrorKind::Corrupt)
}

fn either(error: &StoreError, unknown: &'static str, failed: &'static str) -> &'static str {
    if error.outcome() == Certainty::Unknown { unknown } else { failed }
}

fn name_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Opened(opened) => session_name(&opened.session, &opened.cookie),
        Outcome::Written(written) => session_name(&written.session, &written.cookie),
        Outcome::Imported(Imported::Load) => "load the old session",
        Outcome::Imported(Imported::Nothing) => "nothing to import",
        Outcome::Imported(Imported::Found { session, cookie, .. }) => session_name(session, cookie),
        Outcome::Reloaded(_) => "live",
        Outcome::EndedAll => "ended",
        Outcome::Failed(failure) => match failure {
            Failure::NoSession(no_session) => absence_name(*no_session),
            Failure::Superseded => "superseded",
            Failure::Unreadable => "unreadable",
            Failure::CrossSite => "cross-site",
            Failure::Conflict => "conflict",
            Failure::TooManySessions => "too many sessions",
            Failure::LoginRevoked => "revoked",
            Failure::StoreFailed(_) => "the store failed",
            Failure::Randomness(_) => "no randomness",
            _ => "another failure",
        },
    }
}

fn session_name<T>(session: &SessionState<T>, cookie: &CookieChange) -> &'static str {
    match (session, cookie) {
        (SessionState::Live(_), CookieChange::Send { .. }) => "live, with a key to send",
        (SessionState::Live(_), _) => "live",
        (SessionState::Absent(no_session), _) => absence_name(*no_session),
        (SessionState::Former(former), _) => former_name(former.why),
        (SessionState::Over, _) => "over",
    }
}

const fn former_name(why: NoSession) -> &'static str {
    match why {
        NoSession::Superseded => "former key: superseded",
        NoSession::Retired => "former key: retired",
        NoSession::Unreadable => "former key: unreadable",
        _ => "former key: another reason",
    }
}

const fn absence_name(no_session: NoSession) -> &'static str {
    match no_session {
        NoSession::NoKey => "no session: no key",
        NoSession::Unknown => "no session: unknown",
        NoSession::WrongSecret => "no session: wrong secret",
        NoSession::Retired => "no session: retired",
        NoSession::Expired => "no session: expired",
        NoSession::Ended(_) => "no session: ended",
        NoSession::Unreadable => "no session: unreadable",
        NoSession::Withheld => "no session: withheld",
        _ => "no session: another reason",
    }
}

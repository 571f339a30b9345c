//! What can go wrong with the server.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// A conversation with the server that failed. It is also the [`source`](StdError::source) of the store's own errors.
#[derive(Clone, Debug)]
pub struct PostgresError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: PostgresErrorKind,
    attempted: &'static str,
    /// The server answered that it did not do it.
    is_refusal: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresErrorKind {
    /// The address or an option of it is not one.
    Url,
    /// The name of the schema or of the tables is not a plain one.
    Name,
    /// Nobody can be reached there, or the connection broke.
    Unreachable,
    /// No safe connection could be agreed on: there is no encryption, or the certificate is not good for the name.
    Tls,
    /// It did not answer in time, or said itself that it takes too long.
    TimedOut,
    /// It refused the name or the password, or does not let this user do that.
    Denied,
    /// It is there but takes no writes: it starts, stops, or is a standby.
    NotReady,
    /// Its disk is full.
    Full,
    /// There are no tables of that name.
    Missing,
    /// The tables were made by a later version of this crate.
    TooNew,
    /// The tables were made by an earlier version of this crate, and are not to be brought up to date here.
    TooOld,
    /// Others are in the way: they hold a lock for long, or wait for one that this operation had, which was given up.
    Conflict,
    /// A value was refused.
    Data,
    /// Anything else.
    Other,
}

impl PostgresError {
    pub(crate) fn new(kind: PostgresErrorKind, attempted: &'static str) -> Self {
        Self(Arc::new(Inner { kind, attempted, is_refusal: false, source: None }))
    }

    pub(crate) fn caused(
        kind: PostgresErrorKind,
        attempted: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, attempted, is_refusal: false, source: Some(source.into()) }))
    }

    pub(crate) fn driver(attempted: &'static str, error: tokio_postgres::Error) -> Self {
        let kind = kind_of(&error);
        let is_refusal = error
            .as_db_error()
            .is_some_and(|answer| is_refusal(answer.parsed_severity(), answer.code().code()));
        Self(Arc::new(Inner { kind, attempted, is_refusal, source: Some(error.into()) }))
    }

    /// What went wrong.
    pub fn kind(&self) -> PostgresErrorKind {
        self.0.kind
    }

    /// Whether the server itself says that it did nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        self.0.is_refusal
    }

    /// Whether the connection can be used as before.
    pub(crate) fn leaves_the_connection_sound(&self) -> bool {
        use PostgresErrorKind::{Conflict, Data, Full, TimedOut};

        // Anything else may be about what was prepared on it, or about the server it leads to.
        self.is_refusal() && matches!(self.0.kind, Conflict | Data | Full | TimedOut)
    }

    /// Whether it may succeed if it is only asked again.
    pub(crate) fn is_passing(&self) -> bool {
        self.is_refusal() && self.0.kind == PostgresErrorKind::Conflict
    }

    /// Whether others in one statement may have been refused for one.
    pub(crate) fn may_be_of_one(&self) -> bool {
        self.is_refusal()
            && matches!(self.0.kind, PostgresErrorKind::Conflict | PostgresErrorKind::Data)
    }

    /// Whether it was asked of a server that follows another.
    pub(crate) fn is_of_a_standby(&self) -> bool {
        self.0.kind == PostgresErrorKind::NotReady
    }

    pub(crate) fn not_sent(&self) -> StoreError {
        StoreError::not_sent(self.store_kind()).with_source(self.clone())
    }

    pub(crate) fn outcome_unknown(&self) -> StoreError {
        StoreError::outcome_unknown(self.store_kind()).with_source(self.clone())
    }

    fn store_kind(&self) -> StoreErrorKind {
        match self.0.kind {
            PostgresErrorKind::Full => StoreErrorKind::Full,
            _ => StoreErrorKind::Unavailable,
        }
    }
}

/// Whether the server itself says that nothing was done, and nobody between says it for a server that is gone. What is worse
/// than an error ends the connection, and may come after the deed.
fn is_refusal(severity: Option<Severity>, code: &str) -> bool {
    // Poolers leave the severity out that is the same in all languages.
    severity == Some(Severity::Error) && !code.starts_with("08") && !code.starts_with("57P")
}

fn kind_of(error: &tokio_postgres::Error) -> PostgresErrorKind {
    let Some(answer) = error.as_db_error() else {
        let text = error.to_string();
        return if text.starts_with("invalid configuration")
            || text.starts_with("invalid connection string")
        {
            PostgresErrorKind::Url
        } else if text.contains("TLS") {
            PostgresErrorKind::Tls
        } else {
            PostgresErrorKind::Unreachable
        };
    };
    kind_of_answer(answer)
}

fn kind_of_answer(answer: &DbError) -> PostgresErrorKind {
    let code = answer.code();
    match *code {
        SqlState::QUERY_CANCELED => PostgresErrorKind::TimedOut,
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => PostgresErrorKind::Full,
        SqlState::INSUFFICIENT_PRIVILEGE | SqlState::INVALID_CATALOG_NAME => {
            PostgresErrorKind::Denied
        }
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::TOO_MANY_CONNECTIONS => PostgresErrorKind::NotReady,
        SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::LOCK_NOT_AVAILABLE => PostgresErrorKind::Conflict,
        _ => match code.code().get(..2) {
            Some("28") => PostgresErrorKind::Denied,
            Some("22" | "54") => PostgresErrorKind::Data,
            _ => PostgresErrorKind::Other,
        },
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.attempted)?;
        f.write_str(match self.0.kind {
            PostgresErrorKind::Url => ": the address is not one",
            PostgresErrorKind::Name => {
                ": a name is up to 24 of `a-z`, `0-9` and `_`, and begins with no digit"
            }
            PostgresErrorKind::Unreachable => ": the server cannot be reached",
            PostgresErrorKind::Tls => ": no safe connection could be agreed on",
            PostgresErrorKind::TimedOut => ": the server did not answer in time",
            PostgresErrorKind::Denied => ": the server does not permit it",
            PostgresErrorKind::NotReady => ": the server takes no writes now",
            PostgresErrorKind::Full => ": the server has no room left",
            PostgresErrorKind::Missing => ": they are not there",
            PostgresErrorKind::TooOld => ": an earlier version of this program made them, and only one that may bring them up to date can",
            PostgresErrorKind::TooNew => ": a later version of this program made them",
            PostgresErrorKind::Conflict => ": others were in the way",
            PostgresErrorKind::Data => ": the server refused a value",
            PostgresErrorKind::Other => "",
        })
    }
}

impl StdError for PostgresError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_itself_can_say_that_nothing_was_done() {
        assert!(is_refusal(Some(Severity::Error), "57014"));
        assert!(is_refusal(Some(Severity::Error), "40P01"));
        // As a pooler says that its server is gone, which may have committed before.
        assert!(!is_refusal(None, "08P01"));
        assert!(!is_refusal(Some(Severity::Error), "08006"));
        // As a server says that it goes, after a commit perhaps.
        assert!(!is_refusal(Some(Severity::Fatal), "57P01"));
        assert!(!is_refusal(Some(Severity::Error), "57P02"));
    }
}

//! Errors of the server and of the connection to it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// An operation on the server failed.
///
/// Also the [`source`](StdError::source) of the [`StoreError`]s that this store returns.
#[derive(Clone, Debug)]
pub struct PostgresError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: PostgresErrorKind,
    attempted: &'static str,
    /// The host, port and database.
    address: Option<String>,
    /// Whether the server answered that it did nothing.
    is_refusal: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`PostgresError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresErrorKind {
    /// The URL, or an option in it, is invalid.
    Url,
    /// The name of the schema or of the table is not a plain identifier.
    Name,
    /// The server cannot be reached, or the connection broke.
    Unreachable,
    /// TLS failed: the server does not support it, or its certificate is not trusted or not valid
    /// for the host name.
    Tls,
    /// The server did not answer in time, or canceled the statement because it took too long.
    TimedOut,
    /// The server refused the user or the password.
    Authentication,
    /// The user lacks a privilege.
    Denied,
    /// The server has no such database.
    NoDatabase,
    /// The database's encoding is not UTF8: it could not store every principal.
    Encoding,
    /// A pooler hands one connection to several clients, one transaction after the other.
    Pooler,
    /// The server accepts no writes for now: it is starting, stopping or full of connections.
    NotReady,
    /// The server is a standby, which accepts no writes.
    Standby,
    /// The server, the database or the user is set to read only.
    ReadOnly,
    /// The server is on a lower timeline than one that the store has used: another server was
    /// promoted in its place.
    Outdated,
    /// The server's disk or memory is full.
    Full,
    /// The tables do not exist.
    Missing,
    /// The tables exist, and the one that says which version they are is empty.
    Unversioned,
    /// A later version of this crate created the tables.
    TooNew,
    /// The tables need a migration, which this connection may not do.
    TooOld,
    /// A lock was not available in time, or the operation was the victim of a deadlock.
    Conflict,
    /// The server refused a value.
    Data,
    /// Any other error.
    Other,
}

impl PostgresError {
    pub(crate) fn new(kind: PostgresErrorKind, attempted: &'static str) -> Self {
        Self::with(kind, attempted, false, None)
    }

    pub(crate) fn caused(
        kind: PostgresErrorKind,
        attempted: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::with(kind, attempted, false, Some(source.into()))
    }

    /// An error of `tokio_postgres`.
    pub(crate) fn driver(attempted: &'static str, error: tokio_postgres::Error) -> Self {
        let kind = kind_of(&error);
        let is_refusal = error
            .as_db_error()
            .is_some_and(|answer| is_refusal(answer.parsed_severity(), answer.code().code()));
        // If there is a cause, the error itself says only what was attempted.
        let text = error.to_string();
        let source = error.into_source().unwrap_or_else(|| text.into());
        Self::with(kind, attempted, is_refusal, Some(source))
    }

    fn with(
        kind: PostgresErrorKind,
        attempted: &'static str,
        is_refusal: bool,
        source: Option<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, attempted, address: None, is_refusal, source }))
    }

    /// The same error with the address of the server, unless it has one.
    pub(crate) fn at(self, address: String) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) if inner.address.is_some() => Self(Arc::new(inner)),
            Ok(inner) => Self(Arc::new(Inner { address: Some(address), ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// The kind of this error.
    pub fn kind(&self) -> PostgresErrorKind {
        self.0.kind
    }

    /// Whether the server answered that it did nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        self.0.is_refusal
    }

    /// Whether the connection can be used further.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        use PostgresErrorKind::{Conflict, Data, Full, TimedOut};

        // Other errors can mean that a prepared statement is invalid, or that the server is a
        // standby now.
        self.is_refusal() && matches!(self.0.kind, Conflict | Data | Full | TimedOut)
    }

    /// Whether the same statement can succeed if it is sent again.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_refusal() && self.0.kind == PostgresErrorKind::Conflict
    }

    /// Whether one operation of a batch can have caused this error for all of them.
    pub(crate) fn may_concern_one_operation(&self) -> bool {
        self.is_refusal()
            && matches!(self.0.kind, PostgresErrorKind::Conflict | PostgresErrorKind::Data)
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

/// Whether the server itself answered that the statement had no effect.
///
/// A pooler can report an error for a server that is gone, and a fatal error can follow a commit.
fn is_refusal(severity: Option<Severity>, code: &str) -> bool {
    // Poolers do not send the unlocalized severity (field `V`).
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
        SqlState::INSUFFICIENT_PRIVILEGE => PostgresErrorKind::Denied,
        SqlState::INVALID_CATALOG_NAME => PostgresErrorKind::NoDatabase,
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::TOO_MANY_CONNECTIONS => PostgresErrorKind::NotReady,
        SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::LOCK_NOT_AVAILABLE => PostgresErrorKind::Conflict,
        _ => match code.code().get(..2) {
            Some("28") => PostgresErrorKind::Authentication,
            Some("22" | "54") => PostgresErrorKind::Data,
            _ => PostgresErrorKind::Other,
        },
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.attempted)?;
        if let Some(address) = &self.0.address {
            write!(f, " at `{address}`")?;
        }
        f.write_str(match self.0.kind {
            PostgresErrorKind::Url => ": invalid connection URL",
            PostgresErrorKind::Name => {
                ": a name has up to 24 of `a-z`, `0-9` and `_`, and does not start with a digit"
            }
            PostgresErrorKind::Unreachable => ": the server cannot be reached",
            PostgresErrorKind::Tls => ": no trusted TLS connection",
            PostgresErrorKind::TimedOut => ": the server did not answer in time",
            PostgresErrorKind::Authentication => ": the server refused the user or the password",
            PostgresErrorKind::Denied => ": permission denied",
            PostgresErrorKind::NoDatabase => ": the server has no such database",
            PostgresErrorKind::Encoding => {
                ": it cannot store every name; create a database with `ENCODING 'UTF8'`"
            }
            PostgresErrorKind::Pooler => {
                ": a pooler hands it to other clients after each transaction; connect to the \
                 server itself, or set `pool_mode = session`"
            }
            PostgresErrorKind::NotReady => {
                ": the server accepts no writes (starting, stopping or out of connections)"
            }
            PostgresErrorKind::Standby => ": the server is a standby, which accepts no writes",
            PostgresErrorKind::ReadOnly => {
                ": `default_transaction_read_only` is on for this server, database or user"
            }
            PostgresErrorKind::Outdated => {
                ": another server was promoted in its place; stop this one, or make it a standby"
            }
            PostgresErrorKind::Full => ": the server's disk or memory is full",
            PostgresErrorKind::Missing => {
                ": they do not exist; an application creates them when it opens the store"
            }
            PostgresErrorKind::Unversioned => {
                ": they exist, but the table of their version is empty; restore its row, or drop \
                 the schema"
            }
            PostgresErrorKind::TooOld => {
                ": an earlier version of Cloakroom created them; open the store once with migration"
            }
            PostgresErrorKind::TooNew => {
                ": a later version of Cloakroom created them; upgrade this program"
            }
            PostgresErrorKind::Conflict => ": a lock was not available",
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
    fn only_an_error_of_the_server_itself_means_that_nothing_was_done() {
        assert!(is_refusal(Some(Severity::Error), "57014"));
        assert!(is_refusal(Some(Severity::Error), "40P01"));
        // From a pooler, for a server that is gone and may have committed.
        assert!(!is_refusal(None, "08P01"));
        assert!(!is_refusal(Some(Severity::Error), "08006"));
        // From a server that shuts down, possibly after the commit.
        assert!(!is_refusal(Some(Severity::Fatal), "57P01"));
        assert!(!is_refusal(Some(Severity::Error), "57P02"));
    }

    #[test]
    fn an_error_names_its_cause_once() {
        let error = "postgres://h/d?connect_timeout=x".parse::<tokio_postgres::Config>();
        let error = PostgresError::driver("parse the URL", error.unwrap_err());
        assert_eq!(error.to_string(), "cannot parse the URL: invalid connection URL");
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "invalid value for option `connect_timeout`");
    }
}

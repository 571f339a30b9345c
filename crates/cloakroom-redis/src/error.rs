//! Errors of the server and of the connection to it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use redis::{ConnectionAddr, ErrorKind, RedisError as DriverError, ServerErrorKind};

/// An operation on the server failed.
///
/// Also the [`source`](StdError::source) of the [`StoreError`]s that this store returns.
#[derive(Clone, Debug)]
pub struct RedisError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: RedisErrorKind,
    attempted: &'static str,
    /// The address of the server, for an attempt to connect.
    address: Option<String>,
    /// Whether the server answered that it did nothing.
    is_refusal: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`RedisError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisErrorKind {
    /// The URL, or an option in it, is invalid.
    Url,
    /// The prefix of the keys is empty, too long, or has characters that are not permitted.
    Prefix,
    /// The server cannot be reached, or the connection broke.
    Unreachable,
    /// TLS failed: the server's certificate is not trusted or not valid for the host name.
    Tls,
    /// The server did not answer in time.
    TimedOut,
    /// The server refused the user or the password, or the user lacks a permission.
    Denied,
    /// The server is loading its data, is a replica, or is in a cluster that is down.
    NotReady,
    /// The server's clock is ahead of this host's, so that it would remove live sessions.
    ClockAhead,
    /// The server removes sessions when its memory is full.
    Evicts,
    /// The write was made, but fewer replicas than required have it.
    NotReplicated,
    /// The server's memory is full.
    Full,
    /// The server sent an unexpected answer.
    Unexpected,
    /// Any other error.
    Other,
}

impl RedisError {
    pub(crate) fn new(kind: RedisErrorKind, attempted: &'static str) -> Self {
        Self::with(kind, attempted, false, None)
    }

    pub(crate) fn caused(
        kind: RedisErrorKind,
        attempted: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::with(kind, attempted, false, Some(source.into()))
    }

    /// An error of the `redis` crate.
    pub(crate) fn driver(attempted: &'static str, error: DriverError) -> Self {
        let kind = kind_of(&error);
        // A script can be denied a command after it has carried out others.
        let may_be_partial = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::NoPerm));
        let is_refusal = !may_be_partial
            && matches!(
                kind,
                RedisErrorKind::Denied | RedisErrorKind::NotReady | RedisErrorKind::Full
            );
        // This error repeats the command with its arguments, which can be a password.
        let is_secret = error.detail().is_some_and(|text| text.starts_with("unknown command"));
        let source = if is_secret {
            "the server does not know the command".into()
        } else {
            Cause(error).into()
        };
        Self::with(kind, attempted, is_refusal, Some(source))
    }

    /// An error of a connection that the driver does not have yet.
    pub(crate) fn io(attempted: &'static str, error: io::Error) -> Self {
        let kind = match error.kind() {
            // So arrives an error of rustls.
            io::ErrorKind::InvalidData => RedisErrorKind::Tls,
            io::ErrorKind::TimedOut => RedisErrorKind::TimedOut,
            _ => RedisErrorKind::Unreachable,
        };
        Self::with(kind, attempted, false, Some(Box::new(error)))
    }

    fn with(
        kind: RedisErrorKind,
        attempted: &'static str,
        is_refusal: bool,
        source: Option<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, attempted, address: None, is_refusal, source }))
    }

    /// The same error with the address of the server.
    pub(crate) fn at(self, address: &ConnectionAddr) -> Self {
        let address = Some(address.to_string());
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { address, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// The kind of this error.
    pub fn kind(&self) -> RedisErrorKind {
        self.0.kind
    }

    /// Whether the server answered that it did nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        self.0.is_refusal
    }

    pub(crate) fn not_sent(&self) -> StoreError {
        StoreError::not_sent(self.store_kind()).with_source(self.clone())
    }

    pub(crate) fn outcome_unknown(&self) -> StoreError {
        StoreError::outcome_unknown(self.store_kind()).with_source(self.clone())
    }

    fn store_kind(&self) -> StoreErrorKind {
        match self.0.kind {
            RedisErrorKind::Full => StoreErrorKind::Full,
            _ => StoreErrorKind::Unavailable,
        }
    }
}

/// An error of the driver, without a cause that it repeats.
#[derive(Debug)]
struct Cause(DriverError);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source()?;
        if self.to_string().ends_with(&source.to_string()) { source.source() } else { Some(source) }
    }
}

fn kind_of(error: &DriverError) -> RedisErrorKind {
    if error.is_timeout() {
        return RedisErrorKind::TimedOut;
    }
    match error.kind() {
        ErrorKind::Io if is_tls_error(error) => RedisErrorKind::Tls,
        ErrorKind::Io => RedisErrorKind::Unreachable,
        ErrorKind::InvalidClientConfig => RedisErrorKind::Url,
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
            RedisErrorKind::Denied
        }
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::CrossSlot,
        ) => RedisErrorKind::NotReady,
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => RedisErrorKind::Unexpected,
        _ if error.code() == Some("OOM") => RedisErrorKind::Full,
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => RedisErrorKind::Denied,
        _ if matches!(error.code(), Some("MISCONF" | "NOREPLICAS")) => RedisErrorKind::NotReady,
        _ => RedisErrorKind::Other,
    }
}

/// Whether the cause is an error of rustls, which arrives as [`io::ErrorKind::InvalidData`].
fn is_tls_error(error: &DriverError) -> bool {
    let shared =
        error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn StdError + Send + Sync>>());
    let cause = shared.and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.attempted)?;
        if let Some(address) = &self.0.address {
            write!(f, " at `{address}`")?;
        }
        f.write_str(match self.0.kind {
            RedisErrorKind::Url => ": invalid URL or address",
            RedisErrorKind::Prefix => {
                ": a prefix has up to 64 ASCII letters, digits, and any of `_.:-`"
            }
            RedisErrorKind::Unreachable => ": the server cannot be reached",
            RedisErrorKind::Tls => ": no trusted TLS connection",
            RedisErrorKind::TimedOut => ": the server did not answer in time",
            RedisErrorKind::Denied => ": permission denied",
            RedisErrorKind::NotReady => {
                ": the server is not ready (loading, replica, or cluster down)"
            }
            RedisErrorKind::ClockAhead => ": it would remove sessions before they expire",
            RedisErrorKind::Evicts => ": it removes sessions when its memory is full",
            RedisErrorKind::NotReplicated => ": too few replicas have the write",
            RedisErrorKind::Full => ": the server's memory is full",
            RedisErrorKind::Unexpected => ": unexpected answer",
            RedisErrorKind::Other => "",
        })
    }
}

impl StdError for RedisError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

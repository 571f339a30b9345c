//! What can go wrong with the server.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use cloakroom::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError as DriverError, ServerErrorKind};

/// A conversation with the server that failed. It is also the [`source`](StdError::source) of the store's own errors.
#[derive(Clone, Debug)]
pub struct RedisError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: RedisErrorKind,
    attempted: &'static str,
    is_refusal: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisErrorKind {
    /// The address or an option of it is not one.
    Url,
    /// The prefix of the keys is empty, long, or has characters that mean something to the server.
    Prefix,
    /// Nobody can be reached there, or the connection broke.
    Unreachable,
    /// No safe connection could be agreed on.
    Tls,
    /// It did not answer in time.
    TimedOut,
    /// It refused the name or the password, or does not let this user do that.
    Denied,
    /// It is there but takes no commands yet, or no writes: it loads its data, or is a replica.
    NotReady,
    /// It did it, and fewer replicas than were asked for have it too: nobody knows whether it lasts.
    NotCopied,
    /// It has no memory left.
    Full,
    /// It answered something else than was asked for.
    Unexpected,
    /// Anything else.
    Other,
}

impl RedisError {
    pub(crate) fn new(kind: RedisErrorKind, attempted: &'static str) -> Self {
        Self(Arc::new(Inner { kind, attempted, is_refusal: false, source: None }))
    }

    pub(crate) fn caused(
        kind: RedisErrorKind,
        attempted: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, attempted, is_refusal: false, source: Some(source.into()) }))
    }

    pub(crate) fn driver(attempted: &'static str, error: DriverError) -> Self {
        let kind = kind_of(&error);
        // A command of a script may be denied after others were done.
        let may_be_halfway = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::NoPerm));
        let is_refusal = !may_be_halfway
            && matches!(
                kind,
                RedisErrorKind::Denied | RedisErrorKind::NotReady | RedisErrorKind::Full
            );
        // A server that does not know a command repeats it, and the password with it if it was one that greets.
        let repeats = error.detail().is_some_and(|said| said.starts_with("unknown command"));
        let source = if repeats { None } else { Some(error.into()) };
        Self(Arc::new(Inner { kind, attempted, is_refusal, source }))
    }

    /// What went wrong.
    pub fn kind(&self) -> RedisErrorKind {
        self.0.kind
    }

    /// Whether the server says that it did not even begin.
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

fn kind_of(error: &DriverError) -> RedisErrorKind {
    if error.is_timeout() {
        return RedisErrorKind::TimedOut;
    }
    match error.kind() {
        ErrorKind::Io if is_of_tls(error) => RedisErrorKind::Tls,
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

/// Whether somebody is there who can't be trusted, or spoken to safely: what rustls says of them is invalid data.
fn is_of_tls(error: &DriverError) -> bool {
    let shared =
        error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn StdError + Send + Sync>>());
    let cause = shared.and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.attempted)?;
        f.write_str(match self.0.kind {
            RedisErrorKind::Url => ": the address is not one",
            RedisErrorKind::Prefix => ": a prefix is up to 64 letters, digits, and any of `_.:-`",
            RedisErrorKind::Unreachable => ": the server cannot be reached",
            RedisErrorKind::Tls => ": no safe connection could be agreed on",
            RedisErrorKind::TimedOut => ": the server did not answer in time",
            RedisErrorKind::Denied => ": the server does not permit it",
            RedisErrorKind::NotReady => ": the server is not ready for it",
            RedisErrorKind::NotCopied => ": too few of them have it",
            RedisErrorKind::Full => ": the server has no memory left",
            RedisErrorKind::Unexpected => ": the server answered something else",
            RedisErrorKind::Other => "",
        })
    }
}

impl StdError for RedisError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

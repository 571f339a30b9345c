//! Errors of opening a store.

use std::error::Error;
use std::fmt;

use crate::url::StoreUrl;

/// A store cannot be opened.
///
/// No message or `Debug` output contains a password.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of an [`OpenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The URL, or an option in it, is invalid.
    Url,
    /// This program is built without the store.
    NotBuilt,
    /// The store failed to open; the [`source`](Error::source) says why.
    Store,
    /// The store does not support the operation.
    Unsupported,
}

impl OpenError {
    pub(crate) fn url(hint: impl Into<String>) -> Self {
        Self { kind: OpenErrorKind::Url, message: hint.into(), source: None }
    }

    #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "redis")))]
    pub(crate) fn not_built(store: &str) -> Self {
        let message =
            format!("this program is built without {store}: enable its feature of `cloakroom-any`");
        Self { kind: OpenErrorKind::NotBuilt, message, source: None }
    }

    pub(crate) fn unsupported(message: &str) -> Self {
        Self { kind: OpenErrorKind::Unsupported, message: message.to_owned(), source: None }
    }

    /// The error of a store whose driver refuses the URL.
    pub(crate) fn refused_url(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind: OpenErrorKind::Url,
            message: "the store refuses its URL".to_owned(),
            source: Some(source.into()),
        }
    }

    pub(crate) fn store(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind: OpenErrorKind::Store,
            message: "cannot open the store".to_owned(),
            source: Some(source.into()),
        }
    }

    /// The same error with the name of the store, unless its source names a file.
    ///
    /// Without it, not every message of a server's driver says which server or database it is.
    pub(crate) fn of(mut self, store: &StoreUrl) -> Self {
        if self.kind == OpenErrorKind::Store && store.file().is_none() {
            self.message = format!("cannot open `{store}`");
        }
        self
    }

    /// The kind of this error.
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

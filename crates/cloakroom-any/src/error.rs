//! Why a store could not be opened.

use std::error::Error;
use std::fmt;

/// A store that can't be opened.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    said: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The text names no store.
    Url,
    /// This program was built without that store.
    NotBuilt,
    /// The store itself refused or could not be reached: the source says why.
    Store,
    /// That can't be done with such a store.
    Unsupported,
}

impl OpenError {
    pub(crate) fn url(hint: impl Into<String>) -> Self {
        Self { kind: OpenErrorKind::Url, said: hint.into(), source: None }
    }

    #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "redis")))]
    pub(crate) fn not_built(store: &str) -> Self {
        let said = format!("this program was built without its store for {store}");
        Self { kind: OpenErrorKind::NotBuilt, said, source: None }
    }

    pub(crate) fn unsupported(said: &str) -> Self {
        Self { kind: OpenErrorKind::Unsupported, said: said.to_owned(), source: None }
    }

    pub(crate) fn store(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind: OpenErrorKind::Store,
            said: "cannot open the store".to_owned(),
            source: Some(source.into()),
        }
    }

    /// Why not.
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

//! Stores by their URL.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};
use cloakroom_sqlite::{SqliteError, SqliteStore};

/// Where sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// In the memory of this process, and gone with it.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// Opens the store for an application: a file that does not exist is created.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, SqliteError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        })
    }

    /// Opens the store beside the application that uses it, for looking only: nothing in it is changed.
    pub(crate) fn read_only(&self) -> Result<SqliteStore, Box<dyn Error>> {
        Ok(SqliteStore::builder(self.path()?).open_read_only()?)
    }

    /// Opens the store beside the application that uses it. It must exist, and be of this version: bringing it up to date
    /// is the application's to do, which may be of an earlier one and still running.
    pub(crate) fn existing(&self) -> Result<SqliteStore, Box<dyn Error>> {
        drop(self.read_only()?);
        Ok(SqliteStore::builder(self.path()?).existing().open()?)
    }

    fn path(&self) -> Result<&Path, Box<dyn Error>> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Memory => {
                Err("sessions in memory are another process's own: nobody else can see them".into())
            }
        }
    }

    /// The file of the store, in full.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Memory => None,
            Self::Sqlite(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(url: &str) -> Result<Self, StoreUrlError> {
        let mistake = |hint: String| Err(StoreUrlError(hint));
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("memory", _)) => mistake("nothing comes after `memory:`".to_owned()),
            // `sqlite:///var/sessions.db`, as other programs write it, is meant as `sqlite:/var/sessions.db`.
            Some(("sqlite", path)) => match path.strip_prefix("//").unwrap_or(path) {
                "" => mistake("the path of the file is missing: `sqlite:sessions.db`".to_owned()),
                path => Ok(Self::Sqlite(path.into())),
            },
            Some((scheme @ ("postgres" | "postgresql" | "redis" | "rediss"), _)) => mistake(format!(
                "this version has no store for `{scheme}:`; it knows memory: and sqlite:PATH"
            )),
            _ if looks_like_a_file(url) => mistake(format!("for a file, write `sqlite:{url}`")),
            _ => mistake("a store is `sqlite:PATH` or `memory:`".to_owned()),
        }
    }
}

fn looks_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    text.contains(['/', '\\']) || path.extension().is_some() || path.exists()
}

/// A text that names no store. It says what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreUrlError(String);

impl fmt::Display for StoreUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for StoreUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_its_url() {
        for (url, file) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite:/var/a.db", "/var/a.db"),
            ("sqlite:///var/a.db", "/var/a.db"),
            ("sqlite:a b:c.db", "a b:c.db"),
        ] {
            assert_eq!(url.parse(), Ok(StoreUrl::Sqlite(file.into())));
        }
        assert_eq!("memory:".parse(), Ok(StoreUrl::Memory));
    }

    #[test]
    fn a_mistake_in_a_url_is_told_with_what_was_meant() {
        for (url, hint) in [
            ("sqlite:", "sqlite:sessions.db"),
            ("sessions.db", "sqlite:sessions.db"),
            ("/var/lib/sessions", "sqlite:/var/lib/sessions"),
            ("memory:x", "nothing comes after"),
            ("redis://127.0.0.1", "sqlite:PATH"),
            ("", "sqlite:PATH"),
        ] {
            let mistake = url.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(mistake.contains(hint), "{url}: {mistake}");
        }
    }
}

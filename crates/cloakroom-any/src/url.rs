//! The URL of a store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::{postgres, redis, sqlite};

/// Where sessions are kept: see the [crate](crate) for how it is written.
///
/// Its [`Display`](fmt::Display) and its `Debug` show no password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Memory,
    Sqlite(PathBuf),
    Postgres(String, Options),
    Redis(String, Options),
}

/// What a store is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be the application's.
    Serve,
    /// To be acted on beside the application that uses it.
    Operate,
    /// To be looked at.
    Look,
}

impl StoreUrl {
    /// Opens the store for an application: what does not exist is made, what is of an earlier version brought up to date.
    ///
    /// # Errors
    /// [`OpenError`].
    ///
    /// # Panics
    /// Outside a tokio runtime, for a store that is a server: it lives in the one that this is called in.
    pub async fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Purpose::Serve).await
    }

    /// Opens the store beside the application that uses it. It must exist, and be of this version: bringing it up to date is
    /// the application's to do, which may be of an earlier one and still running.
    ///
    /// # Errors
    /// [`OpenError`], also for `memory:`.
    ///
    /// # Panics
    /// As [`open`](Self::open).
    pub async fn open_existing(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Purpose::Operate).await
    }

    /// Opens the store beside the application that uses it, for looking only: nothing in it is changed.
    ///
    /// # Errors
    /// [`OpenError`], also for `memory:`.
    ///
    /// # Panics
    /// As [`open`](Self::open).
    pub async fn open_read_only(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Purpose::Look).await
    }

    /// The file, of a store that is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Place::Sqlite(path) => Some(path),
            _ => None,
        }
    }

    /// Whether the sessions are this process's own.
    pub fn is_memory(&self) -> bool {
        self.0 == Place::Memory
    }

    /// What can be found out of the store: whether it can be used, is up to date, and keeps what it acknowledges.
    ///
    /// # Errors
    /// [`OpenError`], also for `memory:`.
    ///
    /// # Panics
    /// As [`open`](Self::open).
    pub async fn check(&self) -> Result<Vec<Check>, OpenError> {
        match &self.0 {
            Place::Memory => Err(nobody_else()),
            Place::Sqlite(path) => sqlite::check(path),
            Place::Postgres(url, options) => postgres::check(url, options.clone()).await,
            Place::Redis(url, options) => redis::check(url, options.clone()).await,
        }
    }

    async fn open_to(&self, purpose: Purpose) -> Result<Arc<dyn Store>, OpenError> {
        match &self.0 {
            Place::Memory if purpose == Purpose::Serve => Ok(Arc::new(MemoryStore::new())),
            Place::Memory => Err(nobody_else()),
            Place::Sqlite(path) => sqlite::open(path, purpose),
            Place::Postgres(url, options) => postgres::open(url, options.clone(), purpose).await,
            Place::Redis(url, options) => redis::open(url, options.clone()).await,
        }
    }
}

fn nobody_else() -> OpenError {
    OpenError::unsupported("sessions in memory are another process's own: nobody else can see them")
}

impl FromStr for StoreUrl {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        let (place, options) = match url
            .split_once(':')
            .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest))
        {
            Some((scheme, "")) if scheme == "memory" => (Place::Memory, Options::default()),
            Some((scheme, _)) if scheme == "memory" => {
                return Err(OpenError::url("nothing comes after `memory:`"));
            }
            // `sqlite:///var/sessions.db`, as other programs write it, is meant as `sqlite:/var/sessions.db`.
            Some((scheme, path)) if scheme == "sqlite" => {
                match path.strip_prefix("//").unwrap_or(path) {
                    "" => {
                        return Err(OpenError::url(
                            "the path of the file is missing: `sqlite:sessions.db`",
                        ));
                    }
                    path => (Place::Sqlite(path.into()), Options::default()),
                }
            }
            Some((scheme, rest))
                if matches!(
                    &*scheme,
                    "postgres"
                        | "postgresql"
                        | "redis"
                        | "rediss"
                        | "redis+cluster"
                        | "rediss+cluster"
                        | "redis+sentinel"
                        | "rediss+sentinel"
                ) =>
            {
                let (rest, options) = Options::split(rest)?;
                if !rest.starts_with("//") || rest.len() == 2 {
                    return Err(OpenError::url(format!(
                        "after `{scheme}:` comes `//` and a host: `{scheme}://127.0.0.1`"
                    )));
                }
                let url = format!("{scheme}:{rest}");
                let place =
                    if scheme.starts_with("postgres") { Place::Postgres } else { Place::Redis };
                (place(url, options.clone()), options)
            }
            // What may hold a password is not repeated.
            _ if looks_like_a_file(url) && !url.contains(['@', '=']) => {
                return Err(OpenError::url(format!("for a file, write `sqlite:{url}`")));
            }
            _ => {
                return Err(OpenError::url(
                    "a store is `sqlite:PATH`, `postgres://HOST/DATABASE`, `redis://HOST` or `memory:`",
                ));
            }
        };
        // Mistakes in options are told before anybody is asked.
        match &place {
            Place::Postgres(..) => postgres::understand(options)?,
            Place::Redis(url, _) => redis::understand(url, options)?,
            Place::Memory | Place::Sqlite(_) => {}
        }
        Ok(Self(place))
    }
}

fn looks_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    !text.contains("://")
        && (text.contains(['/', '\\']) || path.extension().is_some() || path.exists())
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory => f.write_str("memory:"),
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // Neither names nor passwords nor options, which may hold either.
            Place::Postgres(url, _) | Place::Redis(url, _) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                write!(f, "{scheme}://{}", rest.rsplit('@').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

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
            assert_eq!(url.parse::<StoreUrl>().unwrap().file(), Some(Path::new(file)));
        }
        assert!("memory:".parse::<StoreUrl>().unwrap().is_memory());
        for url in [
            "postgres://h/d?schema=a&timeout=2s&sslmode=require",
            "redis://h:1/2?prefix=a",
            "rediss://h",
            "redis+cluster://h:1,i:2",
            "redis+sentinel://h:1,i/main/2?replicas=1",
        ] {
            assert!(url.parse::<StoreUrl>().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_mistake_in_a_url_is_told_with_what_was_meant() {
        for (url, hint) in [
            ("sqlite:", "sqlite:sessions.db"),
            ("sessions.db", "sqlite:sessions.db"),
            ("/var/lib/sessions", "sqlite:/var/lib/sessions"),
            ("memory:x", "nothing comes after"),
            ("redis:", "redis://127.0.0.1"),
            ("redis://h?prefix", "`prefix=..`"),
            ("redis://h?prefix=a&prefix=b", "twice"),
            ("redis://h?schema=a", "no option `schema` here, but prefix, timeout"),
            ("redis+sentinel://h", "/NAME"),
            ("redis://h?replicas=two", "`replicas=1`"),
            ("redis://h?timeout=5", "write `timeout=5s`"),
            ("postgres://h?commit=later", "synchronous"),
            ("mysql://h", "postgres://HOST"),
            ("", "sqlite:PATH"),
        ] {
            let mistake = url.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(mistake.contains(hint), "{url}: {mistake}");
        }
        assert!(
            "postgres://u:p?w@h/d".parse::<StoreUrl>().unwrap_err().to_string().contains("%3F")
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://alice:hunter2@h/d",
            "postgres://h/d?user=alice&password=hunter2",
            "redis://:hunter2@h",
        ] {
            let url: StoreUrl = url.parse().unwrap();
            for shown in [url.to_string(), format!("{url:?}")] {
                assert!(!shown.contains("hunter2") && shown.contains("://h"), "{shown}");
            }
        }
        for mistaken in [
            "postgres://alice:hunter2@h/d?schema",
            "postgres://alice:hunter2@h/d?commit=later",
            "host=db.internal password=hunter2 dbname=x",
            "postgres//alice:hunter2@h/d",
            "postgres://alice:hun?hunter2@h/d",
            "redis://alice:hun?hunter2=x@h",
        ] {
            let mistake = mistaken.parse::<StoreUrl>().unwrap_err();
            assert!(!format!("{mistake:?} {mistake}").contains("hunter2"), "{mistake}");
        }
    }
}

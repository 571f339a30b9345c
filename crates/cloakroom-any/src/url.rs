//! URLs of stores.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use cloakroom::{MemoryStore, Store};

use crate::check::Check;
use crate::error::OpenError;
use crate::options::Options;
use crate::same::{self, Place};
use crate::server_url;
use crate::sqlite_url::{self, Access, SqliteUrl};
use crate::{postgres, redis, sqlite};

/// The URL of a store; see the [crate documentation](crate) for its forms.
///
/// [`Display`](fmt::Display) and `Debug` show no password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Memory,
    Sqlite(SqliteUrl),
    Postgres(String, Options),
    Redis(String, Options),
}

/// How a store is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By an application: created or migrated if needed.
    Create,
    /// By a tool that changes sessions: neither created nor migrated.
    Existing,
    /// By a tool that only reads.
    ReadOnly,
}

impl StoreUrl {
    /// Opens the store for an application, and creates or migrates its file or tables.
    ///
    /// # Errors
    /// [`OpenError`].
    ///
    /// # Panics
    /// Outside a tokio runtime, for PostgreSQL and Redis: their tasks run in the current runtime.
    pub async fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Mode::Create).await
    }

    /// Opens a store that an application uses, without creating or migrating it.
    ///
    /// For tools: a migration could break an older version of the application that still runs.
    ///
    /// # Errors
    /// [`OpenError`]; always for `memory:`.
    ///
    /// # Panics
    /// See [`open`](Self::open).
    pub async fn open_existing(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Mode::Existing).await
    }

    /// Opens a store that an application uses, for reading only.
    ///
    /// A Redis store has no read-only mode and accepts writes.
    ///
    /// # Errors
    /// [`OpenError`]; always for `memory:`.
    ///
    /// # Panics
    /// See [`open`](Self::open).
    pub async fn open_read_only(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.open_to(Mode::ReadOnly).await
    }

    /// The path of the file, for `sqlite:`.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Sqlite(file) => Some(&file.path),
            _ => None,
        }
    }

    /// Whether this says that nothing may be changed: `sqlite:PATH?mode=ro`.
    pub fn is_read_only(&self) -> bool {
        matches!(&self.0, Kind::Sqlite(file) if file.access == Access::ReadOnly)
    }

    /// Whether this is `memory:`.
    pub fn is_memory(&self) -> bool {
        self.0 == Kind::Memory
    }

    /// Whether this and `other` name the same store, as far as can be told without connecting.
    ///
    /// A file is recognised by links and in other spellings, too. Two names of one server are not,
    /// apart from those of this machine. Two stores in memory are never the same.
    pub fn is_same_store(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Sqlite(one), Kind::Sqlite(other)) => same::is_same_file(&one.path, &other.path),
            (Kind::Postgres(..), Kind::Postgres(..)) | (Kind::Redis(..), Kind::Redis(..)) => {
                match (self.place(), other.place()) {
                    (Some(one), Some(other)) => one.is_same(&other),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Where the store is, for a server.
    fn place(&self) -> Option<Place<'_>> {
        let (url, options, default_port, selectors): (_, _, _, &[_]) = match &self.0 {
            Kind::Memory | Kind::Sqlite(_) => return None,
            Kind::Postgres(url, options) => {
                (url, options, "5432", &[("schema", "cloakroom"), ("table", "session")])
            }
            Kind::Redis(url, options) => {
                let port = if url.contains("+sentinel:") { "26379" } else { "6379" };
                (url, options, port, &[("prefix", "cloakroom"), ("db", "0")])
            }
        };
        Some(Place { url, options, default_port, selectors })
    }

    /// Checks whether the store can be used, and whether it is configured for durability.
    ///
    /// # Errors
    /// [`OpenError`]; always for `memory:`.
    ///
    /// # Panics
    /// See [`open`](Self::open).
    pub async fn check(&self) -> Result<Vec<Check>, OpenError> {
        let checked = match &self.0 {
            Kind::Memory => Err(no_other_process()),
            Kind::Sqlite(file) => sqlite::check(&file.path),
            Kind::Postgres(url, options) => postgres::check(url, options.clone()).await,
            Kind::Redis(url, options) => redis::check(url, options.clone()).await,
        };
        checked.map_err(|error| error.of(self))
    }

    async fn open_to(&self, mode: Mode) -> Result<Arc<dyn Store>, OpenError> {
        let opened: Result<Arc<dyn Store>, OpenError> = match &self.0 {
            Kind::Memory if mode == Mode::Create => Ok(Arc::new(MemoryStore::new())),
            Kind::Memory => Err(no_other_process()),
            Kind::Sqlite(file) => sqlite::open(&file.path, file.access, mode),
            Kind::Postgres(url, options) => postgres::open(url, options.clone(), mode).await,
            Kind::Redis(url, options) => redis::open(url, options.clone()).await,
        };
        opened.map_err(|error| error.of(self))
    }
}

fn no_other_process() -> OpenError {
    OpenError::unsupported("a `memory:` store is only visible to the process that opened it")
}

impl FromStr for StoreUrl {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        let (kind, options) =
            match url.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
                Some((scheme, "")) if scheme == "memory" => (Kind::Memory, Options::default()),
                Some((scheme, _)) if scheme == "memory" => {
                    return Err(OpenError::url("`memory:` takes no path"));
                }
                Some((scheme, rest)) if scheme == "sqlite" => {
                    (Kind::Sqlite(SqliteUrl::parse(rest)?), Options::default())
                }
                Some((scheme, _)) if matches!(&*scheme, "file" | "sqlite3") => {
                    return Err(sqlite_url::corrected(url));
                }
                Some((scheme, _)) if scheme.is_empty() && sqlite_url::names_memory(url, "") => {
                    return Err(OpenError::url("for sessions in memory, write `memory:`"));
                }
                Some((scheme, rest)) if server_url::is_server(&scheme) => {
                    let (url, options) = server_url::parse(&scheme, rest)?;
                    let kind =
                        if scheme.starts_with("postgres") { Kind::Postgres } else { Kind::Redis };
                    (kind(url, options.clone()), options)
                }
                // The message repeats nothing that could be a password.
                _ if looks_like_a_file(url) && !url.contains(['@', '=']) => {
                    let corrected = sqlite_url::of(Path::new(url), Access::Create);
                    return Err(OpenError::url(format!("for a file, write `{corrected}`")));
                }
                _ => {
                    return Err(OpenError::url(
                        "not the URL of a store: \
                     write `sqlite:PATH`, `postgres://HOST/DATABASE`, `redis://HOST` or `memory:`",
                    ));
                }
            };
        // Reports mistakes in options before any connection is made.
        match &kind {
            Kind::Postgres(..) => postgres::validate(options)?,
            Kind::Redis(url, _) => redis::validate(url, options)?,
            Kind::Memory | Kind::Sqlite(_) => {}
        }
        Ok(Self(kind))
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
            Kind::Memory => f.write_str("memory:"),
            Kind::Sqlite(file) => f.write_str(&sqlite_url::of(&file.path, file.access)),
            // Without user, password and options.
            Kind::Postgres(url, _) | Kind::Redis(url, _) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                let place = rest.rsplit('@').next().unwrap_or_default();
                write!(f, "{scheme}://{}", server_url::without_password(place))
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
    fn every_form_of_a_url_is_parsed() {
        for (url, file) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite:/var/a.db", "/var/a.db"),
            ("sqlite:///var/a.db", "/var/a.db"),
            ("sqlite:a b:c.db", "a b:c.db"),
            ("SQLite://app.db", "app.db"),
            ("sqlite:a%20b.db", "a b.db"),
            ("sqlite:100%25%3F%23.db", "100%?#.db"),
            ("sqlite://app.db?mode=rwc", "app.db"),
            ("sqlite:app.db?mode=ro", "app.db"),
        ] {
            let parsed: StoreUrl = url.parse().unwrap();
            assert_eq!(parsed.file(), Some(Path::new(file)));
            assert_eq!(parsed.to_string().parse::<StoreUrl>().unwrap(), parsed);
        }
        assert!("memory:".parse::<StoreUrl>().unwrap().is_memory());
        for (url, is_read_only) in [("sqlite:a?mode=ro", true), ("sqlite:a", false)] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().is_read_only(), is_read_only);
        }
        for url in [
            "postgres://h/d?schema=a&timeout=2s&sslmode=require",
            "redis://h:1/2?prefix=a",
            "rediss://h",
            "redis+cluster://h:1,i:2",
            "redis+sentinel://h:1,i/main/2?min_replicas=1",
            "redis://h?evictions=accepted",
            "valkey://h",
            "valkeys+cluster://h:1,i:2",
            "unix:///run/redis.sock?db=2",
            "valkey+unix:///run/valkey.sock?user=a&pass=b",
            "postgres:///d?host=/run/postgresql",
            "postgres://h/d?sslmode=verify-full",
        ] {
            assert!(url.parse::<StoreUrl>().is_ok(), "{url}");
        }
        for (valkey, redis) in [
            ("valkey://h:1/2", "redis://h:1/2"),
            ("valkeys+cluster://h:1,i:2", "rediss+cluster://h:1,i:2"),
            ("valkey+sentinel://h/main", "redis+sentinel://h/main"),
            ("valkey+unix:///run/valkey.sock", "redis+unix:///run/valkey.sock"),
        ] {
            assert_eq!(valkey.parse::<StoreUrl>().unwrap().to_string(), redis);
        }
    }

    #[test]
    fn a_mistake_in_a_url_is_reported_with_a_correction() {
        for (url, hint) in [
            ("sqlite:", "sqlite:sessions.db"),
            ("sqlite://?mode=ro", "sqlite:sessions.db"),
            ("sqlite:100%.db", "`sqlite:100%25.db`"),
            ("sqlite:a?b.db", "`%3F`"),
            ("sqlite:a.db?cache=shared", "unknown option `cache=shared`"),
            ("sqlite:a.db?mode=rwx", "`mode=rwc`"),
            ("sqlite:%FF.db", "not UTF-8"),
            ("sqlite::memory:", "write `memory:`"),
            ("sqlite://:memory:", "write `memory:`"),
            ("sqlite:///:memory:", "write `memory:`"),
            ("sqlite://a?mode=memory&cache=shared", "write `memory:`"),
            ("sqlite:file::memory:", "write `memory:`"),
            (":memory:", "write `memory:`"),
            ("file::memory:?cache=shared", "write `memory:`"),
            ("file:app.db", "write `sqlite:app.db`"),
            ("file:///var/app.db?mode=ro", "write `sqlite:/var/app.db?mode=ro`"),
            ("sqlite:file:app.db", "write `sqlite:app.db`"),
            ("sqlite3://app.db", "write `sqlite:app.db`"),
            ("sessions.db", "sqlite:sessions.db"),
            ("/var/lib/sessions", "sqlite:/var/lib/sessions"),
            ("a%20b.db", "sqlite:a%2520b.db"),
            ("memory:x", "takes no path"),
            ("redis:", "redis://127.0.0.1"),
            ("redis://h?prefix", "`prefix=..`"),
            ("redis://h?prefix=a&prefix=b", "twice"),
            ("redis://h?schema=a", "unknown option `schema`: this store has prefix, timeout"),
            ("redis:///2", "redis://127.0.0.1"),
            ("redis:///run/redis.sock", "write `redis+unix:///run/redis.sock`"),
            ("unix:", "redis+unix:///run/redis.sock"),
            ("redis+unix:///", "redis+unix:///run/redis.sock"),
            ("redis+unix:///a.sock?db=x", "`db=0`"),
            ("redis://h?db=1", "unknown option `db`"),
            ("postgres:///shop", "postgres://127.0.0.1"),
            ("redis+sentinel://h", "/NAME"),
            ("redis://h?evictions=yes", "`evictions=accepted`"),
            ("redis://h?min_replicas=two", "`min_replicas=1`"),
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
    fn two_urls_of_one_server_are_the_same_store() {
        let is_same = |one: &str, other: &str| {
            let parse = |url: &str| url.parse::<StoreUrl>().unwrap();
            parse(one).is_same_store(&parse(other))
        };
        for (one, other) in [
            ("redis://localhost", "valkey://a:b@127.0.0.1:6379/0?timeout=2s"),
            ("redis://h/3?prefix=cloakroom", "rediss://H/3"),
            ("redis+cluster://h:1,i:2", "redis+cluster://i:2"),
            ("redis+sentinel://h/main", "redis+sentinel://h:26379/main/0"),
            ("unix:///run/r.sock", "redis+unix:///run/r.sock?db=0"),
            ("postgres://h/d", "postgresql://a:b@h:5432/d?schema=cloakroom&sslmode=require"),
            ("postgres:///d?host=h", "postgres://h/d"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("memory:", "memory:"),
            ("redis://h", "redis://h/1"),
            ("redis://h/1", "redis://h/10"),
            ("redis://h", "redis://h:6380"),
            ("redis://h", "redis://h?prefix=other"),
            ("redis+sentinel://h/main", "redis+sentinel://h/other"),
            ("unix:///run/r.sock", "unix:///run/r.sock?db=1"),
            ("postgres://h/d", "postgres://h/d0"),
            ("postgres://h/d", "postgres://h/d?table=other"),
            ("postgres://h/1", "redis://h/1"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://alice:hunter2@h/d",
            "postgres://h/d?user=alice&password=hunter2",
            "redis://:hunter2@h",
            // Without a host, the password stands where a port would.
            "postgres://h:hunter2/d",
            "redis+cluster://h:1,h:hunter2",
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

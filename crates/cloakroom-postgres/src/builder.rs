//! How a server is reached.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;

use crate::error::{PostgresError, PostgresErrorKind};
use crate::link::Way;
use crate::names::Names;
use crate::servers::Servers;
use crate::store::PostgresStore;
use crate::tls;

/// How a server is reached, and where in it the sessions are: [`PostgresStore::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is reached until `connect` is called"]
pub struct PostgresBuilder {
    url: Url,
    schema: String,
    table: String,
    patience: Duration,
    commit: Commit,
    roots: Option<PathBuf>,
    access: Access,
}

/// When a change counts as made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third moment")]
pub enum Commit {
    /// Once the server has written it to its disk, and to those standbys that it is told to wait for.
    #[default]
    Synchronous,
    /// Once the server has it in memory: several times as fast, and a crash of the server takes back what it answered in
    /// the last moments, by default up to 0.6 seconds.
    ///
    /// # Security
    /// What is taken back includes logouts: a session that was ended lives again.
    Asynchronous,
}

/// What this process may do with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Make them and bring them up to date.
    Own,
    /// Use them as they are.
    Use,
    /// Only read them.
    Read,
}

/// An address, whose password is never shown.
#[derive(Clone)]
struct Url(String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A password may stand before the `@`, or anywhere in what follows a `?` or has no form of an address.
        let shown = self.0.rsplit('@').next().unwrap_or_default();
        f.write_str("..@")?;
        f.write_str(shown.split('?').next().filter(|_| self.0.contains("://")).unwrap_or(".."))
    }
}

impl PostgresBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url: Url(url),
            schema: "cloakroom".to_owned(),
            table: "session".to_owned(),
            patience: Duration::from_secs(5),
            commit: Commit::default(),
            roots: None,
            access: Access::Own,
        }
    }

    /// Keeps the tables in this schema, which is made if it is not there; `cloakroom` unless told.
    ///
    /// Up to 24 of `a-z`, `0-9` and `_`, as all names here.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Calls the table of sessions like this, and begins the names of the others so; `session` unless told.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = table.into();
        self
    }

    /// Waits up to `span` for a connection and for each answer; five seconds unless told.
    pub const fn timeout(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }

    /// When a change counts as made; [`Commit::Synchronous`] unless told.
    pub const fn commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// Trusts a server whose certificate leads to one in this file (PEM), instead of to those that the system trusts.
    pub fn trusting(mut self, file: impl Into<PathBuf>) -> Self {
        self.roots = Some(file.into());
        self
    }

    /// Uses tables that are there and of this version: none is made or brought up to date, which is the application's to do.
    pub const fn existing(mut self) -> Self {
        self.access = Access::Use;
        self
    }

    /// Only reads, and makes do with a standby: a change is refused. Tables must be there, and of this version.
    pub const fn reading_only(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    /// Reaches the server, and brings the tables up to date.
    ///
    /// # Errors
    /// [`PostgresError`] if the address or a name is none, nobody can be reached, or the tables can't be used.
    ///
    /// # Panics
    /// Outside a tokio runtime: the store lives in the one that this is called in.
    pub async fn connect(self) -> Result<PostgresStore, PostgresError> {
        let names = Names::new(&self.schema, &self.table)
            .ok_or_else(|| PostgresError::new(PostgresErrorKind::Name, "call tables like that"))?;
        let mut server: Config = self.url.0.parse().map_err(|error: tokio_postgres::Error| {
            PostgresError::caused(PostgresErrorKind::Url, "use this address", error)
        })?;
        if server.get_application_name().is_none() {
            server.application_name("cloakroom");
        }
        if self.access != Access::Read {
            server.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        server.connect_timeout(self.patience);
        let tls = tls::connector(self.roots.as_deref())?;
        let way = Way {
            servers: Servers::of(&server),
            tls,
            names,
            patience: self.patience,
            commit: self.commit,
            access: self.access,
        };
        way.prepare().await?;
        Ok(PostgresStore::start(way))
    }
}

//! Options for connecting to a server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::batch::Outage;
use tokio_postgres::config::TargetSessionAttrs;

use crate::connect_options::ConnectOptions;
use crate::error::{PostgresError, PostgresErrorKind};
use crate::names::Names;
use crate::servers::{self, Servers};
use crate::store::PostgresStore;
use crate::tls::Tls;
use crate::url::Url;

/// Options for a [`PostgresStore`]; see [`PostgresStore::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `connect` is called"]
pub struct PostgresBuilder {
    url: Url,
    schema: String,
    table: String,
    timeout: Duration,
    commit: Commit,
    root_certificate: Option<PathBuf>,
    access: Access,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a write is acknowledged either after it is durable or before"
)]
pub enum Commit {
    /// Once the server has written it to its disk, and to the standbys that it commits to
    /// synchronously.
    #[default]
    Synchronous,
    /// Once the server has it in memory, which is several times faster.
    ///
    /// A crash of the server loses the last acknowledged writes, by default up to 0.6 seconds
    /// (PostgreSQL documentation, "Asynchronous Commit": three times `wal_writer_delay`).
    ///
    /// # Security
    /// This includes logouts: a session that was ended is live again.
    Asynchronous,
}

/// What this process may do with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Create and migrate them.
    Migrate,
    /// Use them as they are.
    Use,
    /// Only read them.
    Read,
}

impl PostgresBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url: Url::new(url),
            schema: "cloakroom".to_owned(),
            table: "session".to_owned(),
            timeout: Duration::from_secs(5),
            commit: Commit::default(),
            root_certificate: None,
            access: Access::Migrate,
        }
    }

    /// The schema of the tables; `cloakroom` by default. It is created if it does not exist.
    ///
    /// A name has up to 24 of the characters `a-z`, `0-9` and `_`, and does not start with a digit.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The name of the table of sessions; `session` by default.
    ///
    /// The names of all other objects start with it. The same characters are permitted as in
    /// [`schema`](Self::schema).
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = table.into();
        self
    }

    /// How long a call takes at most, until it is answered or fails; 5 seconds by default.
    ///
    /// That is the whole time: waiting for other calls, connecting, and waiting for the server.
    /// Once the server has been out of reach for half of it, calls fail sooner. Of several servers
    /// in the URL, each gets an equal share of it to connect, or what `connect_timeout` in the URL
    /// says if that is less.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// When a write is acknowledged; [`Commit::Synchronous`] by default.
    pub const fn commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// A PEM file with the root certificates to trust, instead of those of the system.
    pub fn root_certificate(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificate = Some(file.into());
        self
    }

    /// Does not create or migrate the tables; opening fails unless they are of this version.
    ///
    /// For tools that run next to the application, and for applications whose database user must
    /// not create tables.
    pub const fn without_migration(mut self) -> Self {
        self.access = Access::Use;
        self
    }

    /// Only reads, and accepts a standby; every write fails. The tables must be of this version.
    ///
    /// There is no change feed: a cache in front of it trusts a record for its `max_staleness`.
    pub const fn read_only(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    /// Connects to the server, and creates or migrates the tables.
    ///
    /// # Errors
    /// [`PostgresError`] if the URL or a name is invalid, the server cannot be reached, or the
    /// tables cannot be used. [`PostgresError::kind`] says which of the server, the pooler, the
    /// user, the database and the tables does not fit.
    ///
    /// # Panics
    /// Outside a tokio runtime. The tasks of the store run in the current runtime.
    pub async fn connect(self) -> Result<PostgresStore, PostgresError> {
        let names = Names::new(&self.schema, &self.table)
            .ok_or_else(|| PostgresError::new(PostgresErrorKind::Name, "use these table names"))?;
        let mut server = self.url.parse()?;
        if server.get_application_name().is_none() {
            server.application_name("cloakroom");
        }
        // What the URL says about these holds. `read-write` is checked by the store itself, which
        // can tell a standby from a setting.
        let is_chosen = self.url.has_option("target_session_attrs");
        let wants_writes = server.get_target_session_attrs() == TargetSessionAttrs::ReadWrite;
        if wants_writes {
            server.target_session_attrs(TargetSessionAttrs::Any);
        }
        let for_writes = wants_writes || (!is_chosen && self.access != Access::Read);
        servers::refuse_unequal_lists(&server)?;
        let tls = Tls::new(&mut server, self.root_certificate.as_deref())?;
        let options = ConnectOptions {
            servers: Servers::new(&server, for_writes),
            tls,
            names,
            timeout: self.timeout,
            commit: self.commit,
            access: self.access,
            outage: Arc::new(Outage::new(self.timeout / 2)),
        };
        options.prepare().await?;
        Ok(PostgresStore::start(options))
    }
}

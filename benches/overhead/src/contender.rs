//! Who is measured.

use std::fmt;

use cloakroom::{MemoryStore, Sessions};

use crate::Failure;
use crate::server::{Mount, Server};
use crate::{limit, ours, plain, theirs, watched};

/// A way to serve the same routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// axum alone: what every other's cost is counted over.
    Plain,
    /// The same duties as cloakroom's, written by hand.
    Limit(Mount),
    /// Cloakroom over a `MemoryStore` that keeps typed values.
    Cloakroom(Mount),
    /// Cloakroom over a `MemoryStore` that encodes, as a remote store must.
    Encoded,
    /// The first with everything watched: each store call timed, each event counted and handed to a subscriber.
    Observed,
    /// tower-sessions over its `MemoryStore`.
    TowerSessions(Mount),
}

impl Contender {
    /// In the order of a table's columns.
    pub(crate) const ALL: [Self; 9] = [
        Self::Plain,
        Self::Limit(Mount::Inner),
        Self::Cloakroom(Mount::Inner),
        Self::Encoded,
        Self::Observed,
        Self::TowerSessions(Mount::Inner),
        Self::Limit(Mount::Outer),
        Self::Cloakroom(Mount::Outer),
        Self::TowerSessions(Mount::Outer),
    ];

    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|contender| contender.name() == name);
        found.ok_or_else(|| format!("no contender is called `{name}`").into())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Limit(Mount::Inner) => "limit",
            Self::Limit(Mount::Outer) => "limit outer",
            Self::Cloakroom(Mount::Inner) => "cloakroom",
            Self::Cloakroom(Mount::Outer) => "cloakroom outer",
            Self::Encoded => "cloakroom encoded",
            Self::Observed => "cloakroom observed",
            Self::TowerSessions(Mount::Inner) => "tower-sessions",
            Self::TowerSessions(Mount::Outer) => "tower-sessions outer",
        }
    }

    /// The same server without sessions.
    pub(crate) fn bare(self) -> Self {
        Self::Plain
    }

    /// A server with `sessions` sessions in its store.
    pub(crate) async fn server(self, sessions: usize) -> Result<Server, Failure> {
        let ours = |mount, store| ours::server(mount, Sessions::builder(store), sessions);
        match self {
            Self::Plain => plain::server(sessions),
            Self::Limit(mount) => limit::server(mount, sessions),
            Self::Cloakroom(mount) => ours(mount, MemoryStore::new()).await,
            Self::Encoded => ours(Mount::Inner, MemoryStore::new().encoded()).await,
            Self::Observed => ours::server(Mount::Inner, watched::builder()?, sessions).await,
            Self::TowerSessions(mount) => theirs::server(mount, sessions).await,
        }
    }

    /// Whether a response to a changed session renews the cookie: tower-sessions slides its Max-Age.
    pub(crate) fn sends_cookie_on_write(self) -> bool {
        matches!(self, Self::TowerSessions(_))
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

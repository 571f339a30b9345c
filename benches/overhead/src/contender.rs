//! Who is measured.

use std::fmt;

use cloakroom::{MemoryStore, Sessions};
use serde::Serialize;

use crate::Failure;
use crate::server::Server;
use crate::{ours, plain, theirs, watched};

/// A way to serve the same routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Contender {
    /// axum alone: what every other's cost is counted over.
    Plain,
    /// Cloakroom over a `MemoryStore` that keeps typed values.
    Cloakroom,
    /// Cloakroom over a `MemoryStore` that encodes, as a remote store must.
    Encoded,
    /// The first with everything watched: each store call timed, each event counted and handed to a subscriber.
    Observed,
    /// tower-sessions over its `MemoryStore`.
    TowerSessions,
}

impl Contender {
    /// In the order of a table's columns.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Plain, Self::Cloakroom, Self::Encoded, Self::Observed, Self::TowerSessions];
    pub(crate) const COUNT: usize = 5;

    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|contender| contender.name() == name);
        found.ok_or_else(|| format!("no contender is called `{name}`").into())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Cloakroom => "cloakroom",
            Self::Encoded => "cloakroom-encoded",
            Self::Observed => "cloakroom-observed",
            Self::TowerSessions => "tower-sessions",
        }
    }

    /// A server with `sessions` sessions in its store.
    pub(crate) async fn server(self, sessions: usize) -> Result<Server, Failure> {
        match self {
            Self::Plain => plain::server(sessions),
            Self::Cloakroom => ours::server(Sessions::builder(MemoryStore::new()), sessions).await,
            Self::Encoded => ours::server(Sessions::builder(MemoryStore::new().encoded()), sessions).await,
            Self::Observed => ours::server(watched::builder()?, sessions).await,
            Self::TowerSessions => theirs::server(sessions).await,
        }
    }

    /// Whether a response to a changed session renews the cookie: tower-sessions slides its Max-Age.
    pub(crate) fn sends_cookie_on_write(self) -> bool {
        self == Self::TowerSessions
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

//! Who is measured.

use std::fmt;

use cloakroom::{MemoryStore, Sessions};

use crate::Failure;
use crate::case::Case;
use crate::peers::{axum_session, ruts, tower_sessions};
use crate::server::{Mount, Server};
use crate::{actix, by_hand, ours, plain, watched};

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
    /// ruts over its moka store.
    Ruts,
    /// `axum_session` over its null pool.
    AxumSession,
    /// actix-web alone.
    Actix,
    /// Cloakroom there.
    CloakroomActix,
    /// actix-session over a small memory store.
    ActixSession,
}

impl Contender {
    /// In the order of a table's columns.
    pub(crate) const ALL: [Self; 14] = [
        Self::Plain,
        Self::Limit(Mount::Inner),
        Self::Cloakroom(Mount::Inner),
        Self::Encoded,
        Self::Observed,
        Self::TowerSessions(Mount::Inner),
        Self::Limit(Mount::Outer),
        Self::Cloakroom(Mount::Outer),
        Self::TowerSessions(Mount::Outer),
        Self::Ruts,
        Self::AxumSession,
        Self::Actix,
        Self::CloakroomActix,
        Self::ActixSession,
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
            Self::Ruts => "ruts",
            Self::AxumSession => "axum_session",
            Self::Actix => "actix-web",
            Self::CloakroomActix => "cloakroom actix",
            Self::ActixSession => "actix-session",
        }
    }

    /// The same server without sessions.
    pub(crate) fn bare(self) -> Self {
        match self {
            Self::Actix | Self::CloakroomActix | Self::ActixSession => Self::Actix,
            _ => Self::Plain,
        }
    }

    /// A server with `sessions` sessions in its store.
    pub(crate) async fn server(self, sessions: usize) -> Result<Server, Failure> {
        let ours = |mount, store| ours::server(mount, Sessions::builder(store), sessions);
        match self {
            Self::Plain => plain::server(sessions),
            Self::Limit(mount) => by_hand::server(mount, sessions),
            Self::Cloakroom(mount) => ours(mount, MemoryStore::new()).await,
            Self::Encoded => ours(Mount::Inner, MemoryStore::new().encoded()).await,
            Self::Observed => ours::server(Mount::Inner, watched::builder()?, sessions).await,
            Self::TowerSessions(mount) => tower_sessions::server(mount, sessions).await,
            Self::Ruts => ruts::server(sessions).await,
            Self::AxumSession => axum_session::server(sessions).await,
            Self::Actix => actix::plain(sessions).await,
            Self::CloakroomActix => actix::cloakroom(sessions).await,
            Self::ActixSession => actix::peer(sessions).await,
        }
    }

    /// Whether the response sets the cookie: some slide its Max-Age with every change, and one begins a session with everybody.
    pub(crate) fn sends_cookie(self, case: Case) -> bool {
        match self {
            Self::Plain | Self::Actix => false,
            Self::AxumSession => true,
            Self::TowerSessions(_) | Self::ActixSession => matches!(case, Case::ReadWrite | Case::New),
            _ => case == Case::New,
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

//! Who is measured, and what is asked of each.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// Sessions of one store, as an application's session layer uses it.
pub(crate) trait Contender: Send + Sync + Sized + 'static {
    /// An empty store for so many sessions.
    fn open(sessions: usize) -> Result<Self, Failure>;

    /// Begins the session with this number; they come in ascending order, from zero.
    fn begin(&mut self, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Reads a session, and what can be seen of its value there.
    fn read(&self, way: Way, number: usize) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Reads a session and writes it back with another value.
    fn update(&self, way: Way, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Bytes that only the bench needs: keys for asking.
    fn keys(&self) -> usize;
}

/// How a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    /// Of the store, in its own terms.
    Store,
    /// Of the library, as a handler does: by the visitor's key, for the typed value.
    Whole,
}

impl Way {
    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        match name {
            "store" => Ok(Self::Store),
            "whole" => Ok(Self::Whole),
            other => Err(format!("no way is called `{other}`").into()),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Whole => "whole",
        }
    }
}

/// A store that fills a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cloakroom,
    Limit,
    Tower,
    Moka,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Cloakroom, Self::Limit, Self::Tower, Self::Moka];

    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("no store is called `{name}`").into())
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cloakroom => "cloakroom",
            Self::Limit => "limit",
            Self::Tower => "tower-sessions",
            Self::Moka => "tower-sessions-moka",
        }
    }

    /// The ways in which it can be asked; the limit is a store and no library.
    pub(crate) const fn ways(self) -> &'static [Way] {
        match self {
            Self::Limit => &[Way::Store],
            _ => &[Way::Store, Way::Whole],
        }
    }
}

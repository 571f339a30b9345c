//! What every store is asked.

use std::future::Future;

use super::drive;
use crate::Failure;

/// Sessions of one store, as an application's session layer uses it.
pub trait Contender: Send + Sync + Sized + 'static {
    /// An empty store for so many sessions.
    fn open(sessions: usize) -> Result<Self, Failure>;

    /// Begins the session with this number; numbers ascend from zero.
    fn begin(&mut self, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Reads a session and returns what the store shows of its value.
    fn read(&self, way: Way, number: usize) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Reads a session and writes it back with another value.
    fn update(&self, way: Way, number: usize) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Bytes that only the bench needs, such as keys.
    fn overhead(&self) -> usize {
        0
    }
}

/// How a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the store, in its own terms.
    Store,
    /// From the library, as a handler does: by the visitor's key, for the typed value.
    Whole,
}

impl Way {
    pub(super) fn parse(name: &str) -> Result<Self, Failure> {
        let found = [Self::Store, Self::Whole].into_iter().find(|way| way.name() == name);
        found.ok_or_else(|| format!("no way is called `{name}`").into())
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Whole => "whole",
        }
    }
}

/// A store that fills a process.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub(super) ways: &'static [Way],
    pub(super) serve: fn(usize) -> Result<(), Failure>,
    pub(super) works: fn(&[Way]) -> Result<(), Failure>,
}

impl Kind {
    /// A library with a store.
    #[must_use]
    pub const fn library<C: Contender>(name: &'static str) -> Self {
        Self { ways: &[Way::Store, Way::Whole], ..Self::store::<C>(name) }
    }

    /// A store without a library.
    #[must_use]
    pub const fn store<C: Contender>(name: &'static str) -> Self {
        let (serve, works) = (drive::serve::<C>, drive::works::<C>);
        Self { name, ways: &[Way::Store], serve, works }
    }
}

//! Faults for the tests of the walk itself: each must be noticed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{Ended, IndexLogin, Indexed, StoreError, Swap};
use cloakroom::{Io, MemoryStore, PublicId, Store, Timestamp, decorate_store};

/// What is wrong with a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: the library as it is.
    None,
    /// The response to a read with a dead key removes the cookie.
    RemovesOnRead,
    /// After a sign-in, the record from before it is read for a while.
    GraceAfterSignIn,
    /// A conditional end ends the session whatever has become of it.
    EndsUnconditionally,
    /// One write in fifty is acknowledged and not made.
    LosesWrites,
    /// One read in five hundred finds no session.
    ForgetsSessions,
    /// A read without touch counts as a use.
    TouchesAlways,
    /// Any number of sessions is entered in the principal index.
    IgnoresLimit,
    /// A session can begin in every request of another site.
    BeginsCrossSite,
}

impl Fault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] = [
        Self::RemovesOnRead,
        Self::GraceAfterSignIn,
        Self::EndsUnconditionally,
        Self::LosesWrites,
        Self::ForgetsSessions,
        Self::TouchesAlways,
        Self::IgnoresLimit,
        Self::BeginsCrossSite,
    ];

    /// What the walk finds.
    #[cfg(test)]
    pub(crate) const fn violations(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::RemovesOnRead => &["an answer removes the cookie of a live session"],
            Self::GraceAfterSignIn => &["a key that a sign-in has replaced opens its session"],
            Self::EndsUnconditionally => &[
                "a session is ended as \"signed out\" without a right",
                "a session is ended as \"signed in as another\" without a right",
            ],
            Self::LosesWrites => &["an acknowledged write is lost"],
            Self::ForgetsSessions => &["locked out: Some(Unknown)"],
            Self::TouchesAlways => &["a read without touch extends its session"],
            Self::IgnoresLimit => &["a user has more sessions than the limit"],
            Self::BeginsCrossSite => &["another site's request begins a session"],
        }
    }
}

/// How often the record from before a sign-in is read.
const GRACE: u8 = 3;

/// The store, which can have a fault.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    store: MemoryStore,
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The records from before the last sign-ins.
    before: HashMap<PublicId, (Record, u8)>,
    writes: u64,
    reads: u64,
}

impl FaultyStore {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { store: MemoryStore::new(), fault, state: Mutex::default() }
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for FaultyStore {
    decorate_store!(self => &self.store; insert, subscribe, touch, end,
        revoke_before, erase, sessions_of, scan, sweep, health);

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let is_forgotten = self.with_state(|state| {
            state.reads += 1;
            self.fault == Fault::ForgetsSessions && state.reads % 500 == 0
        });
        if is_forgotten {
            return Io::ready(Ok(None));
        }
        let before = self.with_state(|state| {
            let (record, left) = state.before.get_mut(&id)?;
            *left = left.checked_sub(1)?;
            Some(record.clone())
        });
        match before {
            Some(record) => Io::ready(Ok(Some(Stored::Live(record)))),
            None => self.store.get(id),
        }
    }

    fn index_login(&self, mut login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        if self.fault == Fault::IgnoresLimit {
            login.limit = None;
        }
        self.store.index_login(login)
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let is_lost = self.with_state(|state| {
            state.writes += 1;
            self.fault == Fault::LosesWrites && state.writes % 50 == 0
        });
        if is_lost {
            return Io::ready(Ok(Swap::Done));
        }
        if self.fault != Fault::GraceAfterSignIn {
            return self.store.replace(id, seen, record, now);
        }
        let seen = seen.clone();
        Io::future(async move {
            let before = self.store.get(id).await?;
            let after = record.authenticated_at();
            let swap = self.store.replace(id, &seen, record, now).await?;
            match before {
                Some(Stored::Live(before)) if before.authenticated_at() != after => {
                    self.with_state(|state| state.before.insert(id, (before, GRACE)));
                }
                _ => {}
            }
            Ok(swap)
        })
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        if self.fault != Fault::EndsUnconditionally {
            return self.store.end_if(id, expected, ending);
        }
        Io::future(async move {
            let ended = self.store.end(id, ending).await?;
            Ok(if ended == Ended::Now { Swap::Done } else { Swap::Gone })
        })
    }
}

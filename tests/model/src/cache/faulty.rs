//! Caches with one fault each. A check that misses one proves nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{Lookup, Subscriber};
use cloakroom::time::Clock;
use cloakroom::{Io, PublicId, Store, Timestamp};

use super::run::Node;
use super::scenarios::BELIEF;
use super::world::{Remote, TestClock};

/// The fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    FillsOverReports,
    FillsOverItsOwnWrite,
    KeepsWhatItMayHaveChanged,
    RemembersForEver,
    GoesOnAfterTheFeedBroke,
}

impl Flaw {
    pub(super) const ALL: [Self; 5] = [
        Self::FillsOverReports,
        Self::FillsOverItsOwnWrite,
        Self::KeepsWhatItMayHaveChanged,
        Self::RemembersForEver,
        Self::GoesOnAfterTheFeedBroke,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::FillsOverReports => "a cache keeps what it read before a change was reported",
            Self::FillsOverItsOwnWrite => "a cache keeps what it read before its own node's write",
            Self::KeepsWhatItMayHaveChanged => "a cache keeps what its own node may have changed",
            Self::RemembersForEver => "a cache never expires an entry",
            Self::GoesOnAfterTheFeedBroke => "a cache keeps its entries when its feed breaks",
        }
    }

    pub(super) const fn scenario(self) -> &'static str {
        match self {
            Self::FillsOverReports => "cache-reported",
            Self::FillsOverItsOwnWrite => "cache-own",
            Self::KeepsWhatItMayHaveChanged => "cache-rivals",
            Self::RemembersForEver => "cache-cut",
            Self::GoesOnAfterTheFeedBroke => "cache-mended",
        }
    }
}

/// A cache that is correct except for its fault.
pub(super) fn faulty(remote: Remote, clock: TestClock, flaw: Flaw) -> Arc<dyn Node> {
    let memory = Arc::new(Memory {
        state: Mutex::new(State {
            known: None,
            reported: 0,
            done: 0,
            caught_up_to: Timestamp::EPOCH,
        }),
        clock,
        flaw,
    });
    let subscriber: Arc<dyn Subscriber> = Arc::<Memory>::clone(&memory);
    let _ = remote.subscribe(subscriber).wait();
    Arc::new(Faulty { remote, memory })
}

struct Faulty {
    remote: Remote,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct Memory {
    state: Mutex<State>,
    clock: TestClock,
    flaw: Flaw,
}

#[derive(Debug)]
struct State {
    known: Option<(Record, Timestamp)>,
    /// Advances with each reported change and each operation of this node.
    reported: u64,
    done: u64,
    caught_up_to: Timestamp,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Option<Record> {
        let state = self.lock();
        let (record, read) = state.known.as_ref()?;
        let good_until = (*read).max(state.caught_up_to).after(Duration::from_millis(BELIEF));
        (self.flaw == Flaw::RemembersForEver || self.clock.now() < good_until)
            .then(|| record.clone())
    }

    fn fill(&self, record: Record, began: (u64, u64), read: Timestamp) {
        let mut state = self.lock();
        let is_unreported = state.reported == began.0 || self.flaw == Flaw::FillsOverReports;
        let is_unwritten = state.done == began.1 || self.flaw == Flaw::FillsOverItsOwnWrite;
        if is_unreported && is_unwritten {
            state.known = Some((record, read));
        }
    }

    /// This node starts a change, or has finished it.
    fn change(&self) {
        let mut state = self.lock();
        state.done += 1;
        if self.flaw != Flaw::KeepsWhatItMayHaveChanged {
            state.known = None;
        }
    }
}

impl Node for Faulty {
    fn get_cached(&self) -> Io<'_, Option<Lookup>> {
        if let Some(record) = self.memory.look() {
            return Io::ready(Some(Lookup::Cached(record)));
        }
        let began = {
            let state = self.memory.lock();
            (state.reported, state.done)
        };
        let read = self.memory.clock.now();
        Node::get_cached(&self.remote).inspect(move |answer| {
            if let Some(Lookup::Authoritative(Some(Stored::Live(record)))) = answer {
                self.memory.fill(record.clone(), began, read);
            }
        })
    }

    fn replace(&self, seen: Record, record: Record) -> Io<'_, ()> {
        self.memory.change();
        Node::replace(&self.remote, seen, record).inspect(|()| self.memory.change())
    }

    fn touch(&self, expected: Revision) -> Io<'_, ()> {
        self.memory.change();
        Node::touch(&self.remote, expected).inspect(|()| self.memory.change())
    }

    fn end(&self) -> Io<'_, ()> {
        self.memory.change();
        Node::end(&self.remote).inspect(|()| self.memory.change())
    }
}

impl Subscriber for Memory {
    fn changed(&self, _: PublicId, _: Option<Revision>) {
        let mut state = self.lock();
        state.reported += 1;
        state.known = None;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn caught_up_to(&self, moment: Timestamp) {
        self.lock().caught_up_to = moment;
    }

    fn gap(&self) {
        let mut state = self.lock();
        state.caught_up_to = Timestamp::EPOCH;
        if self.flaw != Flaw::GoesOnAfterTheFeedBroke {
            state.reported += 1;
            state.known = None;
        }
    }
}

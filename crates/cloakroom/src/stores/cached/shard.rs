//! Some of the sessions: what is remembered of them, and who is on the way to the store for one.

use std::collections::HashMap;

use futures_channel::oneshot;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::key::PublicId;
use crate::record::{Record, Revision};
use crate::time::Timestamp;

/// What an entry takes beside its value, roughly, in bytes.
const BESIDE: u64 = 700;

pub(super) struct Shard {
    entries: Cache<PublicId, IndexEntry, Weigh>,
    /// Sessions about which somebody is talking to the store.
    underway: HashMap<PublicId, Underway>,
    hits: u64,
    misses: u64,
}

struct IndexEntry {
    record: Record,
    /// When it was asked for.
    read: Timestamp,
}

#[derive(Default)]
struct Underway {
    users: usize,
    /// Moves with every change that is caught_up_to of: what was asked for before it may be older than the change.
    generation: u64,
    /// Reads that others wait for, each with the generation in which it began.
    flights: Vec<(u64, Vec<oneshot::Sender<Option<Record>>>)>,
    /// What our own writes give the record: no news when it is caught_up_to of.
    own: Vec<Revision>,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<PublicId, IndexEntry> for Weigh {
    fn weight(&self, _: &PublicId, entry: &IndexEntry) -> u64 {
        // Twice: encoded and decoded.
        let value = entry.record.payload().measure().unwrap_or_default();
        BESIDE.saturating_add(2 * u64::try_from(value).unwrap_or(u64::MAX / 4))
    }
}

impl Shard {
    pub(super) fn new(bytes: u64) -> Self {
        let likely = usize::try_from(bytes / (2 * BESIDE)).unwrap_or(usize::MAX);
        let entries = Cache::with_weighter(likely, bytes, Weigh);
        Self { entries, underway: HashMap::new(), hits: 0, misses: 0 }
    }

    pub(super) fn look(
        &mut self,
        id: PublicId,
        believes: impl Fn(Timestamp) -> bool,
    ) -> Option<Record> {
        let found = self.entries.get(&id).filter(|entry| believes(entry.read));
        let record = found.map(|entry| entry.record.clone());
        *(if record.is_some() { &mut self.hits } else { &mut self.misses }) += 1;
        record
    }

    /// The generation in which this one begins to read for all, or who does already and has seen all changes.
    pub(super) fn board(&mut self, id: PublicId) -> Result<u64, oneshot::Receiver<Option<Record>>> {
        let underway = self.underway.entry(id).or_default();
        let generation = underway.generation;
        if let Some((_, waiting)) =
            underway.flights.iter_mut().find(|(began, _)| *began == generation)
        {
            let (sender, receiver) = oneshot::channel();
            waiting.push(sender);
            return Err(receiver);
        }
        underway.users += 1;
        underway.flights.push((generation, Vec::new()));
        Ok(generation)
    }

    /// The generation in which somebody begins to read or write on their own.
    pub(super) fn enter(&mut self, id: PublicId, own: Option<Revision>) -> u64 {
        let underway = self.underway.entry(id).or_default();
        underway.users += 1;
        underway.own.extend(own);
        underway.generation
    }

    pub(super) fn leave(&mut self, id: PublicId, own: Option<Revision>) {
        let Some(underway) = self.underway.get_mut(&id) else { return };
        underway.users -= 1;
        if let Some(at) = own.and_then(|own| underway.own.iter().position(|one| *one == own)) {
            underway.own.swap_remove(at);
        }
        if underway.users == 0 {
            self.underway.remove(&id);
        }
    }

    /// Who waits for the read that began in this generation.
    pub(super) fn land(
        &mut self,
        id: PublicId,
        generation: u64,
    ) -> Vec<oneshot::Sender<Option<Record>>> {
        let Some(underway) = self.underway.get_mut(&id) else { return Vec::new() };
        let at = underway.flights.iter().position(|(began, _)| *began == generation);
        at.map(|at| underway.flights.swap_remove(at).1).unwrap_or_default()
    }

    /// Remembers a record that was asked for in this generation, unless something was caught_up_to of it since.
    pub(super) fn fill(&mut self, id: PublicId, generation: u64, record: Record, read: Timestamp) {
        let is_of_now =
            self.underway.get(&id).is_some_and(|underway| underway.generation == generation);
        let is_older =
            |entry: &IndexEntry| entry.record.revision().count() > record.revision().count();
        if is_of_now && !self.entries.peek(&id).is_some_and(is_older) {
            self.entries.insert(id, IndexEntry { record, read });
        }
    }

    /// A write that began in this generation was made, and is remembered: reads that began before it are not any more.
    /// False if something was caught_up_to of the session meanwhile.
    pub(super) fn settle(&mut self, id: PublicId, generation: u64) -> bool {
        let Some(underway) = self.underway.get_mut(&id) else { return false };
        let is_of_now = underway.generation == generation;
        underway.generation += 1;
        is_of_now
    }

    pub(super) fn touch(&mut self, id: PublicId, expected: Revision, deadline: Timestamp) {
        if let Some(mut entry) = self.entries.get_mut(&id)
            && entry.record.revision() == expected
            && entry.record.idle_deadline() < deadline
        {
            entry.record = entry.record.clone().with_idle_deadline(deadline);
        }
    }

    /// The session was changed by somebody, and given this revision.
    pub(super) fn change(&mut self, id: PublicId, revision: Option<Revision>) {
        let is_known = |known: &Revision| Some(*known) == revision;
        if self.underway.get(&id).is_some_and(|underway| underway.own.iter().any(is_known)) {
            return;
        }
        if !self.entries.peek(&id).is_some_and(|entry| is_known(&entry.record.revision())) {
            self.forget(id);
        }
    }

    pub(super) fn forget(&mut self, id: PublicId) {
        self.entries.remove(&id);
        if let Some(underway) = self.underway.get_mut(&id) {
            underway.generation += 1;
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.entries.clear();
        self.underway.values_mut().for_each(|underway| underway.generation += 1);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }
}

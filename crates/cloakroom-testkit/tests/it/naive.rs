//! A naive store that can be given one flaw at a time.

mod flaw;
mod index;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;

pub(crate) use flaw::Flaw;

use cloakroom::key::KindTag;
use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexEntry, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError,
    StoreErrorKind, Swap,
};
use cloakroom::value::Payload;
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};

/// The entries of each principal.
type Index = BTreeMap<String, BTreeMap<PublicId, IndexEntry>>;

#[derive(Default)]
pub(crate) struct Naive {
    flaw: Option<Flaw>,
    entries: Mutex<BTreeMap<PublicId, Stored>>,
    index: Mutex<Index>,
    revocations: Mutex<BTreeMap<String, (Timestamp, Timestamp)>>,
    /// How many writers have read and not yet written.
    readers: AtomicUsize,
}

impl Naive {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_flaw(flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..Self::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<PublicId, Stored>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, id: PublicId) -> PublicId {
        let mut bytes = *id.as_bytes();
        if self.has(Flaw::IgnoresTheLastByteOfIds) {
            bytes[15] = 0;
        }
        PublicId::from_bytes(bytes)
    }

    fn name(&self, principal: &Principal) -> String {
        if self.has(Flaw::IndexIgnoresCase) {
            principal.as_str().to_lowercase()
        } else {
            principal.as_str().to_owned()
        }
    }

    /// The record as the store keeps it.
    fn stored(&self, record: Record) -> Record {
        let bytes = record.payload().to_bytes().unwrap();
        let payload = match bytes {
            Some(bytes) if self.has(Flaw::ValuesMustBeText) => {
                Payload::from_bytes(String::from_utf8_lossy(&bytes).into_owned().into_bytes())
            }
            None if self.has(Flaw::UnsetIsEmpty) => Payload::from_bytes(Vec::new()),
            _ => return record,
        };
        with_payload(&record, payload)
    }

    /// Waits until so many writers have read, for a limited time.
    fn wait_for_readers(&self, writers: usize) {
        self.readers.fetch_add(1, Ordering::SeqCst);
        for _ in 0..1_000_000 {
            if self.readers.load(Ordering::SeqCst) >= writers {
                break;
            }
            thread::yield_now();
        }
    }

    fn matches(&self, found: Revision, expected: Revision) -> bool {
        if self.has(Flaw::ReplaceIgnoresTokens) {
            return found.count() == expected.count();
        }
        let signed = |revision: Revision| (revision.count() >> 1, revision.token() >> 1);
        if self.has(Flaw::NumbersAreSigned) {
            return signed(found) == signed(expected);
        }
        self.has(Flaw::ReplaceIgnoresRevisions) || found == expected
    }

    fn apply_replace(&self, id: PublicId, expected: Revision, record: Record) -> Swap {
        let mut entries = self.entries();
        match entries.get(&id).cloned() {
            None if !self.has(Flaw::ReplaceCreates) => return Swap::Gone,
            Some(Stored::Ended(_)) if !self.has(Flaw::ReplaceRevives) => return Swap::Gone,
            Some(Stored::Live(found)) if !self.matches(found.revision(), expected) => {
                return Swap::Stale(found);
            }
            Some(Stored::Live(found))
                if self.has(Flaw::ReplaceKeepsTheOldValueIfUnset)
                    && record.payload().is_unset() =>
            {
                let payload = found.payload().clone();
                entries.insert(id, Stored::Live(with_payload(&record, payload)));
                return Swap::Done;
            }
            _ => {}
        }
        if self.has(Flaw::ReplaceReadsThenWrites) {
            drop(entries);
            self.wait_for_readers(2);
            entries = self.entries();
        }
        entries.insert(id, Stored::Live(self.stored(record)));
        Swap::Done
    }

    fn apply_touch(&self, id: PublicId, expected: Revision, deadline: Timestamp) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&id) else {
            return false;
        };
        match entry {
            Stored::Live(record)
                if (record.revision() == expected || self.has(Flaw::TouchIgnoresRevisions))
                    && (record.idle_deadline() <= deadline || self.has(Flaw::TouchMovesBack)) =>
            {
                let touched = record.clone().with_idle_deadline(deadline);
                *record =
                    if self.has(Flaw::TouchCountsAsAWrite) { rewritten(&touched) } else { touched };
                true
            }
            Stored::Ended(tombstone) if self.has(Flaw::TouchRevives) => {
                let ending = tombstone.ending();
                let record = cloakroom::protocol::begin(
                    KindTag::DEFAULT,
                    tombstone.credentials().current,
                    cloakroom::Lifetime::default(),
                    None,
                    Payload::unset(),
                    expected,
                    ending.at(),
                );
                *entry = Stored::Live(record);
                true
            }
            _ => false,
        }
    }

    fn apply_end(&self, id: PublicId, ending: Ending) -> Ended {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&id) else {
            if self.has(Flaw::EndLeavesATombstoneOfNothing) {
                entries
                    .insert(id, Stored::Ended(rewritten(&empty_record(ending.at())).ended(ending)));
            }
            return Ended::Absent;
        };
        match entry {
            Stored::Live(_) if self.has(Flaw::EndDeletes) => drop(entries.remove(&id)),
            Stored::Live(_) if self.has(Flaw::EndKeepsTheSession) => {}
            Stored::Live(record) => *entry = Stored::Ended(record.ended(ending)),
            Stored::Ended(_) if self.has(Flaw::EndNeverReportsAlready) => {}
            Stored::Ended(tombstone) => {
                if self.has(Flaw::EndKeepsTheLastReason) {
                    let mut record = empty_record(ending.at());
                    record = with_credentials_of(&record, tombstone);
                    *entry = Stored::Ended(record.ended(ending));
                }
                return Ended::Already;
            }
        }
        Ended::Now
    }
}

fn empty_record(now: Timestamp) -> Record {
    let key = cloakroom::Key::new(
        PublicId::from_bytes([0; 16]),
        cloakroom::key::Secret::from_bytes([0; 16]),
    );
    let (kind, revision) = (KindTag::DEFAULT, Revision::new(0, 0));
    let (verifier, lifetime) = (key.verifier(kind), cloakroom::Lifetime::default());
    cloakroom::protocol::begin(kind, verifier, lifetime, None, Payload::unset(), revision, now)
}

fn with_credentials_of(record: &Record, tombstone: &cloakroom::record::Tombstone) -> Record {
    cloakroom::protocol::begin(
        record.kind(),
        tombstone.credentials().current,
        *record.lifetime(),
        tombstone.principal().cloned(),
        Payload::unset(),
        record.revision(),
        record.created(),
    )
}

/// A copy of the record with this payload.
fn with_payload(record: &Record, payload: Payload) -> Record {
    cloakroom::protocol::begin(
        record.kind(),
        record.credentials().current,
        *record.lifetime(),
        record.principal().cloned(),
        payload,
        record.revision(),
        record.created(),
    )
    .with_idle_deadline(record.idle_deadline())
}

/// A copy of the record with the next revision.
fn rewritten(record: &Record) -> Record {
    cloakroom::protocol::begin(
        record.kind(),
        record.credentials().current,
        *record.lifetime(),
        record.principal().cloned(),
        record.payload().clone(),
        Revision::new(record.revision().count() + 1, 0),
        record.created(),
    )
    .with_idle_deadline(record.idle_deadline())
}

impl Store for Naive {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        let id = self.id(id);
        let mut entries = self.entries();
        let taken = match entries.get(&id) {
            Some(Stored::Live(_)) => !self.has(Flaw::InsertOverwrites),
            Some(Stored::Ended(_)) => !self.has(Flaw::InsertReusesEndedIds),
            None => false,
        };
        if taken {
            return Io::ready(Ok(Inserted::Taken));
        }
        entries.insert(id, Stored::Live(self.stored(record)));
        Io::ready(Ok(Inserted::Done))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        let found = self.entries().get(&self.id(id)).cloned();
        Io::ready(Ok(found.filter(|entry| match entry {
            Stored::Live(record) => {
                !self.has(Flaw::GetHidesExpiredRecords) || record.expires_at() > record.created()
            }
            Stored::Ended(_) => true,
        })))
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        _: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let (id, expected) = (self.id(id), seen.revision());
        if !self.has(Flaw::ReplaceDeletesThenWrites) {
            return Io::ready(Ok(self.apply_replace(id, expected, record)));
        }
        Io::future(async move {
            let before = self.entries().remove(&id);
            let mut suspended = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut suspended, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            self.entries().extend(before.map(|before| (id, before)));
            Ok(self.apply_replace(id, expected, record))
        })
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        Io::ready(Ok(self.apply_touch(self.id(id), expected, deadline)))
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        let id = self.id(id);
        let stored = self.entries().get(&id).cloned();
        Io::ready(Ok(match stored {
            Some(Stored::Live(record))
                if record.revision() != expected && !self.has(Flaw::EndIfTakesAnyRevision) =>
            {
                Swap::Stale(record)
            }
            Some(Stored::Live(_)) => {
                self.apply_end(id, ending);
                Swap::Done
            }
            _ => Swap::Gone,
        }))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        Io::ready(Ok(self.apply_end(self.id(id), ending)))
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        Io::ready(Ok(self.apply_index_login(&login)))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        let mut revocations = self.revocations();
        let known = revocations.entry(self.revoked_as(principal)).or_insert((before, until));
        let latest = if self.has(Flaw::RevocationsMoveBack) { before } else { known.0.max(before) };
        *known = (latest, known.1.max(until));
        Io::ready(Ok(()))
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        if let Some(entries) = self.index().get_mut(&self.name(principal)) {
            let all = self.has(Flaw::EraseRemovesEveryEntry);
            entries.retain(|id, _| !all && !ended.contains(id));
        }
        if let Some(known) = self.revocations().get_mut(&self.revoked_as(principal)) {
            known.1 =
                if self.has(Flaw::ErasedRevocationsStay) { known.1 } else { known.1.min(until) };
        }
        Io::ready(Ok(()))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        let after = page.starts_after().map_or(Bound::Unbounded, Bound::Excluded);
        let skipped = usize::from(
            self.has(Flaw::IndexSkipsEntriesBetweenPages) && page.starts_after().is_some(),
        );
        let ids = self.index().get(&self.name(principal)).map_or_else(Vec::new, |entries| {
            entries
                .range((after, Bound::Unbounded))
                .filter(|(_, entry)| entry.is_of(kind) || self.has(Flaw::IndexListsEveryKind))
                .map(|(id, _)| *id)
                .skip(skipped)
                .take(page.limit())
                .collect()
        });
        Io::ready(Ok(ids))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let page = Page::of_scan(from, limit).unwrap();
        let entries = self.entries();
        let mut after = page.starts_after().map_or(Bound::Unbounded, Bound::Excluded);
        if let (Some(last), true) = (page.starts_after(), self.has(Flaw::ScanPagesByPosition)) {
            // Pages by position, as SQL's `OFFSET` does: a removed entry shifts all later ones.
            let seen = usize::from(last.as_bytes()[0]) / 5;
            after = entries.keys().nth(seen).map_or(after, |id| Bound::Excluded(*id));
        }
        let shown = |entry: &Stored| {
            matches!(entry, Stored::Live(_)) || !self.has(Flaw::ScanHidesTombstones)
        };
        let part = entries
            .range((after, Bound::Unbounded))
            .filter(|(_, entry)| shown(entry))
            .take(page.limit());
        let part = part.map(|(id, entry)| (*id, entry.clone())).collect();
        Io::ready(Ok(Scanned::in_order(part, page)))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        let tick =
            std::time::Duration::from_millis(u64::from(self.has(Flaw::SweepIsAMillisecondEarly)));
        let limit = match self.flaw {
            Some(Flaw::SweepIgnoresItsLimit) => usize::MAX,
            Some(Flaw::SweepStopsEarly) => limit - 1,
            _ => limit,
        };
        let is_over = |deadline: Timestamp| deadline.has_passed(now.after(tick));
        let mut entries = self.entries();
        let garbage: Vec<PublicId> = entries
            .iter()
            .filter(|(_, entry)| is_over(entry.expires_at()))
            .map(|(id, _)| *id)
            .take(limit)
            .collect();
        for id in &garbage {
            entries.remove(id);
        }
        for ids in self.index().values_mut() {
            ids.retain(|_, entry| !is_over(entry.until));
        }
        self.revocations().retain(|_, (_, until)| !is_over(*until));
        Io::ready(Ok(garbage.len()))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        if self.has(Flaw::IsNeverHealthy) {
            return Io::ready(Err(StoreError::not_sent(StoreErrorKind::Unavailable)));
        }
        Io::ready(Ok(()))
    }
}

impl fmt::Debug for Naive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Naive({:?})", self.flaw)
    }
}

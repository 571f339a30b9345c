//! The store contract of [`MemoryStore`].

use super::MemoryStore;
use super::slot::Slot;
use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Io, Page, Scanned, Store, StoreError,
    StoreErrorKind, Swap,
};
use crate::time::Timestamp;

impl Store for MemoryStore {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        Io::ready(self.try_insert(id, record))
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        Io::ready(self.shard(id).with(id, |slot| slot.map(Slot::read).transpose()))
    }

    fn replace(
        &self,
        id: PublicId,
        seen: &Record,
        record: Record,
        now: Timestamp,
    ) -> Io<'_, Result<Swap, StoreError>> {
        Io::ready(self.try_replace(id, seen.revision(), record, now))
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        let touched = self.shard(id).with(id, |slot| match slot {
            Some(slot) => slot.touch(expected, deadline),
            None => Ok(false),
        });
        Io::ready(touched)
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.set_time(ending.at());
        Io::ready(self.release_ended(
            id,
            self.shard(id).end(id, |slot| slot.end_if(expected, ending), Swap::Gone),
        ))
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.set_time(ending.at());
        Io::ready(
            self.release_ended(id, self.shard(id).end(id, |slot| slot.end(ending), Ended::Absent)),
        )
    }

    fn index_login(&self, login: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        Io::ready(self.try_index_login(login))
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        // Counted even beyond the limit: a full store must not keep what is to be revoked.
        self.count(self.index.revoke_before_counted(principal, before, until));
        Io::ready(Ok(()))
    }

    fn erase(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.count(self.index.erase_counted(principal, &ended, until));
        Io::ready(Ok(()))
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        Io::ready(Ok(self.index.sessions_of(principal, kind, page)))
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        let scanned = Page::of_scan(from, limit)
            .and_then(|page| self.try_scan(page).map(|entries| Scanned::in_order(entries, page)));
        Io::ready(scanned)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.set_time(now);
        let swept = self.sweep_entries(now, limit);
        if swept < limit {
            self.count(self.index.sweep_counted(now));
        }
        Io::ready(Ok(swept))
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        Io::ready(if self.is_full() {
            Err(StoreError::not_sent(StoreErrorKind::Full))
        } else {
            Ok(())
        })
    }
}

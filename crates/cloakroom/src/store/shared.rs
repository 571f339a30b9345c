//! A store shared by several owners is a store.

use std::sync::Arc;

use super::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Lookup, Page, Scanned, Store, StoreError,
    Subscriber, Swap,
};
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::store::Io;
use crate::time::Timestamp;

impl<S: Store + ?Sized> Store for Arc<S> {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        (**self).insert(id, record)
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        (**self).get(id)
    }

    fn get_cached(&self, id: PublicId) -> Io<'_, Result<Lookup, StoreError>> {
        (**self).get_cached(id)
    }

    fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Io<'_, Result<bool, StoreError>> {
        (**self).subscribe(subscriber)
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        (**self).replace(id, expected, record)
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        (**self).touch(id, expected, deadline)
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        (**self).end_if(id, expected, ending)
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        (**self).end(id, ending)
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        (**self).index_login(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        (**self).revoke_before(principal, before, until)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        (**self).sessions_of(principal, page)
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        (**self).scan(from, limit)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        (**self).sweep(now, limit)
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        (**self).health()
    }
}

//! A store shared by several owners is a store.

use std::sync::Arc;

use super::{
    Admission, Admitted, Cursor, Ended, Inserted, Listener, Page, Recalled, Scanned, Store, StoreError, Swap,
};
use crate::io::Io;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::record::{Ending, Record, Revision, Stored};
use crate::time::Timestamp;

impl<S: Store + ?Sized> Store for Arc<S> {
    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        (**self).insert(id, record)
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        (**self).get(id)
    }

    fn recall(&self, id: SessionId) -> Io<'_, Result<Recalled, StoreError>> {
        (**self).recall(id)
    }

    fn listen(&self, listener: Arc<dyn Listener>) -> Io<'_, Result<bool, StoreError>> {
        (**self).listen(listener)
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        (**self).replace(id, expected, record)
    }

    fn touch(
        &self,
        id: SessionId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        (**self).touch(id, expected, deadline)
    }

    fn end_at(&self, id: SessionId, expected: Revision, ending: Ending) -> Io<'_, Result<Swap, StoreError>> {
        (**self).end_at(id, expected, ending)
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        (**self).end(id, ending)
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<Admitted, StoreError>> {
        (**self).admit(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        (**self).revoke_before(principal, before, until)
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        (**self).ids_of(principal, page)
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

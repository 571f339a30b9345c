//! A store whose payloads are bytes, as they are wherever a session leaves the process.

use cloakroom::record::{Ending, Record, Revision, Stored};
use cloakroom::store::{
    Cursor, Ended, IndexLogin, Indexed, Inserted, Page, Scanned, StoreError, Swap,
};
use cloakroom::{Io, Principal, PublicId, Store, Timestamp};

#[derive(Debug)]
pub(super) struct EncodingStore<S>(pub(super) S);

impl<S: Store> Store for EncodingStore<S> {
    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match record.with_encoded_payload() {
            Ok(record) => self.0.insert(id, record),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn get(&self, id: PublicId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.0.get(id)
    }

    fn replace(
        &self,
        id: PublicId,
        expected: Revision,
        record: Record,
    ) -> Io<'_, Result<Swap, StoreError>> {
        match record.with_encoded_payload() {
            Ok(record) => self.0.replace(id, expected, record),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn touch(
        &self,
        id: PublicId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.0.touch(id, expected, deadline)
    }

    fn end_if(
        &self,
        id: PublicId,
        expected: Revision,
        ending: Ending,
    ) -> Io<'_, Result<Swap, StoreError>> {
        self.0.end_if(id, expected, ending)
    }

    fn end(&self, id: PublicId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.0.end(id, ending)
    }

    fn index_login(&self, admission: IndexLogin) -> Io<'_, Result<Indexed, StoreError>> {
        self.0.index_login(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.0.revoke_before(principal, before, until)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Io<'_, Result<Vec<PublicId>, StoreError>> {
        self.0.sessions_of(principal, page)
    }

    fn scan(&self, from: Option<&Cursor>, limit: usize) -> Io<'_, Result<Scanned, StoreError>> {
        self.0.scan(from, limit)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Io<'_, Result<usize, StoreError>> {
        self.0.sweep(now, limit)
    }

    fn health(&self) -> Io<'_, Result<(), StoreError>> {
        self.0.health()
    }
}

//! A store whose payloads are bytes, as they are wherever a session leaves the process.

use cloakroom::{
    Admission, Admitted, Cursor, Ended, Ending, Inserted, Io, Page, Principal, Record, Revision, Scanned,
    SessionId, Store, StoreError, Stored, Swap, Timestamp,
};

#[derive(Debug)]
pub(super) struct EncodingStore<S>(pub(super) S);

impl<S: Store> Store for EncodingStore<S> {
    fn insert(&self, id: SessionId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match record.with_encoded_payload() {
            Ok(record) => self.0.insert(id, record),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn get(&self, id: SessionId) -> Io<'_, Result<Option<Stored>, StoreError>> {
        self.0.get(id)
    }

    fn replace(&self, id: SessionId, expected: Revision, record: Record) -> Io<'_, Result<Swap, StoreError>> {
        match record.with_encoded_payload() {
            Ok(record) => self.0.replace(id, expected, record),
            Err(error) => Io::ready(Err(error.into())),
        }
    }

    fn touch(
        &self,
        id: SessionId,
        expected: Revision,
        deadline: Timestamp,
    ) -> Io<'_, Result<bool, StoreError>> {
        self.0.touch(id, expected, deadline)
    }

    fn end_at(&self, id: SessionId, expected: Revision, ending: Ending) -> Io<'_, Result<Swap, StoreError>> {
        self.0.end_at(id, expected, ending)
    }

    fn end(&self, id: SessionId, ending: Ending) -> Io<'_, Result<Ended, StoreError>> {
        self.0.end(id, ending)
    }

    fn admit(&self, admission: Admission) -> Io<'_, Result<Admitted, StoreError>> {
        self.0.admit(admission)
    }

    fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Io<'_, Result<(), StoreError>> {
        self.0.revoke_before(principal, before, until)
    }

    fn ids_of(&self, principal: &Principal, page: Page) -> Io<'_, Result<Vec<SessionId>, StoreError>> {
        self.0.ids_of(principal, page)
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

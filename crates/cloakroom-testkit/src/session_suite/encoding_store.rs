//! A store that encodes every value, as a store outside the process does.

use cloakroom::record::{Record, Revision};
use cloakroom::store::{Inserted, StoreError, Swap};
use cloakroom::{Io, PublicId, Store, decorate_store};

#[derive(Debug)]
pub(super) struct EncodingStore<S>(pub(super) S);

impl<S: Store> Store for EncodingStore<S> {
    decorate_store!(self => &self.0;
        get, touch, end_if, end, index_login, revoke_before, sessions_of, scan, sweep, health);

    fn insert(&self, id: PublicId, record: Record) -> Io<'_, Result<Inserted, StoreError>> {
        match record.with_encoded_payload() {
            Ok(record) => self.0.insert(id, record),
            Err(error) => Io::ready(Err(error.into())),
        }
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
}

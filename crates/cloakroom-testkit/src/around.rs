//! What all decorators of stores share: the names of the operations, and one way to go around each.

use cloakroom::SessionId;

/// An operation of the [`Store`](cloakroom::Store) contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "as many as the contract has")]
pub enum Operation {
    /// `insert`
    Insert,
    /// `get`
    Get,
    /// `replace`
    Replace,
    /// `touch`
    Touch,
    /// `end_at`
    EndAt,
    /// `end`
    End,
    /// `admit`
    Admit,
    /// `revoke_before`
    RevokeBefore,
    /// `ids_of`
    IdsOf,
    /// `scan`
    Scan,
    /// `sweep`
    Sweep,
    /// `health`
    Health,
}

/// One call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// What was asked.
    pub operation: Operation,
    /// About which session, if about one.
    pub id: Option<SessionId>,
}

impl Call {
    pub(crate) const fn about(operation: Operation, id: SessionId) -> Self {
        Self { operation, id: Some(id) }
    }

    pub(crate) const fn of(operation: Operation) -> Self {
        Self { operation, id: None }
    }
}

/// Makes a decorator a store: every operation goes through its `around(call, operation on the inner store)`.
macro_rules! decorate {
    ($decorator:ident) => {
        impl<S: cloakroom::Store> cloakroom::Store for $decorator<S> {
            fn insert(
                &self,
                id: cloakroom::SessionId,
                record: cloakroom::Record,
            ) -> cloakroom::Io<'_, Result<cloakroom::Inserted, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Insert, id);
                self.around(call, move |store| store.insert(id, record))
            }

            fn get(
                &self,
                id: cloakroom::SessionId,
            ) -> cloakroom::Io<'_, Result<Option<cloakroom::Stored>, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Get, id);
                self.around(call, move |store| store.get(id))
            }

            fn replace(
                &self,
                id: cloakroom::SessionId,
                expected: cloakroom::Revision,
                record: cloakroom::Record,
            ) -> cloakroom::Io<'_, Result<cloakroom::Swap, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Replace, id);
                self.around(call, move |store| store.replace(id, expected, record))
            }

            fn touch(
                &self,
                id: cloakroom::SessionId,
                expected: cloakroom::Revision,
                deadline: cloakroom::Timestamp,
            ) -> cloakroom::Io<'_, Result<bool, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Touch, id);
                self.around(call, move |store| store.touch(id, expected, deadline))
            }

            fn end_at(
                &self,
                id: cloakroom::SessionId,
                expected: cloakroom::Revision,
                ending: cloakroom::Ending,
            ) -> cloakroom::Io<'_, Result<cloakroom::Swap, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::EndAt, id);
                self.around(call, move |store| store.end_at(id, expected, ending))
            }

            fn end(
                &self,
                id: cloakroom::SessionId,
                ending: cloakroom::Ending,
            ) -> cloakroom::Io<'_, Result<cloakroom::Ended, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::End, id);
                self.around(call, move |store| store.end(id, ending))
            }

            fn admit(
                &self,
                admission: cloakroom::Admission,
            ) -> cloakroom::Io<'_, Result<cloakroom::Admitted, cloakroom::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Admit, admission.id);
                self.around(call, move |store| store.admit(admission))
            }

            fn revoke_before(
                &self,
                principal: &cloakroom::Principal,
                before: cloakroom::Timestamp,
                until: cloakroom::Timestamp,
            ) -> cloakroom::Io<'_, Result<(), cloakroom::StoreError>> {
                let principal = principal.clone();
                let call = $crate::Call::of($crate::Operation::RevokeBefore);
                self.around(call, move |store| store.revoke_before(&principal, before, until))
            }

            fn ids_of(
                &self,
                principal: &cloakroom::Principal,
                page: cloakroom::Page,
            ) -> cloakroom::Io<'_, Result<Vec<cloakroom::SessionId>, cloakroom::StoreError>> {
                let principal = principal.clone();
                let call = $crate::Call::of($crate::Operation::IdsOf);
                self.around(call, move |store| store.ids_of(&principal, page))
            }

            fn scan(
                &self,
                page: cloakroom::Page,
            ) -> cloakroom::Io<
                '_,
                Result<Vec<(cloakroom::SessionId, cloakroom::Stored)>, cloakroom::StoreError>,
            > {
                let call = $crate::Call::of($crate::Operation::Scan);
                self.around(call, move |store| store.scan(page))
            }

            fn sweep(
                &self,
                now: cloakroom::Timestamp,
                limit: usize,
            ) -> cloakroom::Io<'_, Result<usize, cloakroom::StoreError>> {
                let call = $crate::Call::of($crate::Operation::Sweep);
                self.around(call, move |store| store.sweep(now, limit))
            }

            fn health(&self) -> cloakroom::Io<'_, Result<(), cloakroom::StoreError>> {
                self.around($crate::Call::of($crate::Operation::Health), cloakroom::Store::health)
            }
        }
    };
}

pub(crate) use decorate;

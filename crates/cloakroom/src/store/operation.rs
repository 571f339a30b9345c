//! The operations of the contract by name, and one way to go around each of them.

use std::fmt;

use crate::key::SessionId;

/// An operation of the [`Store`](crate::Store) contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the method of its name")]
#[expect(clippy::exhaustive_enums, reason = "as many as the contract has")]
pub enum Operation {
    Insert,
    Get,
    Replace,
    Touch,
    EndAt,
    End,
    Admit,
    RevokeBefore,
    IdsOf,
    Scan,
    Sweep,
    Health,
    Listen,
}

impl Operation {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 13] = [
        Self::Insert,
        Self::Get,
        Self::Replace,
        Self::Touch,
        Self::EndAt,
        Self::End,
        Self::Admit,
        Self::RevokeBefore,
        Self::IdsOf,
        Self::Scan,
        Self::Sweep,
        Self::Health,
        Self::Listen,
    ];

    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Get => "get",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::EndAt => "end_at",
            Self::End => "end",
            Self::Admit => "admit",
            Self::RevokeBefore => "revoke_before",
            Self::IdsOf => "ids_of",
            Self::Scan => "scan",
            Self::Sweep => "sweep",
            Self::Health => "health",
            Self::Listen => "listen",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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
    /// A call about session `id`.
    pub const fn about(operation: Operation, id: SessionId) -> Self {
        Self { operation, id: Some(id) }
    }

    /// A call about no session in particular.
    pub const fn of(operation: Operation) -> Self {
        Self { operation, id: None }
    }
}

/// Makes a generic `Decorator<S>` a [`Store`](crate::Store): every operation goes through its method
/// `around(&self, call: Call, operation: impl FnOnce(&S) -> Io<..>)`, where it may be watched, delayed or refused.
#[macro_export]
macro_rules! decorate_store {
    ($decorator:ident) => {
        impl<S: $crate::Store> $crate::Store for $decorator<S> {
            fn insert(
                &self,
                id: $crate::SessionId,
                record: $crate::Record,
            ) -> $crate::Io<'_, Result<$crate::Inserted, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Insert, id);
                self.around(call, move |store| store.insert(id, record))
            }

            fn get(
                &self,
                id: $crate::SessionId,
            ) -> $crate::Io<'_, Result<Option<$crate::Stored>, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Get, id);
                self.around(call, move |store| store.get(id))
            }

            fn recall(
                &self,
                id: $crate::SessionId,
            ) -> $crate::Io<'_, Result<$crate::Recalled, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Get, id);
                self.around(call, move |store| store.recall(id))
            }

            fn listen(
                &self,
                listener: std::sync::Arc<dyn $crate::Listener>,
            ) -> $crate::Io<'_, Result<bool, $crate::StoreError>> {
                self.around($crate::Call::of($crate::Operation::Listen), move |store| store.listen(listener))
            }

            fn replace(
                &self,
                id: $crate::SessionId,
                expected: $crate::Revision,
                record: $crate::Record,
            ) -> $crate::Io<'_, Result<$crate::Swap, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Replace, id);
                self.around(call, move |store| store.replace(id, expected, record))
            }

            fn touch(
                &self,
                id: $crate::SessionId,
                expected: $crate::Revision,
                deadline: $crate::Timestamp,
            ) -> $crate::Io<'_, Result<bool, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Touch, id);
                self.around(call, move |store| store.touch(id, expected, deadline))
            }

            fn end_at(
                &self,
                id: $crate::SessionId,
                expected: $crate::Revision,
                ending: $crate::Ending,
            ) -> $crate::Io<'_, Result<$crate::Swap, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::EndAt, id);
                self.around(call, move |store| store.end_at(id, expected, ending))
            }

            fn end(
                &self,
                id: $crate::SessionId,
                ending: $crate::Ending,
            ) -> $crate::Io<'_, Result<$crate::Ended, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::End, id);
                self.around(call, move |store| store.end(id, ending))
            }

            fn admit(
                &self,
                admission: $crate::Admission,
            ) -> $crate::Io<'_, Result<$crate::Admitted, $crate::StoreError>> {
                let call = $crate::Call::about($crate::Operation::Admit, admission.id);
                self.around(call, move |store| store.admit(admission))
            }

            fn revoke_before(
                &self,
                principal: &$crate::Principal,
                before: $crate::Timestamp,
                until: $crate::Timestamp,
            ) -> $crate::Io<'_, Result<(), $crate::StoreError>> {
                let principal = principal.clone();
                let call = $crate::Call::of($crate::Operation::RevokeBefore);
                self.around(call, move |store| store.revoke_before(&principal, before, until))
            }

            fn ids_of(
                &self,
                principal: &$crate::Principal,
                page: $crate::Page,
            ) -> $crate::Io<'_, Result<Vec<$crate::SessionId>, $crate::StoreError>> {
                let principal = principal.clone();
                let call = $crate::Call::of($crate::Operation::IdsOf);
                self.around(call, move |store| store.ids_of(&principal, page))
            }

            fn scan(
                &self,
                from: Option<&$crate::Cursor>,
                limit: usize,
            ) -> $crate::Io<'_, Result<$crate::Scanned, $crate::StoreError>> {
                let from = from.cloned();
                let call = $crate::Call::of($crate::Operation::Scan);
                self.around(call, move |store| store.scan(from.as_ref(), limit))
            }

            fn sweep(
                &self,
                now: $crate::Timestamp,
                limit: usize,
            ) -> $crate::Io<'_, Result<usize, $crate::StoreError>> {
                let call = $crate::Call::of($crate::Operation::Sweep);
                self.around(call, move |store| store.sweep(now, limit))
            }

            fn health(&self) -> $crate::Io<'_, Result<(), $crate::StoreError>> {
                self.around($crate::Call::of($crate::Operation::Health), $crate::Store::health)
            }
        }
    };
}

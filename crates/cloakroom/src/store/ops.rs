//! The operations of the contract by name, and one way to go around each of them.

use std::fmt;

use crate::key::PublicId;

/// An operation of the [`Store`](crate::Store) contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the method of its name")]
#[expect(clippy::exhaustive_enums, reason = "as many as the contract has")]
pub enum Operation {
    Insert,
    Get,
    Replace,
    Touch,
    EndIf,
    End,
    IndexLogin,
    RevokeBefore,
    SessionsOf,
    Scan,
    Sweep,
    Health,
    Subscribe,
}

impl Operation {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 13] = [
        Self::Insert,
        Self::Get,
        Self::Replace,
        Self::Touch,
        Self::EndIf,
        Self::End,
        Self::IndexLogin,
        Self::RevokeBefore,
        Self::SessionsOf,
        Self::Scan,
        Self::Sweep,
        Self::Health,
        Self::Subscribe,
    ];

    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Get => "get",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::EndIf => "end_if",
            Self::End => "end",
            Self::IndexLogin => "index_login",
            Self::RevokeBefore => "revoke_before",
            Self::SessionsOf => "sessions_of",
            Self::Scan => "scan",
            Self::Sweep => "sweep",
            Self::Health => "health",
            Self::Subscribe => "subscribe",
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
    pub id: Option<PublicId>,
}

impl Call {
    /// A call about session `id`.
    pub const fn about(operation: Operation, id: PublicId) -> Self {
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
                id: $crate::PublicId,
                record: $crate::record::Record,
            ) -> $crate::Io<'_, Result<$crate::store::Inserted, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::Insert, id);
                self.around(call, move |store| store.insert(id, record))
            }

            fn get(
                &self,
                id: $crate::PublicId,
            ) -> $crate::Io<'_, Result<Option<$crate::record::Stored>, $crate::store::StoreError>>
            {
                let call = $crate::store::Call::about($crate::store::Operation::Get, id);
                self.around(call, move |store| store.get(id))
            }

            fn get_cached(
                &self,
                id: $crate::PublicId,
            ) -> $crate::Io<'_, Result<$crate::store::Lookup, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::Get, id);
                self.around(call, move |store| store.get_cached(id))
            }

            fn subscribe(
                &self,
                subscriber: std::sync::Arc<dyn $crate::store::Subscriber>,
            ) -> $crate::Io<'_, Result<bool, $crate::store::StoreError>> {
                self.around(
                    $crate::store::Call::of($crate::store::Operation::Subscribe),
                    move |store| store.subscribe(subscriber),
                )
            }

            fn replace(
                &self,
                id: $crate::PublicId,
                expected: $crate::record::Revision,
                record: $crate::record::Record,
            ) -> $crate::Io<'_, Result<$crate::store::Swap, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::Replace, id);
                self.around(call, move |store| store.replace(id, expected, record))
            }

            fn touch(
                &self,
                id: $crate::PublicId,
                expected: $crate::record::Revision,
                deadline: $crate::Timestamp,
            ) -> $crate::Io<'_, Result<bool, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::Touch, id);
                self.around(call, move |store| store.touch(id, expected, deadline))
            }

            fn end_if(
                &self,
                id: $crate::PublicId,
                expected: $crate::record::Revision,
                ending: $crate::record::Ending,
            ) -> $crate::Io<'_, Result<$crate::store::Swap, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::EndIf, id);
                self.around(call, move |store| store.end_if(id, expected, ending))
            }

            fn end(
                &self,
                id: $crate::PublicId,
                ending: $crate::record::Ending,
            ) -> $crate::Io<'_, Result<$crate::store::Ended, $crate::store::StoreError>> {
                let call = $crate::store::Call::about($crate::store::Operation::End, id);
                self.around(call, move |store| store.end(id, ending))
            }

            fn index_login(
                &self,
                admission: $crate::store::IndexLogin,
            ) -> $crate::Io<'_, Result<$crate::store::Indexed, $crate::store::StoreError>> {
                let call =
                    $crate::store::Call::about($crate::store::Operation::IndexLogin, admission.id);
                self.around(call, move |store| store.index_login(admission))
            }

            fn revoke_before(
                &self,
                principal: &$crate::Principal,
                before: $crate::Timestamp,
                until: $crate::Timestamp,
            ) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
                let principal = principal.clone();
                let call = $crate::store::Call::of($crate::store::Operation::RevokeBefore);
                self.around(call, move |store| store.revoke_before(&principal, before, until))
            }

            fn sessions_of(
                &self,
                principal: &$crate::Principal,
                page: $crate::store::Page,
            ) -> $crate::Io<'_, Result<Vec<$crate::PublicId>, $crate::store::StoreError>> {
                let principal = principal.clone();
                let call = $crate::store::Call::of($crate::store::Operation::SessionsOf);
                self.around(call, move |store| store.sessions_of(&principal, page))
            }

            fn scan(
                &self,
                from: Option<&$crate::store::Cursor>,
                limit: usize,
            ) -> $crate::Io<'_, Result<$crate::store::Scanned, $crate::store::StoreError>> {
                let from = from.cloned();
                let call = $crate::store::Call::of($crate::store::Operation::Scan);
                self.around(call, move |store| store.scan(from.as_ref(), limit))
            }

            fn sweep(
                &self,
                now: $crate::Timestamp,
                limit: usize,
            ) -> $crate::Io<'_, Result<usize, $crate::store::StoreError>> {
                let call = $crate::store::Call::of($crate::store::Operation::Sweep);
                self.around(call, move |store| store.sweep(now, limit))
            }

            fn health(&self) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
                self.around(
                    $crate::store::Call::of($crate::store::Operation::Health),
                    $crate::Store::health,
                )
            }
        }
    };
}

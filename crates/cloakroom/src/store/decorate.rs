//! Stores around stores: the one place where a call is forwarded to the store inside.

use std::sync::Arc;

use super::Store;

/// Forwards operations of the [`Store`](crate::Store) contract to the store inside a decorator.
///
/// There are three forms.
///
/// - `decorate_store!(Decorator)` implements `Store` for a generic `Decorator<S>`. Every call goes
///   through its method `around`, where it can be watched, delayed or refused:
///
///   ```
///   use cloakroom::store::{Call, StoreError};
///   use cloakroom::{Io, MemoryStore, Store, decorate_store};
///
///   #[derive(Debug)]
///   struct Logged<S>(S);
///
///   impl<S: Store> Logged<S> {
///       fn around<'a, T: Send + 'a>(
///           &'a self,
///           call: Call,
///           operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
///       ) -> Io<'a, Result<T, StoreError>> {
///           println!("{}", call.operation);
///           operation(&self.0)
///       }
///   }
///
///   decorate_store!(Logged);
///
///   Logged(MemoryStore::new()).health().wait()?;
///   # Ok::<(), StoreError>(())
///   ```
///
/// - `decorate_store!(self.around: insert, get)`, inside an `impl Store for ..` block, sends the
///   named methods through `around`.
/// - `decorate_store!(self => &self.0; scan, sweep)`, inside an `impl Store for ..` block, sends
///   the named methods straight to the store that the expression refers to.
///
/// In the last two forms, `all` stands for every method of the contract. A list that leaves out
/// `get_cached`, `subscribe`, `touch`, `end` or `health` keeps the default of the contract for it:
/// no cache, no change feed, and more calls of the store.
#[macro_export]
macro_rules! decorate_store {
    ($decorator:ident) => {
        impl<S: $crate::Store> $crate::Store for $decorator<S> {
            $crate::decorate_store!(self.around: all);
        }
    };
    ($self:ident.$around:ident: all) => {
        $crate::decorate_store!(@all $self [$around]);
    };
    ($self:ident.$around:ident: $($method:ident),+ $(,)?) => {
        $crate::decorate_store!(@each $self [$around] $($method)+);
    };
    ($self:ident => $inner:expr; all) => {
        $crate::decorate_store!(@all $self ($inner));
    };
    ($self:ident => $inner:expr; $($method:ident),+ $(,)?) => {
        $crate::decorate_store!(@each $self ($inner) $($method)+);
    };

    (@all $self:ident $to:tt) => {
        $crate::decorate_store!(@each $self $to
            insert get get_cached subscribe replace touch end_if end index_login revoke_before
            erase sessions_of scan sweep health);
    };
    (@each $self:ident $to:tt $($method:ident)+) => {
        $($crate::decorate_store!(@$method $self $to);)+
    };

    (@insert $self:ident $to:tt) => {
        fn insert(
            &$self,
            id: $crate::PublicId,
            record: $crate::record::Record,
        ) -> $crate::Io<'_, Result<$crate::store::Inserted, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Insert, Some(id), insert(id, record))
        }
    };
    (@get $self:ident $to:tt) => {
        fn get(
            &$self,
            id: $crate::PublicId,
        ) -> $crate::Io<'_, Result<Option<$crate::record::Stored>, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Get, Some(id), get(id))
        }
    };
    (@get_cached $self:ident $to:tt) => {
        fn get_cached(
            &$self,
            id: $crate::PublicId,
        ) -> $crate::Io<'_, Result<$crate::store::Lookup, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Get, Some(id), get_cached(id))
        }
    };
    (@subscribe $self:ident $to:tt) => {
        fn subscribe(
            &$self,
            subscriber: std::sync::Arc<dyn $crate::store::Subscriber>,
        ) -> $crate::Io<'_, Result<bool, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Subscribe, None, subscribe(subscriber))
        }
    };
    (@replace $self:ident $to:tt) => {
        fn replace(
            &$self,
            id: $crate::PublicId,
            seen: &$crate::record::Record,
            record: $crate::record::Record,
            now: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<$crate::store::Swap, $crate::store::StoreError>> {
            let seen = seen.clone();
            $crate::decorate_store!(
                @call $self $to Replace, Some(id), replace(id, &seen, record, now)
            )
        }
    };
    (@touch $self:ident $to:tt) => {
        fn touch(
            &$self,
            id: $crate::PublicId,
            expected: $crate::record::Revision,
            deadline: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<bool, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Touch, Some(id), touch(id, expected, deadline))
        }
    };
    (@end_if $self:ident $to:tt) => {
        fn end_if(
            &$self,
            id: $crate::PublicId,
            expected: $crate::record::Revision,
            ending: $crate::record::Ending,
        ) -> $crate::Io<'_, Result<$crate::store::Swap, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to EndIf, Some(id), end_if(id, expected, ending))
        }
    };
    (@end $self:ident $to:tt) => {
        fn end(
            &$self,
            id: $crate::PublicId,
            ending: $crate::record::Ending,
        ) -> $crate::Io<'_, Result<$crate::store::Ended, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to End, Some(id), end(id, ending))
        }
    };
    (@index_login $self:ident $to:tt) => {
        fn index_login(
            &$self,
            login: $crate::store::IndexLogin,
        ) -> $crate::Io<'_, Result<$crate::store::Indexed, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to IndexLogin, Some(login.id), index_login(login))
        }
    };
    (@revoke_before $self:ident $to:tt) => {
        fn revoke_before(
            &$self,
            principal: &$crate::Principal,
            before: $crate::Timestamp,
            until: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
            let principal = principal.clone();
            $crate::decorate_store!(
                @call $self $to RevokeBefore, None, revoke_before(&principal, before, until)
            )
        }
    };
    (@erase $self:ident $to:tt) => {
        fn erase(
            &$self,
            principal: &$crate::Principal,
            ended: Vec<$crate::PublicId>,
            until: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
            let principal = principal.clone();
            $crate::decorate_store!(@call $self $to Erase, None, erase(&principal, ended, until))
        }
    };
    (@sessions_of $self:ident $to:tt) => {
        fn sessions_of(
            &$self,
            principal: &$crate::Principal,
            kind: Option<$crate::key::KindTag>,
            page: $crate::store::Page,
        ) -> $crate::Io<'_, Result<Vec<$crate::PublicId>, $crate::store::StoreError>> {
            let principal = principal.clone();
            $crate::decorate_store!(
                @call $self $to SessionsOf, None, sessions_of(&principal, kind, page)
            )
        }
    };
    (@scan $self:ident $to:tt) => {
        fn scan(
            &$self,
            from: Option<&$crate::store::Cursor>,
            limit: usize,
        ) -> $crate::Io<'_, Result<$crate::store::Scanned, $crate::store::StoreError>> {
            let from = from.cloned();
            $crate::decorate_store!(@call $self $to Scan, None, scan(from.as_ref(), limit))
        }
    };
    (@sweep $self:ident $to:tt) => {
        fn sweep(
            &$self,
            now: $crate::Timestamp,
            limit: usize,
        ) -> $crate::Io<'_, Result<usize, $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Sweep, None, sweep(now, limit))
        }
    };
    (@health $self:ident $to:tt) => {
        fn health(&$self) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
            $crate::decorate_store!(@call $self $to Health, None, health())
        }
    };

    (@call $self:ident [$around:ident]
        $operation:ident, $id:expr, $method:ident($($argument:expr),*)
    ) => {{
        let call = $crate::store::Call::new($crate::store::Operation::$operation, $id);
        $self.$around(call, move |store| $crate::Store::$method(store, $($argument),*))
    }};
    (@call $self:ident ($inner:expr)
        $operation:ident, $id:expr, $method:ident($($argument:expr),*)
    ) => {
        $crate::Store::$method($inner, $($argument),*)
    };
}

impl<S: Store + ?Sized> Store for Arc<S> {
    decorate_store!(self => &**self; all);
}

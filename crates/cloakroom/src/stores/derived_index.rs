//! The principal index of a store that keeps none: an entry for each principal.

mod principal_record;

use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::record::{Record, Stored};
use crate::store::{IndexLogin, Indexed, Inserted, Page, Store, StoreError, StoreErrorKind, Swap};
use crate::time::Timestamp;
use principal_record::{PrincipalRecord, id_of};

/// How many races for a principal's entry are lost at most.
const MAX_ATTEMPTS: usize = 1_000;

/// [`Store::index_login`], for [`derive_index!`](crate::derive_index).
///
/// # Errors
/// [`StoreError`]; the sign-in may have been indexed.
pub async fn index_login<S: Store + ?Sized>(
    store: &S,
    login: IndexLogin,
) -> Result<Indexed, StoreError> {
    let principal = login.principal.clone();
    change(store, &principal, |record| record.index_login(&login)).await
}

/// [`Store::revoke_before`], for [`derive_index!`](crate::derive_index).
///
/// # Errors
/// [`StoreError`]; it may have taken effect.
pub async fn revoke_before<S: Store + ?Sized>(
    store: &S,
    principal: Principal,
    before: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    change(store, &principal, |record| record.revoke_before(before, until)).await
}

/// [`Store::erase`], for [`derive_index!`](crate::derive_index).
///
/// # Errors
/// [`StoreError`]; a part may have been removed.
pub async fn erase<S: Store + ?Sized>(
    store: &S,
    principal: Principal,
    ended: Vec<PublicId>,
    until: Timestamp,
) -> Result<(), StoreError> {
    change(store, &principal, |record| record.erase(&ended, until)).await
}

/// [`Store::sessions_of`], for [`derive_index!`](crate::derive_index).
///
/// # Errors
/// [`StoreError`].
pub async fn sessions_of<S: Store + ?Sized>(
    store: &S,
    principal: Principal,
    kind: Option<KindTag>,
    page: Page,
) -> Result<Vec<PublicId>, StoreError> {
    let (record, _) = read(store, &principal).await?;
    Ok(record.sessions(kind, page))
}

/// Changes what is known of a principal: compare-and-swap, again until it wins.
async fn change<S: Store + ?Sized, T>(
    store: &S,
    principal: &Principal,
    change: impl Fn(&mut PrincipalRecord) -> T,
) -> Result<T, StoreError> {
    let id = id_of(principal);
    for _ in 0..MAX_ATTEMPTS {
        let (before, seen) = read(store, principal).await?;
        let mut after = before.clone();
        let answer = change(&mut after);
        if after == before {
            return Ok(answer);
        }
        let next = after.to_record(seen.as_ref());
        let is_written = match seen {
            None => store.insert(id, next).await? == Inserted::Done,
            Some(seen) => {
                matches!(store.replace(id, &seen, next, seen.created()).await?, Swap::Done)
            }
        };
        if is_written {
            return Ok(answer);
        }
    }
    Err(StoreError::not_sent(StoreErrorKind::Unavailable)
        .with_source("too many sign-ins of one principal at the same time"))
}

/// What is known of a principal, and the record that says so, if there is one.
async fn read<S: Store + ?Sized>(
    store: &S,
    principal: &Principal,
) -> Result<(PrincipalRecord, Option<Record>), StoreError> {
    match store.get(id_of(principal)).await? {
        None => Ok((PrincipalRecord::new(principal), None)),
        Some(Stored::Live(record)) => {
            let known = PrincipalRecord::from_record(principal, &record)?;
            Ok((known, Some(record)))
        }
        Some(Stored::Ended(_)) => Err(StoreError::not_sent(StoreErrorKind::Corrupt)
            .with_source("the entry of a principal was ended like a session")),
    }
}

/// Writes the four methods of the principal index for a [`Store`](crate::Store) that keeps no index
/// of its own: [`index_login`](crate::Store::index_login),
/// [`revoke_before`](crate::Store::revoke_before), [`erase`](crate::Store::erase) and
/// [`sessions_of`](crate::Store::sessions_of).
///
/// What is known of a principal becomes one more entry of the store, under an id that is a hash of
/// the name, and is changed by compare-and-swap. [`Scanned`](crate::store::Scanned) leaves these
/// entries out.
///
/// ```
/// # use cloakroom::record::{Ending, Record, Revision, Stored};
/// # use cloakroom::store::{Cursor, Inserted, Scanned, StoreError, Swap};
/// # use cloakroom::{Io, MemoryStore, PublicId, Store, Timestamp, decorate_store, derive_index};
/// # #[derive(Debug)] struct MyStore(MemoryStore);
/// impl Store for MyStore {
///     derive_index!();
/// #   decorate_store!(self => &self.0; insert, get, replace, end_if, scan, sweep);
///     // insert, get, replace, end_if, scan, sweep
/// }
/// # fn main() {}
/// ```
///
/// # Costs
/// - A sign-in reads and writes the entry twice, 40 bytes for each of the principal's sessions: an
///   index of the engine's own is better for principals with thousands of them.
/// - Sign-ins of one principal compete with each other. One that keeps losing fails with
///   [`Unavailable`](crate::store::StoreErrorKind::Unavailable).
///
/// # Security
/// Use it for a store that had no index: with two of them, a revocation would look in one only. A
/// store that wraps another forwards these methods with [`decorate_store!`](crate::decorate_store).
#[macro_export]
macro_rules! derive_index {
    () => {
        fn index_login(
            &self,
            login: $crate::store::IndexLogin,
        ) -> $crate::Io<'_, Result<$crate::store::Indexed, $crate::store::StoreError>> {
            $crate::Io::future($crate::stores::derived_index::index_login(self, login))
        }

        fn revoke_before(
            &self,
            principal: &$crate::Principal,
            before: $crate::Timestamp,
            until: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
            let principal = principal.clone();
            let revoked =
                $crate::stores::derived_index::revoke_before(self, principal, before, until);
            $crate::Io::future(revoked)
        }

        fn erase(
            &self,
            principal: &$crate::Principal,
            ended: Vec<$crate::PublicId>,
            until: $crate::Timestamp,
        ) -> $crate::Io<'_, Result<(), $crate::store::StoreError>> {
            let principal = principal.clone();
            $crate::Io::future($crate::stores::derived_index::erase(self, principal, ended, until))
        }

        fn sessions_of(
            &self,
            principal: &$crate::Principal,
            kind: Option<$crate::key::KindTag>,
            page: $crate::store::Page,
        ) -> $crate::Io<'_, Result<Vec<$crate::PublicId>, $crate::store::StoreError>> {
            let principal = principal.clone();
            $crate::Io::future($crate::stores::derived_index::sessions_of(
                self, principal, kind, page,
            ))
        }
    };
}

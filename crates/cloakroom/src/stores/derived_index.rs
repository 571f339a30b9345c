//! The principal index of a store that keeps none: an entry for each principal.

mod principal_record;

use crate::key::{KindTag, PublicId};
use crate::policy::Principal;
use crate::record::{Ending, Record, Stored};
use crate::store::{
    Ended, IndexLogin, Indexed, Inserted, Page, Store, StoreError, StoreErrorKind, Swap, derived,
};
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
    let now = login.known_time();
    change(store, &principal, now, |record| record.index_login(&login)).await
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
    change(store, &principal, None, |record| record.revoke_before(before, until)).await
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
    change(store, &principal, None, |record| record.erase(&ended, until)).await
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

/// [`Store::end`] for [`derive_index!`](crate::derive_index), which ends sessions only.
///
/// # Errors
/// [`StoreError`]; the session may have been ended.
pub async fn end<S: Store + ?Sized>(
    store: &S,
    id: PublicId,
    ending: Ending,
) -> Result<Ended, StoreError> {
    derived::end(store, id, ending).await
}

/// Changes what is known of a principal: compare-and-swap, again until it wins. A full store looks
/// for garbage by the time `now`, if that is known.
async fn change<S: Store + ?Sized, T>(
    store: &S,
    principal: &Principal,
    now: Option<Timestamp>,
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
        let next = after.to_record(seen.as_ref(), now);
        let is_written = match seen {
            None => store.insert(id, next).await? == Inserted::Done,
            Some(seen) => {
                let now = now.unwrap_or(seen.created());
                matches!(store.replace(id, &seen, next, now).await?, Swap::Done)
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
/// [`sessions_of`](crate::Store::sessions_of). It also writes [`end`](crate::Store::end), which
/// must not end what the index keeps.
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
/// An engine that removes entries to make room must not remove those of principals: revocations
/// would be forgotten. [`MemoryStore`](crate::MemoryStore) keeps them.
#[macro_export]
macro_rules! derive_index {
    () => {
        fn end(
            &self,
            id: $crate::PublicId,
            ending: $crate::record::Ending,
        ) -> $crate::Io<'_, Result<$crate::store::Ended, $crate::store::StoreError>> {
            $crate::Io::future($crate::stores::derived_index::end(self, id, ending))
        }

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decorate_store;
    use crate::key::{Key, Secret};
    use crate::policy::Lifetime;
    use crate::protocol;
    use crate::record::{EndReason, Revision};
    use crate::store::Outcome;
    use crate::stores::MemoryStore;
    use crate::value::Payload;

    const NOW: Timestamp = Timestamp::from_millis(4_102_444_800_000);

    #[derive(Debug)]
    struct Derived(MemoryStore);

    impl Store for Derived {
        derive_index!();
        decorate_store!(self => &self.0; insert, get, replace, end_if, scan, sweep);
    }

    fn alice() -> Principal {
        Principal::new("alice").unwrap()
    }

    /// Begins the session of a client that does not come back.
    fn visit(store: &Derived, number: u64, now: Timestamp) -> bool {
        let id = PublicId::from_bytes(u128::from(number).to_be_bytes());
        let verifier = Key::new(id, Secret::from_bytes([1; 16])).verifier(KindTag::DEFAULT);
        let lifetime = Lifetime::absolute(Duration::from_secs(60 * 60));
        let (payload, revision) = (Payload::unset(), Revision::new(1, number));
        let kind = KindTag::DEFAULT;
        let record = protocol::begin(kind, verifier, lifetime, None, payload, revision, now);
        store.insert(id, record).wait().is_ok()
    }

    /// Robots fill a store, and the sessions that no one comes back to make room for one another.
    #[test]
    fn a_full_store_keeps_a_revocation_that_no_one_has_asked_for_yet() {
        for encoded in [false, true] {
            let store = MemoryStore::bounded(500, 1 << 20);
            let store = Derived(if encoded { store.with_encoded_values() } else { store });
            let later = NOW.after(Duration::from_secs(24 * 60 * 60));
            store.revoke_before(&alice(), NOW, later).wait().unwrap();
            let mut refused = 0;
            for number in 1..20_000 {
                let now = NOW.after(Duration::from_secs(number));
                refused += u32::from(!visit(&store, number, now));
            }
            assert!(refused < 1_000, "there is room again and again: {refused} were refused");
            let id = PublicId::from_bytes([0xFF; 16]);
            let login = IndexLogin::new(alice(), id, KindTag::DEFAULT, later);
            let earlier = Timestamp::from_millis(NOW.as_millis() - 1);
            let login = login.with_authenticated_at(earlier);
            assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Revoked);
        }
    }

    #[test]
    fn a_sign_in_finds_room_in_a_store_that_is_full_of_what_has_expired() {
        let store = Derived(MemoryStore::bounded(500, 1 << 20));
        for number in 1..=500 {
            visit(&store, number, NOW);
            let id = PublicId::from_bytes(u128::from(number).to_be_bytes());
            store.get(id).wait().unwrap(); // its client came back
        }
        let now = NOW.after(Duration::from_secs(2 * 60 * 60));
        let (id, until) = (PublicId::from_bytes([0xFF; 16]), now.after(Duration::from_secs(60)));
        let login = IndexLogin::new(alice(), id, KindTag::DEFAULT, until).with_now(now);
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
    }

    /// The id is a hash of the name, so anyone can have it ended like a session's.
    #[test]
    fn what_is_known_of_a_principal_is_not_ended_like_a_session() {
        let store = Derived(MemoryStore::new());
        let login = IndexLogin::new(alice(), id_of(&alice()), KindTag::DEFAULT, Timestamp::NEVER);
        assert_eq!(store.index_login(login.clone()).wait().unwrap(), Indexed::Done);
        let ending = protocol::end(EndReason::Revoked, NOW);
        assert_eq!(store.end(id_of(&alice()), ending).wait().unwrap(), Ended::Absent);
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
        assert_eq!(
            store.sessions_of(&alice(), None, Page::first(9)).wait().unwrap(),
            [id_of(&alice())]
        );
    }

    #[test]
    fn an_entry_that_is_no_principals_is_an_error() {
        let store = Derived(MemoryStore::new());
        assert!(visit(&store, 1, NOW));
        let Some(Stored::Live(other)) =
            store.get(PublicId::from_bytes(1_u128.to_be_bytes())).wait().unwrap()
        else {
            panic!("it was stored");
        };
        let inserted = store.insert(id_of(&alice()), other).wait().unwrap();
        assert_eq!(inserted, Inserted::Done);
        let error = store.sessions_of(&alice(), None, Page::first(9)).wait().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Corrupt, Outcome::NotSent));
    }
}

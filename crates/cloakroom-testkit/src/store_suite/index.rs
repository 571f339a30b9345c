//! `index_login`, `revoke_before` and `sessions_of`: the principal index.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::Revision;
use cloakroom::store::{IndexEntry, IndexLogin, Indexed, Page, Swap};
use cloakroom::value::Payload;
use cloakroom::{Principal, PublicId, Store, Timestamp};

use super::{ABSOLUTE, IDLE, NOW, admin, alice, barrier, begin, end, id, insert, pages, scattered};

/// Indexes a login and panics unless it is done.
fn index_login(store: &impl Store, principal: &Principal, id: PublicId, until: Timestamp) {
    let login = IndexLogin::new(principal.clone(), id, KindTag::DEFAULT, until);
    assert_eq!(ask(store, login), Indexed::Done);
}

/// The answer to an `index_login`.
fn ask(store: &impl Store, login: IndexLogin) -> Indexed {
    store.index_login(login).wait().expect("an login that works")
}

/// A login of Alice on session `n`, indexed until the absolute deadline.
fn login_of_session(n: u8) -> IndexLogin {
    login_of_kind(n, KindTag::DEFAULT)
}

/// The same, if the session is of this kind.
fn login_of_kind(n: u8, kind: KindTag) -> IndexLogin {
    IndexLogin::new(alice(), id(n), kind, NOW.after(ABSOLUTE))
}

fn entry(n: u8) -> IndexEntry {
    entry_of_kind(n, KindTag::DEFAULT)
}

fn entry_of_kind(n: u8, kind: KindTag) -> IndexEntry {
    IndexEntry::new(id(n), kind, NOW.after(ABSOLUTE))
}

/// All session ids of a principal, read as one page.
fn sessions_of(store: &impl Store, principal: &Principal) -> Vec<PublicId> {
    sessions_of_kind(store, principal, None)
}

/// Those of one kind, or of every kind.
fn sessions_of_kind(
    store: &impl Store,
    principal: &Principal,
    kind: Option<KindTag>,
) -> Vec<PublicId> {
    store.sessions_of(principal, kind, Page::first(1_000)).wait().expect("the store works")
}

/// The entries that fill the index, in the order of their ids.
fn named(indexed: Indexed) -> Vec<IndexEntry> {
    match indexed {
        Indexed::Full(mut entries) => {
            entries.sort_unstable();
            entries
        }
        other => panic!("expected `Full`, found {other:?}"),
    }
}

/// Names are compared exactly, also when one is a prefix of another or differs in case only.
pub fn a_session_is_listed_under_its_own_principal_only(store: impl Store) {
    let names =
        ["alice", "alic", "alice2", "Alice", "bob"].map(|name| Principal::new(name).unwrap());
    for (n, name) in (1..).zip(&names[..4]) {
        index_login(&store, name, id(n), NOW.after(ABSOLUTE));
    }
    for (n, name) in (1..).zip(&names[..4]) {
        assert_eq!(sessions_of(&store, name), [id(n)], "{name}");
    }
    assert_eq!(sessions_of(&store, &names[4]), []);
}

/// `index_login` is idempotent.
pub fn a_login_indexed_twice_is_listed_once(store: impl Store) {
    for _ in 0..2 {
        index_login(&store, &alice(), id(1), NOW.after(ABSOLUTE));
    }
    assert_eq!(sessions_of(&store, &alice()), [id(1)]);
}

/// A second login can let the session live longer than the first one did.
pub fn the_later_deadline_of_two_logins_counts(store: impl Store) {
    let first = NOW.after(Duration::from_secs(60));
    index_login(&store, &alice(), id(1), first);
    index_login(&store, &alice(), id(1), NOW.after(ABSOLUTE));
    insert(&store, id(1), &signed_in(1));
    store.sweep(first.after(Duration::from_secs(1)), 100).wait().unwrap();
    assert_eq!(sessions_of(&store, &alice()), [id(1)]);
}

/// The list is complete: it has every live session of the principal.
pub fn a_live_session_stays_listed_whatever_is_written_and_swept(store: impl Store) {
    for n in 1..=3 {
        index_login(&store, &alice(), id(n), NOW.after(ABSOLUTE));
        insert(&store, id(n), &signed_in(1));
    }
    end(&store, id(2));
    let answer = store.replace(id(3), &signed_in(1), signed_in(2), NOW).wait().unwrap();
    assert!(matches!(answer, Swap::Done));
    assert!(store.touch(id(3), signed_in(2).revision(), NOW.after(IDLE + IDLE)).wait().unwrap());
    store.sweep(NOW.after(IDLE / 2), 100).wait().unwrap();
    let listed = sessions_of(&store, &alice());
    assert!(listed.contains(&id(1)) && listed.contains(&id(3)), "{listed:?}");
}

/// In ascending order of the ids' bytes, completely, and none twice.
pub fn sessions_are_listed_in_order_page_by_page(store: impl Store) {
    let indexed = scattered();
    for id in &indexed {
        index_login(&store, &alice(), *id, NOW.after(ABSOLUTE));
        index_login(&store, &Principal::new("bob").unwrap(), *id, NOW.after(ABSOLUTE));
    }
    let sorted: Vec<PublicId> = BTreeSet::from_iter(indexed).into_iter().collect();
    for limit in [1, 5, 7, 100] {
        let listed =
            pages(limit, |page| store.sessions_of(&alice(), None, page).wait().unwrap(), |id| *id);
        assert_eq!(listed, sorted, "in pages of {limit}");
    }
}

/// A short list is returned whole. Sessions of other principals do not count.
pub fn a_full_index_returns_its_entries_and_adds_none(store: impl Store) {
    index_login(&store, &Principal::new("bob").unwrap(), id(9), NOW.after(ABSOLUTE));
    for n in 1..=3 {
        assert_eq!(ask(&store, login_of_session(n).with_limit(3, Vec::new())), Indexed::Done);
    }
    let full = ask(&store, login_of_session(4).with_limit(3, Vec::new()));
    assert_eq!(named(full), [entry(1), entry(2), entry(3)]);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(2), id(3)]);
    assert_eq!(
        ask(&store, login_of_session(4)),
        Indexed::Done,
        "a login without a limit is indexed"
    );
}

/// Its own entry does not count against the limit.
pub fn a_session_that_is_indexed_is_not_refused_at_the_limit(store: impl Store) {
    for n in 1..=3 {
        index_login(&store, &alice(), id(n), NOW.after(ABSOLUTE));
    }
    assert_eq!(ask(&store, login_of_session(2).with_limit(1, Vec::new())), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(2), id(3)]);
}

/// The entries in `replacing` go in the same step, except those that were indexed again since.
pub fn an_entry_makes_room_only_if_it_is_unchanged(store: impl Store) {
    for n in 1..=2 {
        index_login(&store, &alice(), id(n), NOW.after(ABSOLUTE));
    }
    let later = NOW.after(ABSOLUTE + Duration::from_millis(1));
    index_login(&store, &alice(), id(1), later);
    let replacing = || vec![entry(1)];
    let full = ask(&store, login_of_session(3).with_limit(2, replacing()));
    let renewed = IndexEntry::new(id(1), KindTag::DEFAULT, later);
    assert_eq!(named(full), [renewed, entry(2)]);
    assert_eq!(ask(&store, login_of_session(3).with_limit(2, vec![entry(2)])), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(3)]);
    assert_eq!(ask(&store, login_of_session(4).with_limit(2, vec![renewed])), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(3), id(4)]);
}

/// Kinds do not mix: with a limit, without one, and page by page.
pub fn sessions_are_listed_by_kind_or_all_together(store: impl Store) {
    let indexed = scattered();
    let kinds = [KindTag::DEFAULT, admin()];
    let (mut by_kind, mut all) = ([Vec::new(), Vec::new()], BTreeSet::new());
    for (id, which) in indexed.into_iter().zip([0, 1, 1].into_iter().cycle()) {
        let login = IndexLogin::new(alice(), id, kinds[which], NOW.after(ABSOLUTE));
        assert_eq!(ask(&store, login.with_limit(100, Vec::new())), Indexed::Done);
        by_kind[which].push(id);
        all.insert(id);
    }
    for limit in [1, 5, 100] {
        let listed = |kind| {
            let read = |page| store.sessions_of(&alice(), kind, page).wait().unwrap();
            pages(limit, read, |id| *id)
        };
        for (kind, mut ids) in kinds.into_iter().zip(by_kind.clone()) {
            ids.sort_unstable();
            assert_eq!(listed(Some(kind)), ids, "in pages of {limit}");
        }
        assert_eq!(listed(None), Vec::from_iter(all.clone()), "in pages of {limit}");
    }
    assert_eq!(sessions_of_kind(&store, &alice(), Some(KindTag::of("third"))), []);
}

/// However many there are of another kind.
pub fn a_limit_counts_the_sessions_of_its_kind(store: impl Store) {
    let limited = |n, kind| login_of_kind(n, kind).with_limit(2, Vec::new());
    for n in 1..=120 {
        index_login(&store, &alice(), id(n), NOW.after(ABSOLUTE));
    }
    for n in 201..=202 {
        assert_eq!(ask(&store, limited(n, admin())), Indexed::Done);
    }
    let admins = [201, 202].map(|n| entry_of_kind(n, admin()));
    assert_eq!(named(ask(&store, limited(203, admin()))), admins);
    let full = named(ask(&store, limited(203, KindTag::DEFAULT)));
    assert!(full.len() >= 2 && full.iter().all(|entry| entry.kind == KindTag::DEFAULT));
    assert_eq!(ask(&store, limited(203, KindTag::of("third"))), Indexed::Done);

    let replacing = vec![admins[0]];
    assert_eq!(ask(&store, login_of_kind(204, admin()).with_limit(2, replacing)), Indexed::Done);
    assert_eq!(sessions_of_kind(&store, &alice(), Some(admin())), [id(202), id(204)]);
    assert_eq!(sessions_of_kind(&store, &alice(), Some(KindTag::DEFAULT)).len(), 120);
}

/// An entry of any kind makes room.
pub fn a_limit_across_kinds_counts_every_session(store: impl Store) {
    let limited = |n, replacing| login_of_session(n).with_limit(3, replacing).across_kinds();
    for (n, kind) in [(1, KindTag::DEFAULT), (2, admin()), (3, KindTag::of("third"))] {
        assert_eq!(ask(&store, login_of_kind(n, kind)), Indexed::Done);
    }
    let all = [entry(1), entry_of_kind(2, admin()), entry_of_kind(3, KindTag::of("third"))];
    assert_eq!(named(ask(&store, limited(4, Vec::new()))), all);
    assert_eq!(ask(&store, limited(4, vec![all[1]])), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(3), id(4)]);
    assert_eq!(sessions_of_kind(&store, &alice(), Some(admin())), []);
}

/// `index_login` is atomic for each kind.
pub fn concurrent_logins_never_exceed_the_limit_of_their_kind(store: impl Store) {
    let (barrier, store) = (barrier(0), &store);
    let kinds = [KindTag::DEFAULT, admin()];
    std::thread::scope(|scope| {
        for (n, kind) in (1..=8).zip(kinds.into_iter().cycle()) {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let _ = ask(store, login_of_kind(n, kind).with_limit(2, Vec::new()));
            });
        }
    });
    for kind in kinds {
        assert_eq!(sessions_of_kind(store, &alice(), Some(kind)).len(), 2);
    }
}

/// `index_login` is atomic.
pub fn concurrent_logins_never_exceed_the_limit(store: impl Store) {
    let (barrier, store) = (barrier(0), &store);
    let entered = std::thread::scope(|scope| {
        let racers: Vec<_> = (1..=8)
            .map(|n| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    ask(store, login_of_session(n).with_limit(3, Vec::new())) == Indexed::Done
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).filter(|entered| *entered).count()
    });
    assert_eq!((entered, sessions_of(store, &alice()).len()), (3, 3));
}

/// For as long as the revocation is kept, whatever is swept; for that principal only, for every
/// kind of session, and whether or not the session is indexed.
pub fn a_proof_older_than_a_revocation_is_refused(store: impl Store) {
    let (tick, kept) = (Duration::from_millis(1), NOW.after(ABSOLUTE));
    let before = NOW.after(tick);
    index_login(&store, &alice(), id(1), kept);
    store.revoke_before(&alice(), before, kept).wait().unwrap();
    for _ in 0..2 {
        for n in 1..=2 {
            for kind in [KindTag::DEFAULT, admin()] {
                let late = login_of_kind(n, kind).with_authenticated_at(NOW);
                assert_eq!(ask(&store, late), Indexed::Revoked);
            }
        }
        store.sweep(NOW.after(IDLE), 100).wait().unwrap();
    }
    let bob = IndexLogin::new(Principal::new("bob").unwrap(), id(3), KindTag::DEFAULT, kept);
    assert_eq!(ask(&store, bob.with_authenticated_at(NOW)), Indexed::Done);
    assert_eq!(ask(&store, login_of_session(4).with_authenticated_at(before)), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(4)]);
}

/// Whatever the order of the calls.
pub fn the_latest_of_several_revocations_counts(store: impl Store) {
    let at = |millis| NOW.after(Duration::from_millis(millis));
    for millis in [5, 9, 7] {
        store.revoke_before(&alice(), at(millis), NOW.after(ABSOLUTE)).wait().unwrap();
    }
    assert_eq!(ask(&store, login_of_session(1).with_authenticated_at(at(8))), Indexed::Revoked);
    assert_eq!(ask(&store, login_of_session(1).with_authenticated_at(at(9))), Indexed::Done);
}

/// Of other sessions and principals nothing is removed, and a revocation holds until then.
pub fn an_erasure_removes_entries_and_shortens_the_revocation(store: impl Store) {
    let (tick, kept) = (Duration::from_millis(1), NOW.after(ABSOLUTE));
    let (before, until) = (NOW.after(tick), NOW.after(IDLE));
    store.erase(&alice(), vec![id(1)], until).wait().unwrap();
    assert_eq!(ask(&store, login_of_kind(1, KindTag::DEFAULT)), Indexed::Done);
    assert_eq!(ask(&store, login_of_kind(2, admin())), Indexed::Done);
    assert_eq!(ask(&store, login_of_kind(3, admin())), Indexed::Done);
    let bob = Principal::new("bob").unwrap();
    index_login(&store, &bob, id(1), kept);
    store.revoke_before(&alice(), before, kept).wait().unwrap();
    store.erase(&alice(), vec![id(1), id(2), id(9)], until).wait().unwrap();
    assert_eq!(sessions_of(&store, &alice()), [id(3)]);
    assert_eq!(sessions_of(&store, &bob), [id(1)]);

    let late = || login_of_session(4).with_authenticated_at(NOW);
    assert_eq!(ask(&store, late()), Indexed::Revoked, "until then");
    // A moment that has passed for every clock, an engine's own included.
    store.erase(&alice(), Vec::new(), Timestamp::from_millis(1)).wait().unwrap();
    store.erase(&alice(), Vec::new(), kept).wait().unwrap();
    store.sweep(NOW, 100).wait().unwrap();
    assert_eq!(ask(&store, late()), Indexed::Done, "it is forgotten");
}

fn signed_in(mark: u64) -> cloakroom::record::Record {
    begin(mark, Some(alice()), Payload::unset(), Revision::new(mark, mark))
}

//! `admit` and `sessions_of`: the directory of who is signed in where.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom::record::Revision;
use cloakroom::store::{IndexEntry, IndexLogin, Indexed, Page, Swap};
use cloakroom::value::Payload;
use cloakroom::{Principal, PublicId, Store, Timestamp};

use super::{IDLE, NOW, WHOLE, alice, begin, end, gate, id, insert, pages, scattered};

fn index_login(store: &impl Store, principal: &Principal, id: PublicId, until: Timestamp) {
    assert_eq!(ask(store, IndexLogin::new(principal.clone(), id, until)), Indexed::Done);
}

fn ask(store: &impl Store, login: IndexLogin) -> Indexed {
    store.index_login(login).wait().expect("an login that works")
}

/// Alice, on session `n`, until the end of its day.
fn login(n: u8) -> IndexLogin {
    IndexLogin::new(alice(), id(n), NOW.after(WHOLE))
}

fn entry(n: u8) -> IndexEntry {
    IndexEntry::new(id(n), NOW.after(WHOLE))
}

/// The whole directory of a principal, read at once.
fn sessions_of(store: &impl Store, principal: &Principal) -> Vec<PublicId> {
    store.sessions_of(principal, Page::first(1_000)).wait().expect("a list that works")
}

/// One principal's sessions are not another's, also when one name begins with the other.
pub fn who_was_admitted_is_listed_under_their_own_name_only(store: impl Store) {
    let names =
        ["alice", "alic", "alice2", "Alice", "bob"].map(|name| Principal::new(name).unwrap());
    for (n, name) in (1..).zip(&names[..4]) {
        index_login(&store, name, id(n), NOW.after(WHOLE));
    }
    for (n, name) in (1..).zip(&names[..4]) {
        assert_eq!(sessions_of(&store, name), [id(n)], "{name}");
    }
    assert_eq!(sessions_of(&store, &names[4]), []);
}

/// Idempotent.
pub fn admitting_twice_lists_once(store: impl Store) {
    for _ in 0..2 {
        index_login(&store, &alice(), id(1), NOW.after(WHOLE));
    }
    assert_eq!(sessions_of(&store, &alice()), [id(1)]);
}

/// A second login lets the session live longer than the first entry was going to.
pub fn a_later_admission_with_a_later_deadline_wins(store: impl Store) {
    let first = NOW.after(Duration::from_secs(60));
    index_login(&store, &alice(), id(1), first);
    index_login(&store, &alice(), id(1), NOW.after(WHOLE));
    insert(&store, id(1), &signed_in(1));
    store.sweep(first.after(Duration::from_secs(1)), 100).wait().unwrap();
    assert_eq!(sessions_of(&store, &alice()), [id(1)]);
}

/// Complete: every live session of the principal is listed.
pub fn a_live_session_stays_listed_whatever_is_written_and_swept(store: impl Store) {
    for n in 1..=3 {
        index_login(&store, &alice(), id(n), NOW.after(WHOLE));
        insert(&store, id(n), &signed_in(1));
    }
    end(&store, id(2));
    let answer = store.replace(id(3), signed_in(1).revision(), signed_in(2)).wait().unwrap();
    assert!(matches!(answer, Swap::Done));
    assert!(store.touch(id(3), signed_in(2).revision(), NOW.after(IDLE + IDLE)).wait().unwrap());
    store.sweep(NOW.after(IDLE / 2), 100).wait().unwrap();
    let listed = sessions_of(&store, &alice());
    assert!(listed.contains(&id(1)) && listed.contains(&id(3)), "{listed:?}");
}

/// Ascending by the bytes of the id, complete, and nothing twice.
pub fn a_directory_is_listed_in_order_page_by_page(store: impl Store) {
    let admitted = scattered();
    for id in &admitted {
        index_login(&store, &alice(), *id, NOW.after(WHOLE));
        index_login(&store, &Principal::new("bob").unwrap(), *id, NOW.after(WHOLE));
    }
    let sorted: Vec<PublicId> = BTreeSet::from_iter(admitted).into_iter().collect();
    for limit in [1, 5, 7, 100] {
        let listed =
            pages(limit, |page| store.sessions_of(&alice(), page).wait().unwrap(), |id| *id);
        assert_eq!(listed, sorted, "in pages of {limit}");
    }
}

/// All of them if they are few; other people's don't count.
pub fn a_full_directory_names_its_entries_and_enters_nobody(store: impl Store) {
    index_login(&store, &Principal::new("bob").unwrap(), id(9), NOW.after(WHOLE));
    for n in 1..=3 {
        assert_eq!(ask(&store, login(n).with_limit(3, Vec::new())), Indexed::Done);
    }
    let Indexed::Full(mut named) = ask(&store, login(4).with_limit(3, Vec::new())) else {
        panic!("a fourth was entered");
    };
    named.sort_unstable();
    assert_eq!(named, [entry(1), entry(2), entry(3)]);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(2), id(3)]);
    assert_eq!(ask(&store, login(4)), Indexed::Done, "without a limit there is none");
}

/// Its own entry is no reason to refuse it.
pub fn who_is_entered_is_not_refused_for_the_limit(store: impl Store) {
    for n in 1..=3 {
        index_login(&store, &alice(), id(n), NOW.after(WHOLE));
    }
    assert_eq!(ask(&store, login(2).with_limit(1, Vec::new())), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(2), id(3)]);
}

/// In the same step; an entry that was admitted again since is another one.
pub fn an_entry_makes_room_only_as_it_was_seen(store: impl Store) {
    for n in 1..=2 {
        index_login(&store, &alice(), id(n), NOW.after(WHOLE));
    }
    let later = NOW.after(WHOLE + Duration::from_millis(1));
    index_login(&store, &alice(), id(1), later);
    let replacing = || vec![entry(1)];
    let full = ask(&store, login(3).with_limit(2, replacing()));
    assert!(matches!(full, Indexed::Full(named) if named.contains(&IndexEntry::new(id(1), later))));
    assert_eq!(ask(&store, login(3).with_limit(2, vec![entry(2)])), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(3)]);
    assert_eq!(
        ask(&store, login(4).with_limit(2, vec![IndexEntry::new(id(1), later)])),
        Indexed::Done
    );
    assert_eq!(sessions_of(&store, &alice()), [id(3), id(4)]);
}

/// Atomic.
pub fn of_many_that_admit_at_once_no_more_than_the_limit_are_entered(store: impl Store) {
    let (gate, store) = (gate(0), &store);
    let entered = std::thread::scope(|scope| {
        let racers: Vec<_> = (1..=8)
            .map(|n| {
                let gate = &gate;
                scope.spawn(move || {
                    gate.wait();
                    ask(store, login(n).with_limit(3, Vec::new())) == Indexed::Done
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).filter(|entered| *entered).count()
    });
    assert_eq!((entered, sessions_of(store, &alice()).len()), (3, 3));
}

/// For as long as it was to be kept, whatever is swept; of that principal, and entered or not.
pub fn a_proof_older_than_a_revocation_is_refused(store: impl Store) {
    let (tick, kept) = (Duration::from_millis(1), NOW.after(WHOLE));
    let before = NOW.after(tick);
    index_login(&store, &alice(), id(1), kept);
    store.revoke_before(&alice(), before, kept).wait().unwrap();
    for _ in 0..2 {
        for n in 1..=2 {
            assert_eq!(ask(&store, login(n).with_authenticated_at(NOW)), Indexed::Revoked);
        }
        store.sweep(NOW.after(IDLE), 100).wait().unwrap();
    }
    let bob = IndexLogin::new(Principal::new("bob").unwrap(), id(3), kept);
    assert_eq!(ask(&store, bob.with_authenticated_at(NOW)), Indexed::Done);
    assert_eq!(ask(&store, login(4).with_authenticated_at(before)), Indexed::Done);
    assert_eq!(sessions_of(&store, &alice()), [id(1), id(4)]);
}

/// In whichever order they came.
pub fn of_several_revocations_the_latest_counts(store: impl Store) {
    let at = |millis| NOW.after(Duration::from_millis(millis));
    for millis in [5, 9, 7] {
        store.revoke_before(&alice(), at(millis), NOW.after(WHOLE)).wait().unwrap();
    }
    assert_eq!(ask(&store, login(1).with_authenticated_at(at(8))), Indexed::Revoked);
    assert_eq!(ask(&store, login(1).with_authenticated_at(at(9))), Indexed::Done);
}

fn signed_in(mark: u64) -> cloakroom::record::Record {
    begin(mark, Some(alice()), Payload::unset(), Revision::new(mark, mark))
}

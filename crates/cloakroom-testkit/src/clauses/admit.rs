//! `admit` and `ids_of`: the directory of who is signed in where.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom::{Admission, Page, Payload, Principal, Revision, SessionId, Store, Swap, Timestamp};

use super::{IDLE, NOW, WHOLE, alice, begin, end, id, insert, pages, scattered};

fn admit(store: &impl Store, principal: &Principal, id: SessionId, until: Timestamp) {
    store.admit(Admission::new(principal.clone(), id, until)).wait().expect("an admission that works");
}

/// The whole directory of a principal, read at once.
fn ids_of(store: &impl Store, principal: &Principal) -> Vec<SessionId> {
    store.ids_of(principal, Page::first(1_000)).wait().expect("a list that works")
}

/// One principal's sessions are not another's, also when one name begins with the other.
pub fn who_was_admitted_is_listed_under_their_own_name_only(store: impl Store) {
    let names = ["alice", "alic", "alice2", "Alice", "bob"].map(|name| Principal::new(name).unwrap());
    for (n, name) in (1..).zip(&names[..4]) {
        admit(&store, name, id(n), NOW.after(WHOLE));
    }
    for (n, name) in (1..).zip(&names[..4]) {
        assert_eq!(ids_of(&store, name), [id(n)], "{name}");
    }
    assert_eq!(ids_of(&store, &names[4]), []);
}

/// Idempotent.
pub fn admitting_twice_lists_once(store: impl Store) {
    for _ in 0..2 {
        admit(&store, &alice(), id(1), NOW.after(WHOLE));
    }
    assert_eq!(ids_of(&store, &alice()), [id(1)]);
}

/// A second login lets the session live longer than the first entry was going to.
pub fn a_later_admission_with_a_later_deadline_wins(store: impl Store) {
    let first = NOW.after(Duration::from_mins(1));
    admit(&store, &alice(), id(1), first);
    admit(&store, &alice(), id(1), NOW.after(WHOLE));
    insert(&store, id(1), &signed_in(1));
    store.sweep(first.after(Duration::from_secs(1)), 100).wait().unwrap();
    assert_eq!(ids_of(&store, &alice()), [id(1)]);
}

/// Complete: every live session of the principal is listed.
pub fn a_live_session_stays_listed_whatever_is_written_and_swept(store: impl Store) {
    for n in 1..=3 {
        admit(&store, &alice(), id(n), NOW.after(WHOLE));
        insert(&store, id(n), &signed_in(1));
    }
    end(&store, id(2));
    let answer = store.replace(id(3), signed_in(1).revision(), signed_in(2)).wait().unwrap();
    assert!(matches!(answer, Swap::Done));
    assert!(store.touch(id(3), signed_in(2).revision(), NOW.after(IDLE + IDLE)).wait().unwrap());
    store.sweep(NOW.after(IDLE / 2), 100).wait().unwrap();
    let listed = ids_of(&store, &alice());
    assert!(listed.contains(&id(1)) && listed.contains(&id(3)), "{listed:?}");
}

/// Ascending by the bytes of the id, complete, and nothing twice.
pub fn a_directory_is_listed_in_order_page_by_page(store: impl Store) {
    let admitted = scattered();
    for id in &admitted {
        admit(&store, &alice(), *id, NOW.after(WHOLE));
        admit(&store, &Principal::new("bob").unwrap(), *id, NOW.after(WHOLE));
    }
    let sorted: Vec<SessionId> = BTreeSet::from_iter(admitted).into_iter().collect();
    for limit in [1, 5, 7, 100] {
        let listed = pages(limit, |page| store.ids_of(&alice(), page).wait().unwrap(), |id| *id);
        assert_eq!(listed, sorted, "in pages of {limit}");
    }
}

fn signed_in(mark: u64) -> cloakroom::Record {
    begin(mark, Some(alice()), Payload::unset(), Revision::new(mark, mark))
}

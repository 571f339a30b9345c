//! Changes that the application makes to sessions that are not the request's own.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::store::Page;
use cloakroom::{
    Assurance, AuthRequirement, ErrorKind, Login, PublicId, SessionKind, Sessions, Store,
};

use super::{Counter, TestSessions, alice, assert_kind, bob, increment, key_of, open};
use crate::{FaultyStore, SpyStore, block_on};

const MINUTE: Duration = Duration::from_secs(60);

struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

/// Its holder keeps the key, and finds the change.
pub fn an_operator_changes_a_session_by_its_id(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let (id, key) = (session.id().unwrap(), key_of(&session));
        test.clock.advance(20 * MINUTE);
        let before = test.sessions.update(id, |counter| {
            counter.count += 10;
            counter.count
        });
        assert_eq!(before.await.unwrap(), 11);
        // It was no use of the session.
        test.clock.advance(9 * MINUTE);
        let mut session = open(&test, &key).await;
        assert_eq!(increment(&mut session).await.unwrap(), 12);
        test.clock.advance(30 * MINUTE);
        assert_kind(test.sessions.update(id, |_| ()).await, ErrorKind::NotFound);
    });
}

/// In either order.
pub fn an_operators_change_and_the_holders_are_both_kept(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate(Counter::of(0)).await.unwrap();
        let (id, key) = (session.id().unwrap(), key_of(&session));
        for _ in 0..5 {
            let mut held = open(&test, &key).await;
            test.sessions.update(id, |counter| counter.count += 100).await.unwrap();
            increment(&mut held).await.unwrap();
        }
        assert_eq!(open(&test, &key).await.value().count, 505);
    });
}

/// One that ended, expired or never was, and one of another kind.
pub fn an_operator_revives_no_session_and_reaches_none_of_another_kind(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let test = TestSessions::new(Arc::clone(&store));
    let admins: Sessions<Counter, Admin> =
        Sessions::builder(store).clock(test.clock.clone()).build().unwrap();
    block_on(async {
        let mut ended = test.sessions.generate(Counter::of(1)).await.unwrap();
        let admin = admins.generate(Counter::of(1)).await.unwrap();
        let ids = [ended.id().unwrap(), admin.id().unwrap(), PublicId::from_bytes([9; 16])];
        ended.end().await.unwrap();
        for id in ids {
            let change = test.sessions.update(id, |counter| counter.count = 9).await;
            assert_kind(change, ErrorKind::NotFound);
        }
        assert_eq!(admins.of_key(admin.key().unwrap()).await.unwrap().value().count, 1);
        assert_eq!(admins.update(ids[1], |counter| counter.count).await.unwrap(), 1);
    });
}

/// New rights are in force at the next click, and no one is signed out.
pub fn all_sessions_of_a_principal_are_changed_and_no_others(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut keys = Vec::new();
        for number in 0..105 {
            let mut session = test.sessions.generate(Counter::of(number)).await.unwrap();
            session.login(&alice()).await.unwrap();
            keys.push(key_of(&session));
        }
        let mut other = test.sessions.generate(Counter::of(1)).await.unwrap();
        other.login(&bob()).await.unwrap();
        open(&test, &keys.remove(0)).await.logout().await.unwrap();
        let changed = test.sessions.update_all(&alice(), |counter| counter.count += 1_000).await;
        assert_eq!(changed.unwrap(), 104);
        for (key, number) in keys.iter().zip(1..) {
            let session = open(&test, key).await;
            assert_eq!(
                (session.value().count, session.principal()),
                (1_000 + number, Some(&alice()))
            );
        }
        assert_eq!(open(&test, &key_of(&other)).await.value().count, 1);
        assert_eq!(test.sessions.update_all(&bob(), |_| ()).await.unwrap(), 1);
    });
}

/// A store that fails on the way says so: the call is to be repeated.
pub fn a_change_of_all_sessions_fails_if_the_store_does(store: impl Store) {
    let store = FaultyStore::new(store);
    let test = TestSessions::new(store.clone());
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        store.fail_on(cloakroom::store::Operation::Replace, crate::Fault::NotSent);
        let failed = test.sessions.update_all(&alice(), |counter| counter.count += 1).await;
        assert_kind(failed, ErrorKind::Unavailable);
        test.sessions.update_all(&alice(), |counter| counter.count += 1).await.unwrap();
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 2);
    });
}

/// One read and one write, like any other change.
pub fn an_operators_change_costs_two_round_trips(store: impl Store) {
    let spy = SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        spy.reset();
        test.sessions.update(session.id().unwrap(), |counter| counter.count += 1).await.unwrap();
        assert_eq!(spy.log().len(), 2);
    });
}

/// A thief who is signed in with the old password loses the session; the user goes on under a fresh
/// key.
pub fn a_changed_credential_ends_all_other_sessions_and_renews_this_one(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let sign_in = async |value| {
            let mut session = test.sessions.generate(Counter::of(value)).await.unwrap();
            let login = Login::of(&alice()).with_assurance(Assurance::new(2));
            session.login(login).await.unwrap();
            key_of(&session)
        };
        let (thief, user) = (sign_in(1).await, sign_in(2).await);
        let mut in_flight = test.sessions.generate(Counter::of(3)).await.unwrap();
        let proved = test.clock.now();
        test.clock.advance(MINUTE);
        let newest = sign_in(4).await;
        let mut session = open(&test, &user).await;
        assert_eq!(session.credentials_changed().await.unwrap(), 2);
        for key in [&thief, &newest, &user] {
            assert!(!open(&test, key).await.exists());
        }
        let mut session = open(&test, &key_of(&session)).await;
        assert_eq!((session.value().count, session.principal()), (2, Some(&alice())));
        let recent = AuthRequirement::signed_in().within(MINUTE).at_least(Assurance::new(2));
        session.require(recent).await.unwrap();
        // A sign-in whose password was checked before the change is refused.
        let late = Login::of(&alice()).with_authenticated_at(proved);
        assert_kind(in_flight.login(late).await, ErrorKind::LoginRevoked);
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 1);
    });
}

/// There is nothing to protect.
pub fn a_changed_credential_without_a_user_is_an_error(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_kind(session.credentials_changed().await, ErrorKind::NotFound);
        assert!(open(&test, &key_of(&session)).await.exists());
        session.end().await.unwrap();
        assert_kind(session.credentials_changed().await, ErrorKind::NotFound);
    });
}

/// A minute later no record, no tombstone and no index entry names them. Others' sessions stay.
pub fn an_erased_principal_is_named_nowhere(store: impl Store) {
    let store = Arc::new(store);
    let test = TestSessions::new(Arc::clone(&store));
    block_on(async {
        let mut keys = Vec::new();
        // More than one page of the index.
        for _ in 0..120 {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            session.login(&alice()).await.unwrap();
            keys.push(key_of(&session));
        }
        let admins: Sessions<Counter, Admin> =
            Sessions::builder(Arc::clone(&store)).clock(test.clock.clone()).build().unwrap();
        let mut admin = admins.generate(Counter::of(1)).await.unwrap();
        admin.login(&alice()).await.unwrap();
        let mut other = test.sessions.generate(Counter::of(5)).await.unwrap();
        other.login(&bob()).await.unwrap();

        let proved = test.sessions.now();
        assert_eq!(test.sessions.erase(&alice()).await.unwrap(), 121);
        assert_eq!(test.sessions.erase(&alice()).await.unwrap(), 0);
        for key in [&keys[0], &keys[119]] {
            assert!(!open(&test, key).await.exists());
        }
        assert!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().is_empty());
        let late = Login::of(&alice()).with_authenticated_at(proved);
        let mut visitor = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_kind(visitor.login(late).await, ErrorKind::LoginRevoked);

        test.clock.advance(MINUTE);
        while test.sessions.sweep(100).await.unwrap() == 100 {}
        let (mut names, mut part) = (Vec::new(), store.scan(None, 100).await.unwrap());
        loop {
            names.extend(part.entries.iter().filter_map(|(_, entry)| match entry {
                Stored::Live(record) => record.principal().cloned(),
                Stored::Ended(tombstone) => tombstone.principal().cloned(),
            }));
            let Some(next) = part.next else { break };
            part = store.scan(Some(&next), 100).await.unwrap();
        }
        names.dedup();
        assert_eq!(names, [bob()]);
        assert!(store.sessions_of(&alice(), None, Page::first(9)).await.unwrap().is_empty());
        assert_eq!(open(&test, &key_of(&other)).await.value().count, 5);
        // The name is free again.
        visitor.login(&alice()).await.unwrap();
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 1);
    });
}

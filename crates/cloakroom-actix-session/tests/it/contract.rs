//! What `SessionStore` requires: save, load, update, delete.

use std::collections::HashSet;

use actix_session::storage::{SessionStore, generate_session_key};
use cloakroom::Store;

use crate::bridge::{Bridge, HOUR, State, copy, key, state};

async fn a_saved_session_loads_completely(store: impl Store) {
    let bridge = Bridge::over(store);
    let saved = bridge.saved("hat").await;
    assert_eq!(bridge.load(&saved).await, Some(state("hat")));
}

async fn names_and_values_of_every_kind_round_trip(store: impl Store) {
    let bridge = Bridge::over(store);
    let texts = ["", "\"", "ü\0\n", "{\"a\":[1]}", "null"];
    let odd: State = texts.iter().map(|text| ((*text).to_owned(), (*text).to_owned())).collect();
    let saved = bridge.sessions.save(odd.clone(), &HOUR).await.unwrap();
    assert_eq!(bridge.load(&saved).await, Some(odd));
}

async fn an_empty_state_is_a_session(store: impl Store) {
    let bridge = Bridge::over(store);
    let saved = bridge.sessions.save(State::new(), &HOUR).await.unwrap();
    assert_eq!(bridge.load(&saved).await, Some(State::new()));
}

async fn every_session_has_a_key_of_its_own(store: impl Store) {
    let bridge = Bridge::over(store);
    let mut keys = HashSet::new();
    for _ in 0..16 {
        let key = bridge.saved("same").await;
        assert_eq!(key.as_ref().len(), 43);
        assert!(keys.insert(String::from(key)));
    }
}

async fn an_unknown_key_loads_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    bridge.saved("other").await;
    let keys = [
        generate_session_key(),
        key("A".repeat(43)),
        key("rubbish"),
        key(""),
        key("x".repeat(4000)),
    ];
    for key in keys {
        assert_eq!(bridge.load(&key).await, None);
    }
}

async fn an_update_replaces_the_state_and_keeps_the_key(store: impl Store) {
    let bridge = Bridge::over(store);
    let saved = bridge.saved("old").await;
    let state = State::from([("another".to_owned(), "1".to_owned())]);
    let updated = bridge.sessions.update(copy(&saved), state.clone(), &HOUR).await.unwrap();
    assert_eq!(updated, saved);
    assert_eq!(bridge.load(&saved).await, Some(state));
}

async fn an_update_changes_no_other_session(store: impl Store) {
    let bridge = Bridge::over(store);
    let (one, other) = (bridge.saved("one").await, bridge.saved("other").await);
    bridge.sessions.update(one, state("changed"), &HOUR).await.unwrap();
    assert_eq!(bridge.load(&other).await, Some(state("other")));
}

async fn deleting_twice_succeeds_and_the_session_is_gone(store: impl Store) {
    let bridge = Bridge::over(store);
    let (gone, other) = (bridge.saved("gone").await, bridge.saved("other").await);
    for _ in 0..2 {
        bridge.sessions.delete(&gone).await.unwrap();
        assert_eq!(bridge.load(&gone).await, None);
    }
    assert_eq!(bridge.load(&other).await, Some(state("other")));
}

async fn deleting_an_unknown_session_succeeds(store: impl Store) {
    let bridge = Bridge::over(store);
    for key in [generate_session_key(), key("A".repeat(43)), key("rubbish")] {
        bridge.sessions.delete(&key).await.unwrap();
    }
}

on_every_store! {
    a_saved_session_loads_completely
    names_and_values_of_every_kind_round_trip
    an_empty_state_is_a_session
    every_session_has_a_key_of_its_own
    an_unknown_key_loads_nothing
    an_update_replaces_the_state_and_keeps_the_key
    an_update_changes_no_other_session
    deleting_twice_succeeds_and_the_session_is_gone
    deleting_an_unknown_session_succeeds
}

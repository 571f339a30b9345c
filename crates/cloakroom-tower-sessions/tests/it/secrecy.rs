//! Neither the store nor its calls contain anything that opens a session.

use std::sync::Arc;

use cloakroom::key::Secret;
use cloakroom::store::Operation;
use cloakroom::{Key, Store};
use cloakroom_testkit::{Calls, SpyStore};
use tower_sessions::SessionStore;

use crate::bridge::{Bridge, entries, with};

async fn the_store_holds_neither_id_nor_key(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("in plain sight").await;
    bridge.sessions.save(&with(&record, "still in plain sight")).await.unwrap();
    let ended = bridge.created(1).await;
    bridge.sessions.delete(&ended.id).await.unwrap();

    let dump = dump(&*store).await;
    assert!(contains(&dump, b"still in plain sight"));
    for id in [record.id, ended.id] {
        let needles = [
            id.0.to_le_bytes().to_vec(),
            id.0.to_be_bytes().to_vec(),
            id.to_string().into_bytes(),
            id.0.to_string().into_bytes(),
        ];
        for needle in needles {
            assert!(!contains(&dump, &needle), "the store keeps what opens a session");
        }
    }
}

async fn a_stolen_store_opens_nothing(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    bridge.created(1).await;
    let dump = dump(&*store).await;
    // Every sixteen bytes of it are tried as an id.
    for window in dump.windows(16) {
        let id = i128::from_le_bytes(window.try_into().unwrap());
        assert_eq!(bridge.load(tower_sessions::session::Id(id)).await, None);
    }
}

async fn round_trips_are_as_documented(store: impl Store) {
    let spy = SpyStore::new(store);
    let bridge = Bridge::over(spy.clone());
    let record = bridge.created(1).await;
    assert_eq!(spy.calls(), Calls { insert: 1, ..Calls::default() });
    spy.reset();
    bridge.load(record.id).await;
    assert_eq!(spy.calls(), Calls { get: 1, ..Calls::default() });
    spy.reset();
    bridge.sessions.save(&with(&record, 2)).await.unwrap();
    assert_eq!(spy.calls(), Calls { get: 1, replace: 1, ..Calls::default() });
    spy.reset();
    bridge.sessions.delete(&record.id).await.unwrap();
    assert_eq!(spy.calls(), Calls { get: 1, end_if: 1, ..Calls::default() });
    assert!(spy.log().iter().all(|call| call.operation != Operation::Insert));
}

/// Everything in the store, ids included.
async fn dump(store: &impl Store) -> Vec<u8> {
    let mut dump = Vec::new();
    for (id, stored) in entries(store).await {
        dump.extend(id.as_bytes());
        // The public id, searched like everything else.
        dump.extend(Key::new(id, Secret::from_bytes([0; 16])).expose().into_bytes());
        dump.extend(stored.to_bytes().unwrap());
    }
    dump
}

fn contains(dump: &[u8], needle: &[u8]) -> bool {
    dump.windows(needle.len()).any(|window| window == needle)
}

on_every_store! {
    the_store_holds_neither_id_nor_key
    a_stolen_store_opens_nothing
    round_trips_are_as_documented
}

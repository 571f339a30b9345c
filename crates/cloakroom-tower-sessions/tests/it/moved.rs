//! Sessions that are moved from another store of tower-sessions, under tower-sessions.

use cloakroom::{MemoryStore, Store};
use cloakroom_testkit::{Fault, FaultyStore};
use futures_util::future::join_all;
use tower_sessions::SessionStore;

use crate::bridge::{Bridge, HOUR, with};
use crate::import_from;

/// The old store and the new one, with the same time.
fn bridges(store: impl Store, old: impl Store) -> (Bridge, Bridge) {
    let (mut bridge, old) = (Bridge::over(store), Bridge::over(old));
    bridge.sessions = import_from(bridge.sessions, old.sessions.clone());
    (bridge, old)
}

async fn a_session_is_moved_with_its_id_its_data_and_its_date(store: impl Store) {
    let (bridge, old) = bridges(store, MemoryStore::new());
    let record = old.created("hat").await;
    for _ in 0..2 {
        assert_eq!(bridge.load(record.id).await.as_ref(), Some(&record));
        assert_eq!(old.load(record.id).await, None);
    }
    let changed = with(&record, "coat");
    bridge.sessions.save(&changed).await.unwrap();
    assert_eq!(bridge.load(record.id).await, Some(changed));
    bridge.clock.advance(HOUR);
    assert_eq!(bridge.load(record.id).await, None);
}

async fn requests_at_once_move_one_session(store: impl Store) {
    let (bridge, old) = bridges(store, MemoryStore::new());
    let record = old.created("hat").await;
    let loads = (0..8).map(|_| bridge.load(record.id));
    for loaded in join_all(loads).await {
        assert_eq!(loaded.as_ref(), Some(&record));
    }
}

async fn a_session_that_has_ended_is_not_moved_again(store: impl Store) {
    let (bridge, old) = bridges(store, MemoryStore::new());
    let (moved, unmoved) = (old.created("hat").await, old.created("coat").await);
    bridge.load(moved.id).await.unwrap();
    for record in [moved, unmoved] {
        bridge.sessions.delete(&record.id).await.unwrap();
        assert_eq!(old.load(record.id).await, None);
        assert_eq!(bridge.load(record.id).await, None);
    }
}

/// As a server writes it that still uses the old store, or as a request has read it before.
async fn a_late_copy_in_the_old_store_revives_nothing(store: impl Store) {
    let (bridge, old) = bridges(store, MemoryStore::new());
    let record = old.created("hat").await;
    bridge.sessions.delete(&record.id).await.unwrap();
    let late = Bridge::over(MemoryStore::new());
    late.sessions.create(&mut record.clone()).await.unwrap();
    let sessions = import_from(bridge.sessions, late.sessions);
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
}

async fn an_outage_of_the_old_store_is_an_error(store: impl Store) {
    let faulty = FaultyStore::new(MemoryStore::new());
    let (bridge, old) = bridges(store, faulty.clone());
    let (record, here) = (old.created("hat").await, bridge.created("coat").await);
    faulty.fail_all(Some(Fault::NotSent));
    assert!(bridge.sessions.load(&record.id).await.is_err());
    assert!(bridge.sessions.delete(&record.id).await.is_err());
    assert_eq!(bridge.load(here.id).await, Some(here));
    faulty.fail_all(None);
    assert_eq!(bridge.load(record.id).await, Some(record));
}

on_every_store! {
    a_session_is_moved_with_its_id_its_data_and_its_date
    requests_at_once_move_one_session
    a_session_that_has_ended_is_not_moved_again
    a_late_copy_in_the_old_store_revives_nothing
    an_outage_of_the_old_store_is_an_error
}

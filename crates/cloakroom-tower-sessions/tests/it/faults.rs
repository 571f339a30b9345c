//! Faults: an outage is an error, and a call whose answer was lost is repeated.

use std::time::Duration;

use cloakroom::Store;
use cloakroom::store::Operation;
use cloakroom_testkit::servers::{Durability, Redis, Server};
use cloakroom_testkit::{Fault, FaultyStore};
use tower_sessions::{ExpiredDeletion, SessionStore};

use crate::bridge::{Bridge, with};
use cloakroom_test_stores as stores;

async fn an_outage_is_an_error_and_never_an_absent_session(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let record = bridge.created(1).await;
    for fault in [Fault::NotSent, Fault::LostBefore] {
        faulty.fail_all(Some(fault));
        assert!(bridge.sessions.load(&record.id).await.is_err());
        assert!(bridge.sessions.save(&with(&record, 2)).await.is_err());
        assert!(bridge.sessions.delete(&record.id).await.is_err());
        assert!(bridge.sessions.create(&mut bridge.record(3)).await.is_err());
        assert!(bridge.sessions.delete_expired().await.is_err());
    }
    faulty.fail_all(None);
    assert_eq!(bridge.load(record.id).await, Some(record));
}

/// And it is there, without a feature of theirs.
async fn the_task_that_deletes_ends_with_the_first_outage(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    faulty.fail_all(Some(Fault::NotSent));
    let task = bridge.sessions.clone().continuously_delete_expired(Duration::from_millis(1));
    assert!(task.await.is_err());
}

async fn an_error_contains_nothing_that_opens_a_session(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let record = bridge.created("a secret of the visitor's").await;
    faulty.fail_all(Some(Fault::LostBefore));
    let errors = [
        bridge.sessions.load(&record.id).await.unwrap_err(),
        bridge.sessions.save(&record).await.unwrap_err(),
        bridge.sessions.delete(&record.id).await.unwrap_err(),
    ];
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(text.contains("unavailable"), "{text}");
        for secret in [record.id.to_string(), record.id.0.to_string(), "visitor".to_owned()] {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

async fn a_create_whose_answer_was_lost_is_recognized(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        let mut record = bridge.record(1);
        let id = record.id;
        faulty.fail_on(Operation::Insert, fault);
        bridge.sessions.create(&mut record).await.unwrap();
        assert_eq!(record.id, id);
        assert_eq!(bridge.load(id).await, Some(record));
    }
}

async fn another_session_at_the_id_is_not_taken_for_a_lost_create(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let stranger = bridge.created("stranger").await;
    let mut record = with(&stranger, "ours");
    faulty.fail_on(Operation::Insert, Fault::LostBefore);
    bridge.sessions.create(&mut record).await.unwrap();
    assert_ne!(record.id, stranger.id);
    assert_eq!(bridge.load(stranger.id).await, Some(stranger));
}

async fn a_save_whose_answer_was_lost_is_recognized(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let record = with(&bridge.created(1).await, 2);
    faulty.fail_on(Operation::Replace, Fault::LostAfter);
    bridge.sessions.save(&record).await.unwrap();
    assert_eq!(bridge.load(record.id).await.as_ref(), Some(&record));
}

async fn a_delete_whose_answer_was_lost_can_be_repeated(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let record = bridge.created(1).await;
    faulty.fail_on(Operation::EndIf, Fault::LostAfter);
    let error = bridge.sessions.delete(&record.id).await.unwrap_err();
    assert!(error.to_string().contains("may have happened"));
    bridge.sessions.delete(&record.id).await.unwrap();
    assert_eq!(bridge.load(record.id).await, None);
}

on_every_store! {
    an_outage_is_an_error_and_never_an_absent_session
    the_task_that_deletes_ends_with_the_first_outage
    an_error_contains_nothing_that_opens_a_session
    a_create_whose_answer_was_lost_is_recognized
    another_session_at_the_id_is_not_taken_for_a_lost_create
    a_save_whose_answer_was_lost_is_recognized
    a_delete_whose_answer_was_lost_can_be_repeated
}

#[test]
fn a_frozen_server_is_an_error_within_the_timeout() {
    let server = Redis::start(Durability::None);
    let store = stores::with_timeout(&server.url());
    stores::run(async {
        let bridge = Bridge::over(store);
        let record = bridge.created(1).await;
        server.freeze();
        assert!(bridge.sessions.load(&record.id).await.is_err());
        server.thaw();
        // On a busy machine the server may need longer than the timeout for its first answers.
        let found = loop {
            if let Ok(found) = bridge.sessions.load(&record.id).await {
                break found;
            }
        };
        assert_eq!(found, Some(record));
    });
}

#[test]
fn a_dead_server_is_an_error_not_an_absent_session() {
    let mut server = Redis::start(Durability::None);
    let store = stores::with_timeout(&server.url());
    stores::run(async {
        let bridge = Bridge::over(store);
        let record = bridge.created(1).await;
        server.kill();
        assert!(bridge.sessions.load(&record.id).await.is_err());
    });
}

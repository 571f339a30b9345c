//! Faults: an outage is an error, and a call whose answer was lost is repeated.

use std::error::Error;

use actix_session::storage::{LoadError, SaveError, SessionStore, UpdateError};
use cloakroom::Store;
use cloakroom::store::Operation;
use cloakroom_testkit::servers::{Durability, Redis, Server};
use cloakroom_testkit::{Fault, FaultyStore};

use crate::bridge::{Bridge, HOUR, copy, state};
use cloakroom_test_stores as stores;

async fn an_outage_is_an_error_and_never_an_absent_session(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let key = bridge.saved("hat").await;
    for fault in [Fault::NotSent, Fault::LostBefore] {
        faulty.fail_all(Some(fault));
        assert!(matches!(bridge.sessions.load(&key).await, Err(LoadError::Other(_))));
        let saved = bridge.sessions.save(state("new"), &HOUR).await;
        assert!(matches!(saved, Err(SaveError::Other(_))));
        let updated = bridge.sessions.update(copy(&key), state("new"), &HOUR).await;
        assert!(matches!(updated, Err(UpdateError::Other(_))));
        assert!(bridge.sessions.update_ttl(&key, &HOUR).await.is_err());
        assert!(bridge.sessions.delete(&key).await.is_err());
        assert!(bridge.sessions.sweep(10).await.is_err());
    }
    faulty.fail_all(None);
    assert_eq!(bridge.load(&key).await, Some(state("hat")));
}

async fn an_error_includes_its_cause_and_nothing_that_opens_a_session(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let key = bridge.saved("in confidence").await;
    faulty.fail_all(Some(Fault::LostBefore));
    let load = bridge.sessions.load(&key).await.unwrap_err();
    let update =
        bridge.sessions.update(copy(&key), state("in confidence"), &HOUR).await.unwrap_err();
    for error in [&load as &dyn Error, &update] {
        let mut text = format!("{error:?}");
        let mut cause = Some(error);
        while let Some(error) = cause {
            text.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(text.contains("the session store is unavailable"), "{text}");
        assert!(!text.contains(key.as_ref()) && !text.contains("confidence"), "{text}");
    }
}

async fn a_create_whose_answer_was_lost_is_recognized(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        faulty.fail_on(Operation::Insert, fault);
        let key = bridge.saved("hat").await;
        assert_eq!(bridge.load(&key).await, Some(state("hat")));
    }
}

async fn an_update_whose_answer_was_lost_is_recognized(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let key = bridge.saved("old").await;
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        faulty.fail_on(Operation::Replace, fault);
        bridge.sessions.update(copy(&key), state("new"), &HOUR).await.unwrap();
        assert_eq!(bridge.load(&key).await, Some(state("new")));
    }
}

async fn a_delete_whose_answer_was_lost_can_be_repeated(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let bridge = Bridge::over(faulty.clone());
    let key = bridge.saved("hat").await;
    faulty.fail_on(Operation::EndIf, Fault::LostAfter);
    assert!(bridge.sessions.delete(&key).await.is_err());
    bridge.sessions.delete(&key).await.unwrap();
    assert_eq!(bridge.load(&key).await, None);
}

on_every_store! {
    an_outage_is_an_error_and_never_an_absent_session
    an_error_includes_its_cause_and_nothing_that_opens_a_session
    a_create_whose_answer_was_lost_is_recognized
    an_update_whose_answer_was_lost_is_recognized
    a_delete_whose_answer_was_lost_can_be_repeated
}

#[test]
fn a_frozen_server_is_an_error_within_the_timeout() {
    let server = Redis::start(Durability::None);
    let store = stores::with_timeout(&server.url());
    actix_web::rt::System::new().block_on(async {
        let bridge = Bridge::over(store);
        let key = bridge.saved("hat").await;
        server.freeze();
        assert!(bridge.sessions.load(&key).await.is_err());
        server.thaw();
        // On a busy machine the server may need longer than the timeout for its first answers.
        let found = loop {
            if let Ok(found) = bridge.sessions.load(&key).await {
                break found;
            }
        };
        assert_eq!(found, Some(state("hat")));
    });
}

#[test]
fn a_dead_server_is_an_error_not_an_absent_session() {
    let mut server = Redis::start(Durability::None);
    let store = stores::with_timeout(&server.url());
    actix_web::rt::System::new().block_on(async {
        let bridge = Bridge::over(store);
        let key = bridge.saved("hat").await;
        server.kill();
        assert!(bridge.sessions.load(&key).await.is_err());
    });
}

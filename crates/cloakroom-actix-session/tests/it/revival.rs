//! Nothing revives a session, under its own key or another, where the Redis store saves it again.

use std::sync::Arc;

use actix_session::storage::{SessionStore, generate_session_key};
use cloakroom::Store;
use cloakroom::store::Operation;
use cloakroom_testkit::StepStore;
use futures_util::future::join;
use futures_util::{pin_mut, poll};

use crate::bridge::{Bridge, HOUR, copy, entries, key, state};
use cloakroom_test_stores as stores;

async fn updating_an_unknown_session_is_an_error_and_creates_nothing(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    for key in [generate_session_key(), key("A".repeat(43)), key("rubbish")] {
        assert!(bridge.sessions.update_ttl(&key, &HOUR).await.is_err());
        assert!(bridge.sessions.update(copy(&key), state("hat"), &HOUR).await.is_err());
        assert_eq!(bridge.load(&key).await, None);
    }
    assert!(entries(&store).await.is_empty());
}

async fn updating_after_a_delete_is_an_error_and_revives_nothing(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    bridge.sessions.delete(&key).await.unwrap();
    assert!(bridge.sessions.update_ttl(&key, &HOUR).await.is_err());
    assert!(bridge.sessions.update(copy(&key), state("again"), &HOUR).await.is_err());
    assert_eq!(bridge.load(&key).await, None);
}

async fn a_delete_during_an_update_holds(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let key = bridge.saved("hat").await;
    let held = step.hold(Operation::Replace);
    let update = bridge.sessions.update(copy(&key), state("again"), &HOUR);
    pin_mut!(update);
    while !held.has_arrived() {
        assert!(poll!(&mut update).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.delete(&key).await.unwrap();
    held.release();
    assert!(update.await.is_err());
    assert_eq!(bridge.load(&key).await, None);
}

async fn a_delete_while_the_expiry_moves_holds(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let key = bridge.saved("hat").await;
    let held = step.hold(Operation::Replace);
    let extension = bridge.sessions.update_ttl(&key, &HOUR);
    pin_mut!(extension);
    while !held.has_arrived() {
        assert!(poll!(&mut extension).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.delete(&key).await.unwrap();
    held.release();
    assert!(extension.await.is_err());
    assert_eq!(bridge.load(&key).await, None);
}

async fn an_update_during_a_delete_changes_nothing_about_it(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let key = bridge.saved("hat").await;
    let held = step.hold(Operation::EndIf);
    let delete = bridge.sessions.delete(&key);
    pin_mut!(delete);
    while !held.has_arrived() {
        assert!(poll!(&mut delete).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.update(copy(&key), state("again"), &HOUR).await.unwrap();
    held.release();
    delete.await.unwrap();
    assert_eq!(bridge.load(&key).await, None);
}

async fn of_two_concurrent_updates_one_is_kept_completely(store: impl Store) {
    let bridge = Bridge::over(store);
    let key = bridge.saved("hat").await;
    let one = bridge.sessions.update(copy(&key), state("one"), &HOUR);
    let two = bridge.sessions.update(copy(&key), state("two"), &HOUR);
    let (one, two) = join(one, two).await;
    assert!(one.is_ok() && two.is_ok());
    let kept = bridge.load(&key).await.unwrap();
    assert!(kept == state("one") || kept == state("two"));
}

async fn a_longer_expiry_undoes_no_update(store: impl Store) {
    let step = StepStore::new(store);
    let bridge = Bridge::over(step.clone());
    let key = bridge.saved("old").await;
    let held = step.hold(Operation::Replace);
    let extension = bridge.sessions.update_ttl(&key, &HOUR);
    pin_mut!(extension);
    while !held.has_arrived() {
        assert!(poll!(&mut extension).is_pending());
        tokio::task::yield_now().await;
    }
    bridge.sessions.update(copy(&key), state("new"), &HOUR).await.unwrap();
    held.release();
    extension.await.unwrap();
    assert_eq!(bridge.load(&key).await, Some(state("new")));
}

async fn a_delete_on_one_node_holds_on_another(store: impl Store) {
    let store = Arc::new(store);
    let (here, there) = (Bridge::over(Arc::clone(&store)), Bridge::over(store));
    let key = here.saved("hat").await;
    assert!(there.load(&key).await.is_some());
    here.sessions.delete(&key).await.unwrap();
    assert_eq!(there.load(&key).await, None);
    assert!(there.sessions.update(copy(&key), state("again"), &HOUR).await.is_err());
    assert_eq!(here.load(&key).await, None);
}

on_every_store! {
    updating_an_unknown_session_is_an_error_and_creates_nothing
    updating_after_a_delete_is_an_error_and_revives_nothing
    a_delete_during_an_update_holds
    a_delete_while_the_expiry_moves_holds
    an_update_during_a_delete_changes_nothing_about_it
    of_two_concurrent_updates_one_is_kept_completely
    a_longer_expiry_undoes_no_update
    a_delete_on_one_node_holds_on_another
}

#[test]
fn a_cached_record_revives_nothing() {
    let [here, there] = stores::two_near_caches();
    actix_web::rt::System::new().block_on(async {
        let (here, there) = (Bridge::over(here), Bridge::over(there));
        let key = here.saved("hat").await;
        assert!(there.load(&key).await.is_some());
        here.sessions.delete(&key).await.unwrap();
        // Whether or not the cache has been told yet.
        assert!(there.sessions.update(copy(&key), state("again"), &HOUR).await.is_err());
        assert_eq!(there.load(&key).await, None);
        assert_eq!(here.load(&key).await, None);
    });
}

//! Sessions whose value cannot be read.

use std::sync::Arc;

use actix_session::storage::{LoadError, SessionKey, SessionStore};
use cloakroom::key::KindTag;
use cloakroom::policy::UnreadablePolicy;
use cloakroom::record::{Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::value::Payload;
use cloakroom::{Key, Store, protocol};
use cloakroom_actix_session::ActixSessionStore;

use crate::bridge::{Bridge, HOUR, copy, entries, state};

async fn an_unreadable_session_is_set_aside_and_never_overwritten(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    spoil(&store, &key).await;
    assert_eq!(bridge.load(&key).await, None);
    assert!(bridge.sessions.update(copy(&key), state("hat"), &HOUR).await.is_err());
    assert!(!is_ended(&store).await);
}

async fn deleting_an_unreadable_session_fails_while_it_lives(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    spoil(&store, &key).await;
    assert!(bridge.sessions.delete(&key).await.is_err());
    assert!(!is_ended(&store).await);

    let ending = ActixSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::End)
    });
    ending.unwrap().delete(&key).await.unwrap();
    assert!(is_ended(&store).await);
}

async fn an_unreadable_session_is_an_error_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    spoil(&store, &key).await;
    let strict = ActixSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::Refuse)
    });
    let strict = strict.unwrap();
    let error = strict.load(&key).await.unwrap_err();
    assert!(matches!(error, LoadError::Deserialization(_)));
    // The middleware logs it with all causes.
    assert!(!format!("{error:?}").contains("spoilt"), "{error:?}");
    // The middleware then continues with an empty state and would write it here.
    assert!(strict.update(copy(&key), state("hat"), &HOUR).await.is_err());
    assert!(strict.delete(&key).await.is_err());
    assert!(!is_ended(&store).await);
}

/// Replaces the value of the only session by one that is not a map.
async fn spoil(store: &impl Store, key: &SessionKey) {
    let (id, stored) = entries(store).await.remove(0);
    let Stored::Live(record) = stored else { panic!("the session has ended") };
    let (kind, lifetime) = (record.kind(), *record.lifetime());
    let verifier = key.as_ref().parse::<Key>().unwrap().verifier(KindTag::of("actix-session"));
    let payload = Payload::from_bytes(*b"\x01\x00\"spoilt\"");
    let revision = Revision::new(record.revision().count() + 1, 0);
    let spoilt =
        protocol::begin(kind, verifier, lifetime, None, payload, revision, record.created());
    let swap = store.replace(id, record.revision(), spoilt).await.unwrap();
    assert!(matches!(swap, Swap::Done));
}

/// True if the only session has ended.
async fn is_ended(store: &impl Store) -> bool {
    matches!(entries(store).await[..], [(_, Stored::Ended(_))])
}

on_every_store! {
    an_unreadable_session_is_set_aside_and_never_overwritten
    deleting_an_unreadable_session_fails_while_it_lives
    an_unreadable_session_is_an_error_if_the_policy_says_so
}

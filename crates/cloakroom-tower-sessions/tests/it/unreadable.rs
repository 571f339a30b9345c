//! Sessions whose value cannot be read.

use std::sync::Arc;

use cloakroom::key::{KindTag, Secret};
use cloakroom::policy::UnreadablePolicy;
use cloakroom::record::{Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::value::Payload;
use cloakroom::{Key, Store, protocol};
use cloakroom_tower_sessions::TowerSessionStore;
use tower_sessions::SessionStore;
use tower_sessions::session::Id;
use tower_sessions::session_store::Error;

use crate::bridge::{Bridge, entries};

async fn an_unreadable_session_is_set_aside_and_a_delete_ends_it(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("hat").await;
    spoil(&store, record.id).await;
    assert_eq!(bridge.load(record.id).await, None);
    assert!(bridge.sessions.save(&record).await.is_err());
    assert!(!is_ended(&store).await);
    bridge.sessions.delete(&record.id).await.unwrap();
    assert!(is_ended(&store).await);
}

async fn an_unreadable_session_is_an_error_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("hat").await;
    spoil(&store, record.id).await;
    let strict = TowerSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::Refuse)
    });
    let error = strict.unwrap().load(&record.id).await.unwrap_err();
    assert!(matches!(&error, Error::Decode(text) if !text.contains("spoilt")), "{error:?}");
}

/// Replaces the value of the only session by one that is not a map.
async fn spoil(store: &impl Store, secret: Id) {
    let (id, stored) = entries(store).await.remove(0);
    let Stored::Live(record) = stored else { panic!("the session has ended") };
    let key = Key::new(id, Secret::from_bytes(secret.0.to_le_bytes()));
    let (kind, lifetime) = (record.kind(), *record.lifetime());
    let verifier = key.verifier(KindTag::of("tower-sessions"));
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
    an_unreadable_session_is_set_aside_and_a_delete_ends_it
    an_unreadable_session_is_an_error_if_the_policy_says_so
}

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

/// JSON that is not a map: another version could have written it.
const OTHER_VERSION: &[u8] = b"\x01\x00\"spoilt\"";
/// Text that is not JSON: no version wrote it.
const DAMAGED: &[u8] = b"\x01\x00\"spoilt";

/// If `load` found nothing, the middleware would replace the id by that of a new session.
async fn an_unreadable_session_keeps_its_id_until_it_is_deleted(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("hat").await;
    for payload in [OTHER_VERSION, DAMAGED] {
        spoil(&store, record.id, payload).await;
        let error = bridge.sessions.load(&record.id).await.unwrap_err();
        assert!(matches!(&error, Error::Backend(text) if !text.contains("spoilt")), "{error:?}");
        assert!(bridge.sessions.save(&record).await.is_err());
        assert!(!is_ended(&store).await);
    }
    bridge.sessions.delete(&record.id).await.unwrap();
    assert!(is_ended(&store).await);
}

async fn a_damaged_session_is_set_aside_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("hat").await;
    let setting_aside = TowerSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::SetAside)
    });
    let setting_aside = setting_aside.unwrap();
    spoil(&store, record.id, OTHER_VERSION).await;
    assert!(setting_aside.load(&record.id).await.is_err());
    spoil(&store, record.id, DAMAGED).await;
    assert_eq!(setting_aside.load(&record.id).await.unwrap(), None);
    assert!(setting_aside.save(&record).await.is_err());
    assert!(!is_ended(&store).await);
}

async fn an_unreadable_session_is_refused_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let record = bridge.created("hat").await;
    spoil(&store, record.id, OTHER_VERSION).await;
    let strict = TowerSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::Refuse)
    });
    let error = strict.unwrap().load(&record.id).await.unwrap_err();
    assert!(matches!(&error, Error::Decode(text) if !text.contains("spoilt")), "{error:?}");
}

/// Replaces the value of the only session.
async fn spoil(store: &impl Store, secret: Id, payload: &'static [u8]) {
    let (id, stored) = entries(store).await.remove(0);
    let Stored::Live(record) = stored else { panic!("the session has ended") };
    let key = Key::new(id, Secret::from_bytes(secret.0.to_le_bytes()));
    let (kind, lifetime) = (record.kind(), *record.lifetime());
    let verifier = key.verifier(KindTag::of("tower-sessions"));
    let payload = Payload::from_bytes(payload);
    let revision = Revision::new(record.revision().count() + 1, 0);
    let spoilt =
        protocol::begin(kind, verifier, lifetime, None, payload, revision, record.created());
    let swap = store.replace(id, &record, spoilt, record.created()).await.unwrap();
    assert!(matches!(swap, Swap::Done));
}

/// True if the only session has ended.
async fn is_ended(store: &impl Store) -> bool {
    matches!(entries(store).await[..], [(_, Stored::Ended(_))])
}

on_every_store! {
    an_unreadable_session_keeps_its_id_until_it_is_deleted
    a_damaged_session_is_set_aside_if_the_policy_says_so
    an_unreadable_session_is_refused_if_the_policy_says_so
}

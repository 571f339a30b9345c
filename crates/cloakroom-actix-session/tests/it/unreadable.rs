//! Sessions whose value cannot be read.

use std::sync::Arc;

use actix_session::config::CookieContentSecurity;
use actix_session::storage::{LoadError, SessionKey, SessionStore};
use actix_web::http::StatusCode;
use cloakroom::key::KindTag;
use cloakroom::policy::UnreadablePolicy;
use cloakroom::record::{Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::value::Payload;
use cloakroom::{Key, Store, protocol};
use cloakroom_actix_session::ActixSessionStore;

use crate::app::site;
use crate::bridge::{Bridge, HOUR, copy, entries, state};

/// The length of a key, which follows a signature in the middleware's cookie.
const KEY: usize = 43;
/// JSON that is not a map: another version could have written it.
const OTHER_VERSION: &[u8] = b"\x01\x00\"spoilt\"";
/// Text that is not JSON: no version wrote it.
const DAMAGED: &[u8] = b"\x01\x00\"spoilt";

/// The middleware treats this error of `load` as an empty state under the same key.
async fn an_unreadable_session_keeps_its_key_and_is_never_overwritten(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    for payload in [OTHER_VERSION, DAMAGED] {
        spoil(&store, &key, payload).await;
        let error = bridge.sessions.load(&key).await.unwrap_err();
        assert!(matches!(error, LoadError::Deserialization(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("spoilt"), "{error:?}");
        assert!(bridge.sessions.update(copy(&key), state("hat"), &HOUR).await.is_err());
        assert!(!is_ended(&store).await);
    }
}

async fn the_visitor_of_an_unreadable_session_keeps_the_cookie(store: impl Store) {
    let store = Arc::new(store);
    let signed = CookieContentSecurity::Signed;
    let site = site(Arc::clone(&store), |middleware| middleware.cookie_content_security(signed));
    let site = site.await;
    let visitor = site.visitor().await;
    let (_, key) = visitor.value().split_at(visitor.value().len() - KEY);
    spoil(&store, &crate::bridge::key(key), OTHER_VERSION).await;
    let read = site.get("/read", Some(&visitor)).await;
    assert_eq!((read.status, read.body.as_str()), (StatusCode::OK, "no one 0"));
    let write = site.get("/count", Some(&visitor)).await;
    assert_eq!(write.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(read.cookies.is_empty() && write.cookies.is_empty());
    assert!(!is_ended(&store).await);
}

async fn a_damaged_session_is_set_aside_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    let setting_aside = ActixSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::SetAside)
    });
    let setting_aside = setting_aside.unwrap();
    spoil(&store, &key, OTHER_VERSION).await;
    assert!(setting_aside.load(&key).await.is_err());
    spoil(&store, &key, DAMAGED).await;
    assert_eq!(setting_aside.load(&key).await.unwrap(), None);
    assert!(setting_aside.update(copy(&key), state("hat"), &HOUR).await.is_err());
    assert!(!is_ended(&store).await);
}

async fn deleting_an_unreadable_session_fails_while_it_lives(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    let ending = ActixSessionStore::with(Arc::clone(&store), |builder| {
        builder.clock(bridge.clock.clone()).unreadable(UnreadablePolicy::End)
    });
    let ending = ending.unwrap();
    spoil(&store, &key, OTHER_VERSION).await;
    assert!(bridge.sessions.delete(&key).await.is_err());
    assert!(ending.delete(&key).await.is_err());
    assert!(!is_ended(&store).await);

    spoil(&store, &key, DAMAGED).await;
    assert!(bridge.sessions.delete(&key).await.is_err());
    assert!(!is_ended(&store).await);
    ending.delete(&key).await.unwrap();
    assert!(is_ended(&store).await);
}

async fn an_unreadable_session_is_an_error_if_the_policy_says_so(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let key = bridge.saved("hat").await;
    spoil(&store, &key, OTHER_VERSION).await;
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

/// Replaces the value of the only session.
async fn spoil(store: &impl Store, key: &SessionKey, payload: &'static [u8]) {
    let (id, stored) = entries(store).await.remove(0);
    let Stored::Live(record) = stored else { panic!("the session has ended") };
    let (kind, lifetime) = (record.kind(), *record.lifetime());
    let verifier = key.as_ref().parse::<Key>().unwrap().verifier(KindTag::of("actix-session"));
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
    an_unreadable_session_keeps_its_key_and_is_never_overwritten
    the_visitor_of_an_unreadable_session_keeps_the_cookie
    a_damaged_session_is_set_aside_if_the_policy_says_so
    deleting_an_unreadable_session_fails_while_it_lives
    an_unreadable_session_is_an_error_if_the_policy_says_so
}

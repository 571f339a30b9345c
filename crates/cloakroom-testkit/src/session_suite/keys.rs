//! A key is valid only if a live record has its id and its secret matches; a store sees no secret.

use cloakroom::key::Secret;
use cloakroom::{NoSession, PublicId, SessionKind, Sessions, Store};

use super::{Counter, TestSessions, assert_opens_nothing, increment, key_of, open};
use crate::{SeededEntropy, block_on};

/// A key that was not minted here begins a session under another key.
pub fn an_unknown_key_is_never_adopted(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let planted =
            cloakroom::Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        let mut session = open(&test, &planted).await;
        assert_eq!(session.no_session(), Some(NoSession::Unknown));
        increment(&mut session).await.unwrap();
        assert_ne!(session.id(), Some(planted.id()));
        assert_eq!(assert_opens_nothing(&test, &planted).await, NoSession::Unknown);
    });
}

/// Knowing the public id is not enough, and trying leaves the record unchanged.
pub fn a_wrong_secret_opens_nothing_and_changes_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let session = test.sessions.generate(Counter::of(5)).await.unwrap();
        let guess = key_of(&session).with_secret(Secret::from_bytes([1; 16]));
        let mut guesser = open(&test, &guess).await;
        assert_eq!(guesser.no_session(), Some(NoSession::WrongSecret));
        assert_eq!(guesser.value().count, 0);
        increment(&mut guesser).await.unwrap();
        assert_ne!(guesser.id(), session.id());
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 5);
        assert!(test.events().iter().any(|event| event.starts_with("WrongSecret")));
    });
}

/// Two kinds of session share a store; neither opens the other's, even with the right id and
/// secret.
pub fn a_key_of_another_kind_opens_nothing(store: impl Store) {
    struct Admin;
    impl SessionKind for Admin {
        const NAME: &'static str = "admin";
    }
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(store);
    let visitors: Sessions<Counter> = Sessions::new(std::sync::Arc::clone(&store)).unwrap();
    let admins: Sessions<Counter, Admin> = Sessions::new(store).unwrap();
    block_on(async {
        let visitor = visitors.generate(Counter::of(1)).await.unwrap();
        let admin = admins.generate(Counter::of(2)).await.unwrap();
        assert!(admins.of_key(&key_of(&visitor)).await.is_err());
        assert!(visitors.of_key(admin.key().unwrap()).await.is_err());
        assert_eq!(admins.of_key(admin.key().unwrap()).await.unwrap().value().count, 2);
    });
}

/// `of_headers` gives no session, a session, or an error.
pub fn a_lookup_tells_no_key_a_session_and_a_useless_key_apart(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        assert!(test.sessions.of_headers(&http::HeaderMap::new()).await.unwrap().is_none());
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        assert_eq!(
            test.sessions.of_headers(&test.request(&key)).await.unwrap().unwrap().value().count,
            1
        );
        test.sessions.revoke(key.id()).await.unwrap();
        let error = test.sessions.of_headers(&test.request(&key)).await.unwrap_err();
        assert_eq!(error.kind(), cloakroom::ErrorKind::NotFound);
        assert_eq!(
            error.no_session(),
            Some(NoSession::Ended(cloakroom::record::EndReason::Revoked))
        );
        let mut garbage = http::HeaderMap::new();
        garbage.insert("cookie", "__Host-id=garbage".parse().unwrap());
        let error = test.sessions.of_headers(&garbage).await.unwrap_err();
        assert_eq!(error.kind(), cloakroom::ErrorKind::NotFound);
        let created = test.sessions.of_headers_or_create(&garbage, Counter::of(7)).await.unwrap();
        assert_eq!(created.value().count, 7);
    });
}

/// A generator that repeats itself costs another draw, never a session.
pub fn a_taken_id_is_never_overwritten(store: impl Store) {
    let entropy = SeededEntropy::from_blocks(vec![[1; 16], [2; 16], [1; 16], [3; 16]]);
    let test = TestSessions::with(store, |builder| builder.entropy(entropy));
    block_on(async {
        let first = test.sessions.generate(Counter::of(1)).await.unwrap();
        let second = test.sessions.generate(Counter::of(2)).await.unwrap();
        assert_ne!(first.id(), second.id());
        assert_eq!(open(&test, &key_of(&first)).await.value().count, 1);
        assert_eq!(open(&test, &key_of(&second)).await.value().count, 2);
    });
}

/// A sibling domain can plant a cookie of the same name, so every candidate is tried.
pub fn a_planted_key_never_hides_a_good_one(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let good = key_of(&test.sessions.generate(Counter::of(3)).await.unwrap());
        let planted =
            cloakroom::Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        let (good_text, planted_text) = (good.expose(), planted.expose());
        for texts in [[&planted_text, &good_text], [&good_text, &planted_text]] {
            let mut request = http::HeaderMap::new();
            for text in texts {
                request.append("cookie", format!("__Host-id={text}; x=y").parse().unwrap());
            }
            let session = test.sessions.request_session().session(&request).await.unwrap();
            assert_eq!(session.value().count, 3);
        }
        assert!(test.events().iter().any(|event| event.starts_with("MultipleKeys")));
    });
}

/// Whatever is done to a session, its secrets never reach the store.
pub fn a_store_never_sees_a_secret(store: impl Store) {
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(store);
    let test = TestSessions::new(std::sync::Arc::clone(&store));
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let mut keys = vec![key_of(&session)];
        session.login(&super::alice()).await.unwrap();
        keys.push(key_of(&session));
        session.renew().await.unwrap();
        keys.push(key_of(&session));
        let ended = test.sessions.generate(Counter::of(2)).await.unwrap();
        keys.push(key_of(&ended));
        test.sessions.revoke(ended.id().unwrap()).await.unwrap();
        let (mut entries, mut from) = (Vec::new(), None);
        loop {
            let part = store.scan(from.as_ref(), 100).await.unwrap();
            entries.extend(part.entries);
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(entries.len(), 2);
        for (id, stored) in entries {
            let bytes = stored.to_bytes().unwrap();
            let shown = format!("{id} {stored:?} {}", String::from_utf8_lossy(&bytes));
            for key in &keys {
                assert!(!shown.contains(&key.expose()[22..]), "the store has the text of a secret");
                assert!(!format!("{key:?}{:?}", key.secret()).contains(&key.expose()[22..]));
            }
        }
    });
}

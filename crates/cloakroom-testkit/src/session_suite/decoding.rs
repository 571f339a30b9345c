//! A session that cannot be decoded is reported, treated by policy and never overwritten.

use std::sync::Arc;

use cloakroom::policy::UnreadablePolicy;
use cloakroom::value::{Codec, JsonCodec};
use cloakroom::{ErrorKind, NoSession, Sessions, Store};
use serde::{Deserialize, Serialize};

use super::{Counter, assert_kind, increment, key_of};
use crate::block_on;

/// The value type of another deployment that shares the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Foreign {
    count: String,
}

/// The visitor goes on with a new session. The old record stays until it expires, for a deployment
/// that can read it.
pub fn an_undecodable_session_is_set_aside_and_never_overwritten(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(encoded(store));
    let test = super::TestSessions::new(Arc::clone(&store));
    let foreign: Sessions<Foreign> =
        Sessions::builder(store).clock(test.clock.clone()).build().unwrap();
    block_on(async {
        let written = foreign.generate(Foreign { count: "three".into() }).await.unwrap();
        let key = written.key().unwrap().clone();
        let mut session =
            test.sessions.request_session().session(&test.request(&key)).await.unwrap();
        assert_eq!(session.no_session(), Some(NoSession::Unreadable));
        increment(&mut session).await.unwrap();
        session.login(&super::alice()).await.unwrap();
        assert_ne!(session.id(), Some(key.id()));
        assert!(test.events().iter().any(|event| event.starts_with("Unreadable")));
        assert_eq!(foreign.of_key(&key).await.unwrap().value().count, "three");
    });
}

/// The policies `Refuse` and `End`.
pub fn an_undecodable_session_is_refused_or_ended_by_policy(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(encoded(store));
    let foreign: Sessions<Foreign> = Sessions::new(Arc::clone(&store)).unwrap();
    let with = |policy| -> Sessions<Counter> {
        Sessions::builder(Arc::clone(&store)).unreadable(policy).build().unwrap()
    };
    block_on(async {
        let written = foreign.generate(Foreign { count: "three".into() }).await.unwrap();
        let key = written.key().unwrap();
        assert_kind(with(UnreadablePolicy::Refuse).of_key(key).await, ErrorKind::Corrupt);
        assert!(foreign.of_key(key).await.is_ok());
        assert_kind(with(UnreadablePolicy::End).of_key(key).await, ErrorKind::NotFound);
        assert_kind(foreign.of_key(key).await, ErrorKind::NotFound);
    });
}

/// A deployment that changes the value type reads what the previous one wrote.
pub fn an_older_schema_is_upgraded_and_rewritten_by_the_next_change(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(encoded(store));
    let old: Sessions<Foreign> = Sessions::new(Arc::clone(&store)).unwrap();
    let new: Sessions<Counter> = Sessions::builder(Arc::clone(&store))
        .schema(1, |payload| {
            let old: Foreign = JsonCodec.decode(payload.body)?;
            old.count.parse().map(Counter::of).map_err(cloakroom::value::CodecError::new)
        })
        .build()
        .unwrap();
    block_on(async {
        let written = old.generate(Foreign { count: "41".into() }).await.unwrap();
        let key = written.key().unwrap();
        let mut session = new.of_key(key).await.unwrap();
        assert_eq!(session.value().count, 41);
        assert_eq!(increment(&mut session).await.unwrap(), 42);
        assert_eq!(new.of_key(&key_of(&session)).await.unwrap().value().count, 42);
        assert_kind(old.of_key(key).await, ErrorKind::NotFound);
    });
}

/// An allocated session without a value is neither absent nor empty, and a new visitor's session
/// can take its place.
pub fn a_session_without_a_value_is_not_set(store: impl Store) {
    let test = super::TestSessions::new(store);
    block_on(async {
        let mut allocated = test.sessions.allocate().await.unwrap();
        let key = key_of(&allocated);
        assert_kind(test.sessions.of_key(&key).await, ErrorKind::NotSet);
        assert_kind(test.sessions.of_headers(&test.request(&key)).await, ErrorKind::NotSet);
        let other =
            test.sessions.of_headers_or_create(&test.request(&key), Counter::of(7)).await.unwrap();
        assert_ne!(other.id(), allocated.id());
        allocated.set(Counter::default()).await.unwrap();
        assert_eq!(test.sessions.of_key(&key).await.unwrap().value().count, 0);
    });
}

/// A store whose payloads are bytes, as in a store outside the process.
fn encoded(store: impl Store) -> impl Store {
    super::encoding_store::EncodingStore(store)
}

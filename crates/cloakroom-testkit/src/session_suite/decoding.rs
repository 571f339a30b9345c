//! A session that cannot be decoded is reported, treated by policy and never overwritten.

use std::sync::Arc;

use cloakroom::policy::UnreadablePolicy;
use cloakroom::value::{Codec, CodecError, JsonCodec};
use cloakroom::{ErrorKind, NoSession, Sessions, Store};
use serde::{Deserialize, Serialize};

use super::{Counter, assert_kind, increment, key_of};
use crate::block_on;

/// The value type of another deployment that shares the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Foreign {
    count: String,
}

/// The client keeps its key, for a deployment that can read the record: nothing but a sign-in
/// begins another session, whatever the policy says about damage.
pub fn a_session_of_another_version_keeps_its_key_and_is_never_overwritten(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    block_on(async {
        for policy in [UnreadablePolicy::Keep, UnreadablePolicy::SetAside, UnreadablePolicy::End] {
            let test =
                super::TestSessions::with(Arc::clone(&store), |builder| builder.unreadable(policy));
            let foreign: Sessions<Foreign> =
                Sessions::builder(Arc::clone(&store)).clock(test.clock.clone()).build().unwrap();
            let written = foreign.generate(Foreign { count: "three".into() }).await.unwrap();
            let key = written.key().unwrap().clone();
            let request = test.request(&key);
            let mut session = test.sessions.request_session().session(&request).await.unwrap();
            assert_eq!(session.no_session(), Some(NoSession::Unreadable));
            assert_kind(increment(&mut session).await, ErrorKind::Unreadable);
            assert_kind(session.logout().await, ErrorKind::Unreadable);
            let created = test.sessions.of_headers_or_create(&request, Counter::of(1)).await;
            assert_kind(created, ErrorKind::Unreadable);
            // The user can always sign in.
            let token = session.csrf_token("sign in").await.unwrap().to_string();
            session.check_csrf("sign in", &token).unwrap();
            session.login(&super::alice()).await.unwrap();
            assert_ne!(session.id(), Some(key.id()));
            assert!(test.events().iter().any(|event| event.starts_with("Unreadable")));
            assert_eq!(foreign.of_key(&key).await.unwrap().value().count, "three");
        }
    });
}

/// Bytes that no version ever wrote: the policies differ.
pub fn a_damaged_session_is_treated_by_policy_and_never_overwritten(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let damaged: Sessions<Foreign> =
        Sessions::builder(Arc::clone(&store)).codec(Damaged).build().unwrap();
    let with = |policy| -> Sessions<Counter> {
        Sessions::builder(Arc::clone(&store)).unreadable(policy).build().unwrap()
    };
    block_on(async {
        let written = damaged.generate(Foreign::default()).await.unwrap();
        let key = written.key().unwrap();
        let cookie = format!("__Host-id={}", key.expose());
        let request = [("cookie", cookie.as_str())];
        assert_kind(with(UnreadablePolicy::Refuse).of_key(key).await, ErrorKind::Corrupt);
        assert_kind(with(UnreadablePolicy::Keep).of_key(key).await, ErrorKind::Unreadable);
        let setting_aside = with(UnreadablePolicy::SetAside);
        let request_session = setting_aside.request_session();
        let mut session = request_session.session(&request).await.unwrap();
        assert_eq!(session.no_session(), Some(NoSession::Unreadable));
        increment(&mut session).await.unwrap();
        assert_ne!(session.id(), Some(key.id()));
        assert!(damaged.of_key(key).await.is_ok(), "the record stays");
        assert_kind(with(UnreadablePolicy::End).of_key(key).await, ErrorKind::NotFound);
        assert_kind(damaged.of_key(key).await, ErrorKind::NotFound);
    });
}

/// Writes text that is not JSON under the format of JSON.
#[derive(Debug)]
struct Damaged;

impl Codec<Foreign> for Damaged {
    fn format(&self) -> u8 {
        Codec::<Foreign>::format(&JsonCodec)
    }

    fn encode(&self, _: &Foreign, body: &mut Vec<u8>) -> Result<(), CodecError> {
        body.extend_from_slice(b"{\"count");
        Ok(())
    }

    fn decode(&self, _: &[u8]) -> Result<Foreign, CodecError> {
        Ok(Foreign::default())
    }
}

/// A deployment that changes the value type reads what the previous one wrote.
pub fn an_older_schema_is_upgraded_and_rewritten_by_the_next_change(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let old: Sessions<Foreign> = Sessions::new(Arc::clone(&store)).unwrap();
    let new: Sessions<Counter> = Sessions::builder(Arc::clone(&store))
        .schema(1, |payload| {
            let old: Foreign = JsonCodec.decode(payload.body)?;
            old.count.parse().map(Counter::of).map_err(CodecError::new)
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
        assert_kind(old.of_key(key).await, ErrorKind::Unreadable);
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

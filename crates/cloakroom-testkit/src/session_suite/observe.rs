//! Events, and what is recorded about clients.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::http::{AddressRule, ClientPolicy};
use cloakroom::key::Secret;
use cloakroom::observe::{Event, Observer};
use cloakroom::store::Page;
use cloakroom::{Key, NoSession, PublicId, Store};
use http::HeaderValue;

use super::{Counter, TestSessions, alice, assert_opens_nothing, key_of, open};
use crate::block_on;

/// The names of events with their reasons, in order, without the store's calls.
#[derive(Clone, Debug, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

impl Names {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Names {
    fn observe(&self, event: &Event<'_>) {
        if matches!(event, Event::StoreCalled { .. }) {
            return;
        }
        let reason = event.reason().map(|reason| format!(" {reason}")).unwrap_or_default();
        self.0.lock().unwrap().push(format!("{}{reason}", event.name()));
    }
}

/// Each step once, under OWASP's name where it has one.
pub fn events_describe_the_life_of_a_session(store: impl Store) {
    let names = Names::default();
    let test = TestSessions::with(store, |builder| builder.observer(names.clone()));
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let first = key_of(&session);
        assert_eq!(names.take(), ["session_created"]);
        session.login(&alice()).await.unwrap();
        assert_eq!(names.take(), ["session_renewed", "session_signed_in"]);
        let second = key_of(&session);
        assert_opens_nothing(&test, &first).await;
        assert_eq!(names.take(), ["session_key_retired"]);
        session.logout().await.unwrap();
        assert_opens_nothing(&test, &second).await;
        let expected = ["session_expired signed out", "session_use_after_expire signed out"];
        assert_eq!(names.take(), expected);

        let idle = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        test.clock.advance(Duration::from_secs(31 * 60));
        assert_eq!(assert_opens_nothing(&test, &idle).await, NoSession::Expired);
        assert_eq!(names.take(), ["session_created", "session_use_after_expire timeout"]);
        assert_eq!(test.sessions.sweep(10).await.unwrap(), 1);
        assert_opens_nothing(&test, &idle).await;
        assert_eq!(names.take(), ["sessions_swept", "session_key_unknown"]);
    });
}

/// Nor does the event's `Debug` text.
pub fn no_event_shows_a_secret_or_a_value(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let note = "a very private note".to_owned();
        let mut session =
            test.sessions.generate(Counter { count: 1, notes: vec![note.clone()] }).await.unwrap();
        let mut keys = vec![key_of(&session)];
        session.login(&alice()).await.unwrap();
        keys.push(key_of(&session));
        session.renew().await.unwrap();
        keys.push(key_of(&session));
        keys.push(with_wrong_secret(&keys[0]));
        for key in &keys {
            drop(open(&test, key).await);
        }
        session.logout().await.unwrap();
        for key in &keys {
            drop(open(&test, key).await);
        }
        let events = test.events();
        assert!(events.len() > 8, "{events:?}");
        for event in events {
            assert!(!event.contains(&note), "{event}");
            for key in &keys {
                let exposed = key.expose();
                assert!(
                    !event.contains(exposed.as_str()) && !event.contains(&exposed.as_str()[22..]),
                    "{event}"
                );
            }
        }
    });
}

/// The key with a secret that was never its own.
fn with_wrong_secret(key: &Key) -> Key {
    Key::new(key.id(), Secret::from_bytes([9; 16]))
}

/// The record is unchanged.
pub fn a_key_that_opens_nothing_is_reported_each_time(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for _ in 0..3 {
            assert_eq!(
                assert_opens_nothing(&test, &with_wrong_secret(&key)).await,
                NoSession::WrongSecret
            );
        }
        let reported =
            test.events().iter().filter(|event| event.starts_with("WrongSecret")).count();
        assert_eq!(reported, 3);
        assert!(open(&test, &key).await.exists());
    });
}

/// A rate limiter or an alert can act on it. It is the address that the client policy trusts.
pub fn events_about_useless_keys_have_the_clients_address(store: impl Store) {
    let proxy: IpAddr = [10, 0, 0, 1].into();
    let policy = ClientPolicy::user_agents()
        .with_addresses(AddressRule::behind(["10.0.0.0/8".parse().expect("a network")]));
    let test = TestSessions::with(store, |builder| builder.clients(policy));
    let from = |address: &'static str, key: &Key| {
        let mut request = test.request(key);
        request.insert("x-forwarded-for", HeaderValue::from_static(address));
        async { test.sessions.request_session().with_peer_addr(proxy).session(&{ request }).await }
    };
    block_on(async {
        let good = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let made_up = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([1; 16]));
        assert!(!from("192.0.2.1", &made_up).await.unwrap().exists());
        assert!(!from("192.0.2.2", &with_wrong_secret(&good)).await.unwrap().exists());
        assert!(!open(&test, &made_up).await.exists());
        let events = test.events();
        let about = |name: &str| -> Vec<bool> {
            let found = events.iter().filter(|event| event.starts_with(name));
            found.map(|event| event.contains("client: Some(192.0.2.")).collect()
        };
        assert_eq!(about("UnknownKey"), [true, false]);
        assert_eq!(about("WrongSecret"), [true]);
    });
}

/// At each sign-in.
pub fn a_client_is_recorded_only_if_the_policy_asks(store: impl Store) {
    let store = Arc::new(store);
    for asked in [false, true] {
        let test = TestSessions::with(Arc::clone(&store), |builder| {
            if asked { builder.clients(ClientPolicy::user_agents()) } else { builder }
        });
        block_on(async {
            let mut request = http::HeaderMap::new();
            request.insert("user-agent", HeaderValue::from_static("Mozilla/5.0 (X11)"));
            let mut session = test.sessions.request_session().session(&request).await.unwrap();
            session.login(&alice()).await.unwrap();
            let listed = test.sessions.list(&alice(), Page::first(9)).await.unwrap();
            let known = asked.then_some("Mozilla/5.0 (X11)");
            assert_eq!(listed[0].client().user_agent(), known);
            assert_eq!(listed[0].client().address(), None);
            session.logout().await.unwrap();
        });
    }
}

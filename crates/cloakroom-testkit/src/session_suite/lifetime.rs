//! A session's own lifetime, and its label.

use std::time::Duration;

use cloakroom::store::Page;
use cloakroom::{Lifetime, Login, Session, Store};

use super::{Counter, TestSessions, alice, assert_opens_nothing, increment, key_of, open};
use crate::block_on;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether it was chosen at sign-in or later, and whatever the lifetime of other sessions.
pub fn a_session_keeps_its_own_lifetime_through_every_write(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let long = Lifetime::remember_me();
        let mut at_login = test.sessions.generate(Counter::of(1)).await.unwrap();
        at_login.login(Login::of(&alice()).with_lifetime(long)).await.unwrap();
        let mut later = test.sessions.generate(Counter::of(1)).await.unwrap();
        later.set_lifetime(long).await.unwrap();
        let mut unsaved =
            test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        unsaved.set_lifetime(long).await.unwrap();
        let mut new_login =
            test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        new_login.login(Login::of(&alice()).with_lifetime(long)).await.unwrap();

        for session in [&mut at_login, &mut later, &mut unsaved, &mut new_login] {
            assert_eq!(session.lifetime(), long);
            increment(session).await.unwrap();
            session.renew().await.unwrap();
            session.set_label("desk").await.unwrap();
        }
        test.clock.advance(13 * DAY);
        let mut sessions = [at_login, later, unsaved, new_login];
        for session in &mut sessions {
            let mut session = open(&test, &key_of(session)).await;
            increment(&mut session).await.expect("an idle timeout of 14 days");
            assert_eq!(session.lifetime(), long);
        }
        // The principal index keeps them as long.
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 2);
        test.clock.advance(18 * DAY);
        for session in &sessions {
            assert_opens_nothing(&test, &key_of(session)).await;
        }
    });
}

/// Longer, shorter, and until the browser closes.
pub fn the_cookie_follows_the_sessions_own_lifetime(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        for (lifetime, max_age) in [
            (Lifetime::remember_me(), Some(2_592_000)),
            (Lifetime::browser_session(), None),
            (Lifetime::one_week(), Some(34_560_000)),
            (Lifetime::aal2(), None),
        ] {
            let mut next = open(&test, &key_of(&session)).await;
            next.set_lifetime(lifetime).await.unwrap();
            let cookie = set_cookie(&next).expect("the cookie must change");
            let wanted = max_age.map(|seconds: u64| format!("Max-Age={seconds}"));
            assert_eq!(
                cookie.split("; ").find(|part| part.starts_with("Max-Age")),
                wanted.as_deref()
            );
            increment(&mut next).await.unwrap();
            session = next;
            let again = open(&test, &key_of(&session)).await;
            assert_eq!(set_cookie(&again), None, "the cookie is sent once");
        }
    });
}

/// As often as the renewal timeout asks: more keys in a minute are more answers that can be lost.
pub fn giving_one_lifetime_in_every_request_renews_the_key_no_more_often_than_the_timer(
    store: impl Store,
) {
    let test = TestSessions::new(store);
    let minute = Duration::from_secs(60);
    block_on(async {
        for lifetime in [Lifetime::remember_me(), Lifetime::one_week()] {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            session.set_lifetime(lifetime).await.unwrap();
            let (mut key, mut keys) = (key_of(&session), 0_u64);
            for _ in 0..60 {
                test.clock.advance(minute);
                let mut session = open(&test, &key).await;
                session.set_lifetime(lifetime).await.unwrap();
                increment(&mut session).await.unwrap();
                keys += u64::from(key != key_of(&session));
                key = key_of(&session);
            }
            let timeout = lifetime.renewal_timeout().map_or(60, |timeout| timeout.as_secs() / 60);
            let most = 60 / timeout.clamp(1, 60) + 1;
            assert!(keys <= most, "{keys} keys in an hour: {lifetime:?}");
            // It counts from the last calls on, but for what was not worth a key.
            let idle = lifetime.idle_timeout().unwrap_or_default();
            test.clock.advance(idle.saturating_sub(minute));
            assert_eq!(open(&test, &key).await.value().count, 61);
        }
    });
}

fn set_cookie(session: &Session<Counter>) -> Option<String> {
    let headers = session.headers();
    let cookie = headers.iter().find(|(name, _)| *name == "set-cookie");
    cookie.map(|(_, value)| value.to_str().unwrap().to_owned())
}

/// By whichever deadline comes first.
pub fn a_page_is_told_when_the_session_is_about_to_expire(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(session.expires_within(minute), None);
        test.clock.advance(Duration::from_secs(29 * 60 + 20));
        assert_eq!(session.expires_within(minute), Some(Duration::from_secs(40)));
        increment(&mut session).await.unwrap();
        assert_eq!(session.expires_within(minute), None);
        session.end().await.unwrap();
        assert_eq!(session.expires_within(minute), None, "an ended session does not warn");
    });
}

/// The label stays through later sign-ins on the session, until it is removed.
pub fn a_client_is_listed_under_its_label(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(Login::of(&alice()).with_label("Kitchen tablet")).await.unwrap();
        session.login(&alice()).await.unwrap();
        let label = async || {
            let listed = test.sessions.list(&alice(), Page::first(9)).await.unwrap();
            listed[0].client().label().map(str::to_owned)
        };
        assert_eq!(label().await.as_deref(), Some("Kitchen tablet"));
        session.set_label("Bedroom\ntablet").await.unwrap();
        assert_eq!(label().await.as_deref(), Some("Bedroomtablet"));
        session.set_label("").await.unwrap();
        assert_eq!(label().await, None);
    });
}

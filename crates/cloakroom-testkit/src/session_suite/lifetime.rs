//! What a session is kept under: its lifetime and its name.

use std::time::Duration;

use cloakroom::store::Page;
use cloakroom::{Lifetime, Login, Session, Store};

use super::{Counter, TestSessions, alice, assert_dead, increment, key_of, open};
use crate::block_on;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Chosen at sign-in or later, whatever the others are given.
pub fn a_lifetime_of_ones_own_sticks_through_every_write(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let long = Lifetime::remember_me();
        let mut at_login = test.sessions.generate(Counter::of(1)).await.unwrap();
        at_login.login(Login::of(&alice()).with_lifetime(long)).await.unwrap();
        let mut later = test.sessions.generate(Counter::of(1)).await.unwrap();
        later.set_lifetime(long).await.unwrap();
        let mut fresh =
            test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        fresh.set_lifetime(long).await.unwrap();
        let mut anew =
            test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        anew.login(Login::of(&alice()).with_lifetime(long)).await.unwrap();

        for session in [&mut at_login, &mut later, &mut fresh, &mut anew] {
            assert_eq!(session.lifetime(), long);
            increment(session).await.unwrap();
            session.renew().await.unwrap();
            session.set_label("desk").await.unwrap();
        }
        test.clock.advance(13 * DAY);
        let mut sessions = [at_login, later, fresh, anew];
        for session in &mut sessions {
            let mut session = open(&test, &key_of(session)).await;
            increment(&mut session).await.expect("an idle timeout of 14 days");
            assert_eq!(session.lifetime(), long);
        }
        // The directory keeps them as long.
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 2);
        test.clock.advance(18 * DAY);
        for session in &sessions {
            assert_dead(&test, &key_of(session)).await;
        }
    });
}

/// Longer, shorter, and with the browser.
pub fn the_cookie_follows_a_lifetime_of_ones_own(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        for (lifetime, max_age) in [
            (Lifetime::remember_me(), Some(2_592_000)),
            (Lifetime::browser_session(), None),
            (Lifetime::one_week(), Some(604_800)),
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
            assert_eq!(set_cookie(&again), None, "and only once");
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
        assert_eq!(session.expires_within(minute), None, "what is over does not warn");
    });
}

/// It stays through later sign-ins on the session, and goes when it is taken away.
pub fn a_client_is_listed_under_the_name_its_visitor_gave_it(store: impl Store) {
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

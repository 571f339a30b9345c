//! Requests that other sites start, and requests whose pages may never be seen.

use std::time::Duration;

use cloakroom::http::SameSite;
use cloakroom::{
    CookiePolicy, ErrorKind, Flash, Key, Login, NoSession, RequestSession, Session, Store,
    Transport,
};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, assert_kind, bob, increment, key_of, open};
use crate::{CookieSeen, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);

type Headers = &'static [(&'static str, &'static str)];

/// A form on a foreign page, as browsers send it to https and loopback.
const FORM: Headers = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("origin", "https://evil.test"),
];
/// The same to a plain address, or from an older browser.
const OLD_FORM: Headers = &[("host", "shop.example"), ("origin", "https://evil.test")];
const NULL_FORM: Headers = &[("host", "shop.example"), ("origin", "null")];
const LINK: Headers = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];
const FRAME: Headers = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
];
const IMAGE: Headers =
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];

fn request(headers: Headers, cookies: &str) -> HeaderMap {
    let mut request = HeaderMap::new();
    for (name, value) in headers {
        request.insert(*name, value.parse().unwrap());
    }
    if !cookies.is_empty() {
        request.insert("cookie", cookies.parse().unwrap());
    }
    request
}

async fn arrive(
    test: &TestSessions,
    method: &str,
    request: &HeaderMap,
) -> (RequestSession<Counter>, Session<Counter>) {
    let request_session = test.sessions.request_session().with_method(method);
    let session = request_session.session(request).await.unwrap();
    (request_session, session)
}

/// The browser has a cookie and keeps it back. Nothing begins whose cookie would replace it.
pub fn a_request_of_another_site_without_a_key_begins_nothing(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        for (method, headers) in [
            ("POST", FORM),
            ("POST", OLD_FORM),
            ("POST", NULL_FORM),
            ("GET", FRAME),
            ("GET", IMAGE),
        ] {
            let (request_session, mut session) = arrive(&test, method, &request(headers, "")).await;
            assert_eq!(session.no_session(), Some(NoSession::Withheld), "{method} {headers:?}");
            assert_eq!(session.value().count, 0, "a page can be shown");
            assert_eq!(session.update(|counter| counter.count).await.unwrap(), 0);
            assert_kind(increment(&mut session).await, ErrorKind::CrossSite);
            assert_kind(session.start().await, ErrorKind::CrossSite);
            assert_kind(session.csrf_token("x").await, ErrorKind::CrossSite);
            assert_kind(session.logout().await, ErrorKind::CrossSite);
            assert_kind(session.login(&alice()).await, ErrorKind::CrossSite);
            assert_kind(
                test.sessions.of_headers_or_create(&request(FRAME, ""), Counter::of(1)).await,
                ErrorKind::CrossSite,
            );
            let mut response = HeaderMap::new();
            request_session.finish(&mut response);
            assert_eq!(cookie_of(&response), CookieSeen::None);
        }
        assert!(test.events().is_empty(), "{:?}", test.events());
    });
}

/// What is not of another site, or carries the cookie anyway, goes on as ever.
pub fn a_link_and_a_request_of_this_site_begin_a_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let own_page_without_referrer: Headers =
            &[("sec-fetch-site", "same-origin"), ("origin", "null"), ("host", "shop.example")];
        let sibling: Headers = &[("host", "shop.example"), ("origin", "https://www.shop.example")];
        let program: Headers = &[];
        for (method, headers) in [
            ("GET", LINK),
            ("POST", own_page_without_referrer),
            ("POST", sibling),
            ("POST", program),
        ] {
            let (_, mut session) = arrive(&test, method, &request(headers, "")).await;
            assert_eq!(session.no_session(), Some(NoSession::NoKey), "{method} {headers:?}");
            increment(&mut session).await.unwrap();
        }
        // Without a policy that keeps cookies back, a missing one is no riddle.
        let none = CookiePolicy::default().with_same_site(SameSite::None);
        let test = TestSessions::with(cloakroom::MemoryStore::new(), |builder| {
            builder.transport(Transport::cookie(none))
        });
        let (_, mut session) = arrive(&test, "POST", &request(FORM, "")).await;
        increment(&mut session).await.unwrap();
    });
}

/// Under Strict, a link counts if the marker says that this browser has a session.
pub fn under_strict_a_link_is_withheld_only_from_a_browser_with_a_session(store: impl Store) {
    let strict = CookiePolicy::default().with_same_site(SameSite::Strict);
    let test =
        TestSessions::with(store, |builder| builder.transport(Transport::cookie(strict.clone())));
    block_on(async {
        let (_, mut new) = arrive(&test, "GET", &request(LINK, "")).await;
        increment(&mut new).await.unwrap();
        let (_, mut known) = arrive(&test, "GET", &request(LINK, "__Host-id-here=1")).await;
        assert_eq!(known.no_session(), Some(NoSession::Withheld));
        assert_kind(increment(&mut known).await, ErrorKind::CrossSite);
        // The same browser on a page of ours, whose cookie has expired.
        let own: Headers = &[("sec-fetch-site", "same-origin")];
        let (_, mut own) = arrive(&test, "GET", &request(own, "__Host-id-here=1")).await;
        increment(&mut own).await.unwrap();
    });
}

/// Login CSRF: whatever the cookie policy, and also if the request carries a key.
pub fn a_sign_in_that_another_site_sends_is_refused_unless_it_was_verified(store: impl Store) {
    let none = CookiePolicy::default().with_same_site(SameSite::None);
    let transport = Transport::cookie_or_bearer(none);
    let test = TestSessions::with(store, |builder| builder.transport(transport));
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let cookie = format!("__Host-id={}", key.expose());
        for cookies in ["", &cookie] {
            for headers in [FORM, OLD_FORM, NULL_FORM] {
                let (_, mut session) = arrive(&test, "POST", &request(headers, cookies)).await;
                assert_kind(session.login(&alice()).await, ErrorKind::CrossSite);
                assert_eq!(session.principal(), None);
            }
        }
        // An OpenID provider's answer by form, whose state was compared.
        let (_, mut session) = arrive(&test, "POST", &request(FORM, &cookie)).await;
        session.login(Login::of(&alice()).cross_site_verified()).await.unwrap();
        assert_eq!(session.value().count, 4);
        // Its answer by redirect.
        let (_, mut session) = arrive(&test, "GET", &request(LINK, "")).await;
        session.login(&alice()).await.unwrap();
        // A token for a program sets no cookie.
        let (_, mut session) = arrive(&test, "POST", &request(FORM, "")).await;
        session.login(Login::of(&bob()).bearer()).await.unwrap();
        assert_eq!(cookie_of(&session.headers()), CookieSeen::None);
    });
}

/// A partner's form that lands on a page of ours.
pub fn a_handler_can_let_a_session_begin_for_another_site(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (_, mut session) = arrive(&test, "POST", &request(FORM, "")).await;
        session.begin_cross_site();
        assert_eq!(increment(&mut session).await.unwrap(), 1);
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
        // Nor is an answer to a verified form refused.
        let (_, mut session) = arrive(&test, "POST", &request(FORM, "")).await;
        session.login(Login::of(&alice()).cross_site_verified()).await.unwrap();
    });
}

/// The response depends on more than the cookie only if it was looked at.
pub fn a_response_varies_on_what_was_looked_at(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let cookie = format!("__Host-id={}", key.expose());
        for (headers, cookies, expected) in [
            (LINK, cookie.as_str(), "cookie"),
            (&[] as Headers, "", "cookie, sec-fetch-site"),
            (LINK, "", "cookie, sec-fetch-site, sec-fetch-mode, sec-fetch-dest"),
        ] {
            let (request_session, _) = arrive(&test, "GET", &request(headers, cookies)).await;
            let mut response = HeaderMap::new();
            request_session.finish(&mut response);
            let vary: Vec<_> =
                response.get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
            assert_eq!(vary.join(", "), expected);
        }
    });
}

/// `HEAD` and a prefetch show nothing: a message waits for the page that the user sees.
pub fn a_speculative_request_takes_no_message(store: impl Store) {
    let test: crate::TestSessions<Flash> = crate::TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Flash::default()).await.unwrap();
        session.update(|flash| flash.push("Saved.")).await.unwrap();
        let key = session.key().unwrap().clone();
        let prefetch: Headers =
            &[("sec-purpose", "prefetch;prerender"), ("sec-fetch-site", "none")];
        let cookie = format!("__Host-id={}", key.expose());
        let take = async |method: &str, headers| {
            let request_session = test.sessions.request_session().with_method(method);
            let mut session = request_session.session(&request(headers, &cookie)).await.unwrap();
            session.update(Flash::take).await.unwrap()
        };
        assert_eq!(take("HEAD", &[]).await, [""; 0]);
        assert_eq!(take("GET", prefetch).await, [""; 0]);
        assert_eq!(take("GET", &[]).await, ["Saved."]);
        assert_eq!(take("GET", &[]).await, [""; 0]);
    });
}

/// A browser keeps the cookie of a prefetched page at once, before any click.
pub fn a_speculative_request_does_not_renew_the_key(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        test.clock.advance(15 * MINUTE);
        let cookie = format!("__Host-id={}", key.expose());
        let prefetch: Headers = &[("sec-purpose", "prefetch"), ("sec-fetch-site", "none")];
        let (_, session) = arrive(&test, "GET", &request(prefetch, &cookie)).await;
        assert_eq!(cookie_of(&session.headers()), CookieSeen::None);
        let (_, session) = arrive(&test, "GET", &request(&[], &cookie)).await;
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
    });
}

/// A page that polls once a minute keeps no session alive.
pub fn a_read_never_extends_a_session_opened_without_touching(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let polling = test.sessions.without_touch();
        let poll = async |key: &Key| {
            let session = polling.request_session().session(&test.request(key)).await.unwrap();
            let by_request = test.sessions.request_session().without_touch();
            assert_eq!(by_request.session(&test.request(key)).await.unwrap().id(), session.id());
            assert_eq!(
                polling.of_key(key).await.ok().map(|session| session.id()),
                Some(session.id())
            );
            session
        };
        spy.reset();
        for _ in 0..29 {
            test.clock.advance(MINUTE);
            let session = poll(&key).await;
            assert!(session.exists());
            assert_eq!(cookie_of(&session.headers()), CookieSeen::None, "no renewal");
        }
        assert_eq!(spy.calls().total(), spy.calls().get, "only reads");
        // A change is a use.
        increment(&mut poll(&key).await).await.unwrap();
        test.clock.advance(29 * MINUTE);
        assert!(poll(&key).await.exists());
        test.clock.advance(MINUTE);
        assert_eq!(open(&test, &key).await.no_session(), Some(NoSession::Expired));
    });
}

/// What comes along with a foreign form is not the cookie that was set: that one stays at home.
pub fn a_dead_cookie_does_not_make_a_foreign_form_one_of_this_site(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut ended = test.sessions.generate(Counter::of(1)).await.unwrap();
        let key = key_of(&ended);
        ended.logout().await.unwrap();
        for cookies in ["__Host-id=garbage", "__Host-id=", &format!("__Host-id={}", key.expose())] {
            let (_, mut session) = arrive(&test, "POST", &request(FORM, cookies)).await;
            assert_kind(increment(&mut session).await, ErrorKind::CrossSite);
            assert_eq!(cookie_of(&session.headers()), CookieSeen::None);
        }
    });
}

//! `Set-Cookie`, `Vary` and `Cache-Control`.

use cloakroom::http::{CookieScope, HeadersMut, SameSite, SiteData};
use cloakroom::key::Secret;
use cloakroom::{CookiePolicy, ErrorKind, Key, Lifetime, PublicId, Store, Timestamp, Transport};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Counter, TestSessions, alice, assert_kind, increment, key_of};
use crate::{CookieSeen, block_on, cookie_of};

/// Reading and writing leave the cookie alone, since sending the key again could overwrite a newer
/// one.
pub fn an_existing_key_is_never_sent_again(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&test.navigation(&key)).await.unwrap();
        increment(&mut session).await.unwrap();
        session.set(Counter::of(9)).await.unwrap();
        session.start().await.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        assert!(matches!(cookie_of(&response), CookieSeen::None));
        assert!(!response.contains_key("cache-control"));
    });
}

/// Also if there was no session. A response that did not ask for it has no `Vary`.
pub fn a_response_that_read_the_session_varies_on_the_cookie(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut response = HeaderMap::new();
        test.sessions.request_session().finish(&mut response);
        assert!(response.is_empty());
        let request_session = test.sessions.request_session();
        let session = request_session.session(&HeaderMap::new()).await.unwrap();
        assert!(!session.exists());
        response.insert("vary", "Accept".parse().unwrap());
        request_session.finish(&mut response);
        let vary: Vec<_> = response.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
        let vary = vary.join(", ").to_lowercase();
        assert_eq!(vary, "accept, cookie, sec-fetch-site, origin", "what was looked at");
        assert!(!response.contains_key("set-cookie"));
    });
}

/// A response with a key must not be cached, whatever the handler said about caching.
pub fn a_key_is_sent_once_and_with_no_store(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        increment(&mut session).await.unwrap();
        session.login(&alice()).await.unwrap();
        let mut response = HeaderMap::new();
        response.insert("cache-control", "public, max-age=600".parse().unwrap());
        response.append("set-cookie", "theme=dark".parse().unwrap());
        request_session.finish(&mut response);
        request_session.finish(&mut response);
        assert_eq!(response["cache-control"], "no-store");
        assert_eq!(response.get_all("cache-control").iter().count(), 1);
        let cookies: Vec<_> = response.get_all("set-cookie").iter().collect();
        assert_eq!(cookies.len(), 2, "the other cookie and one key");
        let CookieSeen::Set { key, .. } = cookie_of(&response) else { panic!("no key was sent") };
        assert_eq!(key, key_of(&session));
        assert!(cookies.iter().any(|cookie| cookie.is_sensitive()));
    });
}

/// A late response to a read, of whatever kind, could remove a newer cookie, or one that another
/// application on the same host has set.
pub fn a_read_never_removes_a_cookie(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let ended = key_of(&session);
        session.logout().await.unwrap();
        let unknown = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        for dead in [unknown, ended] {
            for request in [test.request(&dead), test.navigation(&dead)] {
                let request_session = test.sessions.request_session();
                assert!(!request_session.session(&request).await.unwrap().exists());
                let mut response = HeaderMap::new();
                request_session.finish(&mut response);
                assert_eq!(cookie_of(&response), CookieSeen::None);
            }
        }
        assert!(matches!(cookie_of(&test.sessions.clear_headers()), CookieSeen::Removed));
    });
}

/// A streaming handler can go on changing values. What needs a new key is refused before the store
/// is asked.
pub fn no_key_is_minted_after_the_response_head(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&test.request(&key)).await.unwrap();
        request_session.finish(&mut HeaderMap::new());
        spy.reset();
        assert_kind(session.login(&alice()).await, ErrorKind::HeadersSent);
        assert_kind(session.renew().await, ErrorKind::HeadersSent);
        assert_eq!(spy.calls().total(), 0);
        assert_eq!(increment(&mut session).await.unwrap(), 2);
        let request_session = test.sessions.request_session();
        let mut empty = request_session.session(&HeaderMap::new()).await.unwrap();
        request_session.finish(&mut HeaderMap::new());
        spy.reset();
        assert_kind(increment(&mut empty).await, ErrorKind::HeadersSent);
        assert_kind(empty.start().await, ErrorKind::HeadersSent);
        assert_eq!(spy.calls().total(), 0);
    });
}

/// Some clients put quotes around a cookie's value (RFC 6265 section 4.1.1 allows it).
pub fn a_quoted_cookie_opens_its_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for (cookie, opens) in [("\"KEY\"", true), ("\"KEY", false), ("KEY\"", false)] {
            let cookie = format!("__Host-id={}", cookie.replace("KEY", &key.expose()));
            let request_session = test.sessions.request_session();
            let session = request_session.session(&[("cookie", cookie.as_str())]).await.unwrap();
            assert_eq!(session.exists(), opens, "{cookie}");
        }
    });
}

/// It is for clients that do not know `Max-Age`. Neither comes with a cookie that ends with the
/// browser session.
pub fn expires_says_the_same_as_max_age(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        // 01:46:40.4 on 9 September 2001. The end is rounded up to a second.
        test.clock.set(Timestamp::from_millis(1_000_000_000_400));
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let mut response = HeaderMap::new();
        session.headers().apply_to(&mut response);
        let cookie = response["set-cookie"].to_str().unwrap();
        let life = "; Max-Age=43200; Expires=Sun, 09 Sep 2001 13:46:41 GMT;";
        assert!(cookie.contains(life), "{cookie}");
    });
}

/// The browser decides when it ends.
pub fn a_cookie_of_the_browser_session_has_no_end(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.lifetime(Lifetime::browser_session()));
    block_on(async {
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let mut response = HeaderMap::new();
        session.headers().apply_to(&mut response);
        let cookie = response["set-cookie"].to_str().unwrap();
        assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
    });
}

/// A field for a CDN counts there, whatever `Cache-Control` says (RFC 9213).
pub fn a_response_with_a_key_lets_no_cache_store_it(store: impl Store) {
    const FIELDS: [(&str, &str); 7] = [
        ("cache-control", "public"),
        ("cdn-cache-control", "max-age=600"),
        ("cloudflare-cdn-cache-control", "max-age=600"),
        ("surrogate-control", "max-age=600"),
        ("x-accel-expires", "600"),
        ("edge-control", "!no-store, max-age=600"),
        ("expires", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ];
    let test = TestSessions::new(store);
    block_on(async {
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        increment(&mut session).await.unwrap();
        let mut map = HeaderMap::new();
        let mut list: Vec<(String, String)> = Vec::new();
        for (name, value) in FIELDS {
            map.append(name, HeaderValue::from_static(value));
            list.push((name.to_ascii_uppercase(), value.to_owned()));
        }
        request_session.finish(&mut map);
        request_session.finish(&mut list);
        let left = |name: &str| ["set-cookie", "vary", "cache-control"].contains(&name);
        assert!(map.keys_len() == 3 && map.keys().all(|name| left(name.as_str())), "{map:?}");
        assert_eq!(map["cache-control"], "no-store");
        list.retain(|(name, _)| !left(name));
        assert_eq!(list, []);

        // A response without a key is the application's own affair.
        let key = key_of(&session);
        let request_session = test.sessions.request_session();
        assert!(request_session.session(&test.request(&key)).await.unwrap().exists());
        let mut map = HeaderMap::from_iter([(
            HeaderName::from_static("cdn-cache-control"),
            HeaderValue::from_static("max-age=600"),
        )]);
        request_session.finish(&mut map);
        assert!(map.contains_key("cdn-cache-control") && !map.contains_key("cache-control"));
    });
}

/// Another header gives way.
pub fn a_key_is_sent_even_if_a_response_has_no_room(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut response = HeaderMap::new();
        for number in 0.. {
            let name = HeaderName::try_from(format!("a{number}")).unwrap();
            if response.try_insert(name, HeaderValue::from_static("1")).is_err() {
                break;
            }
        }
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        increment(&mut session).await.unwrap();
        request_session.finish(&mut response);
        assert_eq!(cookie_of(&response).key(), Some(key_of(&session)));
        assert_eq!(response["cache-control"], "no-store");
        assert_eq!(response["vary"], "cookie");
    });
}

/// The marker that goes with a Strict cookie would keep links from other sites out for ever.
pub fn the_marker_in_a_former_scope_is_removed_with_its_cookie(store: impl Store) {
    let test = TestSessions::with(store, |builder| {
        let policy = CookiePolicy::secure("id")
            .with_same_site(SameSite::Strict)
            .formerly(CookieScope::domain("example.com"));
        builder.transport(Transport::cookie(policy))
    });
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let cookie = format!("__Secure-id={0}; __Secure-id={0}", key.expose());
        let request_session = test.sessions.request_session();
        let session = request_session.session(&[("cookie", cookie.as_str())]).await.unwrap();
        assert!(session.exists());
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        let mut removed: Vec<&str> = response
            .get_all("set-cookie")
            .iter()
            .map(|cookie| cookie.to_str().unwrap())
            .filter(|cookie| cookie.contains("Max-Age=0") && cookie.contains("Domain=example.com"))
            .filter_map(|cookie| cookie.split('=').next())
            .collect();
        removed.sort_unstable();
        assert_eq!(removed, ["__Secure-id", "__Secure-id-here"]);
    });
}

/// After a change of its Domain a browser has two cookies of the name, and sends both.
pub fn a_cookie_in_a_former_scope_is_removed_by_its_own_attributes(store: impl Store) {
    let test = TestSessions::with(store, |builder| {
        let policy = CookiePolicy::secure("id").formerly(CookieScope::domain("example.com"));
        builder.transport(Transport::cookie(policy))
    });
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let old = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([9; 16]));
        let (one, two) = (
            format!("__Secure-id={}", key.expose()),
            format!("__Secure-id={}; __Secure-id={}", old.expose(), key.expose()),
        );
        let removals = async |cookie: &str, signs_out: bool| {
            let request_session = test.sessions.request_session();
            let mut session = request_session.session(&[("cookie", cookie)]).await.unwrap();
            assert!(session.exists());
            if signs_out {
                session.logout().await.unwrap();
            }
            let mut response = HeaderMap::new();
            response.append("cache-control", HeaderValue::from_static("max-age=60"));
            request_session.finish(&mut response);
            let cookies: Vec<String> = response
                .get_all("set-cookie")
                .iter()
                .map(|cookie| cookie.to_str().unwrap().to_owned())
                .collect();
            (cookies, response["cache-control"].clone())
        };
        assert_eq!(removals(&one, false).await, (vec![], HeaderValue::from_static("max-age=60")));
        let (cookies, cache_control) = removals(&two, false).await;
        assert_eq!(
            cookies,
            ["__Secure-id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; \
              Domain=example.com; Secure; HttpOnly; SameSite=Lax"]
        );
        assert_eq!(cache_control, "no-store");
        let (cookies, _) = removals(&two, true).await;
        assert!(cookies.len() == 1 && !cookies[0].contains("Domain"), "{cookies:?}");
    });
}

/// The response to the sign-out says so, also if a new session begins in it, and no other does.
pub fn a_sign_out_clears_site_data_if_the_policy_asks(store: impl Store) {
    let test =
        TestSessions::with(store, |builder| builder.clear_site_data(SiteData::CacheAndStorage));
    block_on(async {
        for leaves_a_message in [false, true] {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            session.login(&alice()).await.unwrap();
            assert!(session.headers().iter().all(|(name, _)| name != "clear-site-data"));
            let request = test.request(&key_of(&session));

            let page = test.sessions.request_session();
            let mut session = page.session(&request).await.unwrap();
            increment(&mut session).await.unwrap();
            let mut response = HeaderMap::new();
            page.finish(&mut response);
            assert!(!response.contains_key("clear-site-data"), "a page of a signed-in session");

            let sign_out = test.sessions.request_session();
            let mut session = sign_out.session(&request).await.unwrap();
            session.logout().await.unwrap();
            if leaves_a_message {
                increment(&mut session).await.unwrap();
            }
            let mut response = HeaderMap::new();
            sign_out.finish(&mut response);
            assert_eq!(matches!(cookie_of(&response), CookieSeen::Removed), !leaves_a_message);
            let cleared: Vec<_> = response.get_all("clear-site-data").iter().collect();
            assert_eq!(cleared, ["\"cache\", \"storage\""]);
        }
    });
}

/// The response that signs out changes a second cookie, which Chromium counts.
pub fn a_private_page_is_not_stored(store: impl Store) {
    let test = TestSessions::with(store, cloakroom::SessionsBuilder::private_pages);
    block_on(async {
        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        increment(&mut session).await.unwrap();
        let anonymous = key_of(&session);
        session.login(&alice()).await.unwrap();
        let signed_in = key_of(&session);
        let page = async |key: &Key| {
            let request_session = test.sessions.request_session();
            let session = request_session.session(&test.request(key)).await.unwrap();
            assert_eq!(session.principal().is_some(), *key == signed_in);
            let mut response = HeaderMap::new();
            HeadersMut::append(
                &mut response,
                HeaderName::from_static("cache-control"),
                HeaderValue::from_static("max-age=60"),
            );
            request_session.finish(&mut response);
            assert!(!response.contains_key("set-cookie"));
            response["cache-control"].clone()
        };
        assert_eq!(page(&signed_in).await, "no-store, private");
        assert_eq!(page(&anonymous).await, "max-age=60", "no one is signed in on it");

        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&test.request(&signed_in)).await.unwrap();
        session.logout().await.unwrap();
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        assert!(matches!(cookie_of(&response), CookieSeen::Removed));
        let cookies = response.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
        let marker: Vec<_> = cookies.filter(|it| it.starts_with("__Host-id-left=1; ")).collect();
        assert_eq!(marker, ["__Host-id-left=1; Max-Age=5; Path=/; Secure; HttpOnly; SameSite=Lax"]);
    });
}

/// "Visit 1" for ever, in silence, is how the first hour of many applications goes.
pub fn a_secure_cookie_over_plain_http_is_told_once(store: impl Store) {
    let test = TestSessions::new(store);
    let visit = |request: &[(&'static str, &'static str)]| {
        block_on(async {
            let request_session = test.sessions.request_session();
            let mut session = request_session.session(request).await.unwrap();
            increment(&mut session).await.unwrap();
            request_session.finish(&mut HeaderMap::new());
        });
        test.events().iter().filter(|event| event.contains("PlainHttp")).count()
    };
    for request in [
        &[("host", "shop.example")][..],
        &[("host", "shop.example"), ("referer", "https://shop.example/")],
        &[("host", "shop.example"), ("referer", "http://elsewhere.example/")],
        &[("host", "localhost:3000"), ("referer", "http://localhost:3000/")],
        &[("host", "127.0.0.1"), ("origin", "http://127.0.0.1")],
        &[("host", "shop.example"), ("x-forwarded-proto", "https")],
        &[("host", "localhost"), ("x-forwarded-proto", "http")],
        // A link from the http page to the https page: browsers say so to https only.
        &[
            ("host", "shop.example"),
            ("referer", "http://shop.example/"),
            ("sec-fetch-site", "same-site"),
        ],
    ] {
        assert_eq!(visit(request), 0, "{request:?}");
    }
    for request in [
        &[("host", "shop.example:8080"), ("referer", "http://shop.example:8080/cart")][..],
        &[("host", "192.168.1.7:3000"), ("origin", "http://192.168.1.7:3000")],
        &[("host", "shop.example"), ("x-forwarded-proto", "http")],
    ] {
        assert_eq!(visit(request), 1, "once: {request:?}");
    }
}

/// Clients without a jar, a Domain that does not fit: whatever the reason, it shows.
pub fn cookies_that_never_come_back_are_told_once(store: impl Store) {
    let test = TestSessions::new(store);
    let visit = |cookie: &str| {
        block_on(async {
            let request_session = test.sessions.request_session();
            let mut session = request_session.session(&[("cookie", cookie)]).await.unwrap();
            increment(&mut session).await.unwrap();
            request_session.finish(&mut HeaderMap::new());
            format!("__Host-id={}", key_of(&session).expose())
        })
    };
    let told = || test.events().iter().filter(|event| event.contains("NeverReturned")).count();
    (0..19).for_each(|_| drop(visit("")));
    assert_eq!(told(), 0);
    (0..60).for_each(|_| drop(visit("")));
    assert_eq!(told(), 1);

    let other = TestSessions::new(cloakroom::MemoryStore::new());
    block_on(async {
        let mut cookie = String::new();
        for _ in 0..60 {
            let request_session = other.sessions.request_session();
            let mut session =
                request_session.session(&[("cookie", cookie.as_str())]).await.unwrap();
            increment(&mut session).await.unwrap();
            request_session.finish(&mut HeaderMap::new());
            if cookie.is_empty() {
                cookie = format!("__Host-id={}", key_of(&session).expose());
            } else {
                cookie.clear();
            }
        }
    });
    assert!(!other.events().iter().any(|event| event.contains("CookieLost")), "one came back");
}

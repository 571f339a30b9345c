//! What a response carries, and what of it is kept from caches.

use http::HeaderMap;

use super::*;
use crate::http::{CookiePolicy, CookieScope, SameSite, Transport};
use crate::key::{Key, PublicId, Secret};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

fn outcome(change: &CookieChange) -> SessionOutcome<'_> {
    let looked_at = LookedAt::Nothing;
    let signed_out = matches!(change, CookieChange::Remove);
    SessionOutcome { change, repeated: false, signed_in: false, signed_out, looked_at }
}

fn removal(transport: &Transport) -> ResponseHeaders {
    let channel = transport.compile("").unwrap();
    ResponseHeaders::new(&channel, outcome(&CookieChange::Remove), || NOW)
}

fn sending(transport: &Transport, carrier: Carrier) -> ResponseHeaders {
    let key = Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([2; 16]));
    let change = CookieChange::Send { key: key.carried_by(carrier), life: None };
    ResponseHeaders::new(&transport.compile("").unwrap(), outcome(&change), || NOW)
}

fn cookies(response: &HeaderMap) -> Vec<&str> {
    response.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    map
}

#[test]
fn a_set_cookie_of_our_name_is_replaced_and_others_stay() {
    let mut response = map(&[
        ("set-cookie", "__Host-id=old; Path=/"),
        ("set-cookie", "__Host-id2=x"),
        ("set-cookie", "theme=dark"),
    ]);
    removal(&Transport::default()).apply_to(&mut response);
    let cookies = cookies(&response);
    assert_eq!(cookies[..2], ["__Host-id2=x", "theme=dark"]);
    assert!(cookies[2].starts_with("__Host-id=;") && cookies.len() == 3);
}

#[test]
fn vary_is_merged_and_never_repeated() {
    let headers = removal(&Transport::default());
    for present in ["Accept, COOKIE", "*"] {
        let mut response = HeaderMap::new();
        response.insert(VARY, HeaderValue::from_static(present));
        headers.clone().apply_to(&mut response);
        assert_eq!(response.get_all(VARY).iter().count(), 1);
    }
    let mut response = map(&[("vary", "Accept")]);
    headers.clone().apply_to(&mut response);
    headers.apply_to(&mut response);
    assert_eq!(response.get_all(VARY).iter().count(), 2);
}

#[test]
fn a_bearer_client_is_sent_no_cookie() {
    let both = Transport::cookie_or_bearer(CookiePolicy::default());
    let names = |carrier| sending(&both, carrier).iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(Carrier::Bearer), [VARY, VARY, CACHE_CONTROL]);
    assert_eq!(names(Carrier::Cookie), [SET_COOKIE, VARY, VARY, CACHE_CONTROL]);
}

#[test]
fn a_strict_cookie_comes_and_goes_with_its_marker() {
    let policy = CookiePolicy::default().with_same_site(SameSite::Strict);
    let transport = Transport::cookie(policy);
    let cookies = |headers: ResponseHeaders| -> Vec<String> {
        let cookies = headers.iter().filter(|(name, _)| name == SET_COOKIE);
        cookies.map(|(_, value)| value.to_str().unwrap().to_owned()).collect()
    };
    let set = cookies(sending(&transport, Carrier::Cookie));
    assert!(set[0].starts_with("__Host-id=A") && set[0].ends_with("SameSite=Strict"));
    assert!(set[1].starts_with("__Host-id-here=1;") && set[1].ends_with("SameSite=Lax"));
    let removed = cookies(removal(&transport));
    assert!(removed[0].starts_with("__Host-id=;") && removed[1].starts_with("__Host-id-here=;"));
}

#[test]
fn a_response_with_a_key_keeps_no_field_that_lets_a_cache_store_it() {
    let fields = [
        ("cache-control", "public, max-age=600"),
        ("cdn-cache-control", "max-age=600"),
        ("cloudflare-cdn-cache-control", "max-age=600"),
        ("netlify-cdn-cache-control", "public, s-maxage=3600"),
        ("vercel-cdn-cache-control", "max-age=3600"),
        ("x-litespeed-cache-control", "public,max-age=120"),
        ("surrogate-control", "max-age=86400"),
        ("edge-control", "!no-store, max-age=86400"),
        ("x-accel-expires", "600"),
        ("cf-edge-cache", "cache,platform=wordpress"),
        ("expires", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("pragma", "public"),
        // These stay: they let no cache store anything.
        ("cache-status", "edge; fwd=miss"),
        ("surrogate-key", "front"),
        ("etag", "\"1\""),
    ];
    let left = ["cache-control", "cache-status", "etag", "set-cookie", "surrogate-key", "vary"];
    let headers = removal(&Transport::default());

    let mut response = map(&fields);
    headers.clone().apply_to(&mut response);
    let mut names: Vec<_> = response.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, left);
    assert_eq!(response.get_all(CACHE_CONTROL).iter().collect::<Vec<_>>(), ["no-store"]);

    let mut response: Vec<(String, String)> =
        fields.map(|(name, value)| (name.to_ascii_uppercase(), value.to_owned())).into();
    headers.apply_to(&mut response);
    let mut names: Vec<_> = response.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    assert_eq!(names, left);
}

#[test]
fn a_response_that_changes_no_cookie_keeps_its_cache_fields() {
    let channel = Transport::default().compile("").unwrap();
    let mut response = map(&[("cache-control", "max-age=600"), ("expires", "0")]);
    let before = response.clone();
    let headers = ResponseHeaders::new(&channel, outcome(&CookieChange::Keep), || NOW);
    headers.apply_to(&mut response);
    response.remove(VARY);
    assert_eq!(response, before);
}

#[test]
fn a_full_response_still_carries_the_cookie_and_no_store() {
    let mut response = HeaderMap::new();
    for number in 0.. {
        let name = HeaderName::try_from(format!("a{number}")).unwrap();
        if response.try_insert(name, HeaderValue::from_static("1")).is_err() {
            break;
        }
    }
    removal(&Transport::default()).apply_to(&mut response);
    assert_eq!(cookies(&response).len(), 1);
    assert_eq!((&response[CACHE_CONTROL], &response[VARY]), (&NO_STORE, &COOKIE));
}

#[test]
fn a_former_scope_is_cleared_only_if_the_name_came_twice_and_nothing_else_sets_it() {
    let policy = CookiePolicy::secure("id").formerly(CookieScope::domain("example.com"));
    let channel = Transport::cookie(policy).compile("").unwrap();
    let headers = |change, repeated| {
        let outcome = SessionOutcome { repeated, ..outcome(change) };
        ResponseHeaders::new(&channel, outcome, || NOW)
    };
    let expected = "__Secure-id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; \
                    Domain=example.com; Secure; HttpOnly; SameSite=Lax";
    let keep = headers(&CookieChange::Keep, true);
    let mut response = map(&[("set-cookie", "theme=dark"), ("cdn-cache-control", "max-age=9")]);
    keep.clone().apply_to(&mut response);
    assert_eq!(cookies(&response), ["theme=dark", expected]);
    assert_eq!(response[CACHE_CONTROL], "no-store");
    assert!(!response.contains_key("cdn-cache-control"));
    let names: Vec<_> = keep.iter().map(|(name, _)| name).collect();
    assert_eq!(names, [SET_COOKIE, VARY, CACHE_CONTROL]);

    // The application sets the cookie itself.
    let mut response = map(&[("set-cookie", "__Secure-id=x; Path=/")]);
    keep.apply_to(&mut response);
    assert_eq!(cookies(&response), ["__Secure-id=x; Path=/"]);
    assert!(!response.contains_key(CACHE_CONTROL));

    let mut response = HeaderMap::new();
    headers(&CookieChange::Remove, true).apply_to(&mut response);
    assert!(cookies(&response).len() == 1 && !cookies(&response)[0].contains("Domain"));
    let names: Vec<_> = headers(&CookieChange::Keep, false).iter().map(|(name, _)| name).collect();
    assert_eq!(names, [VARY]);
}

#[test]
fn private_pages_are_not_stored_and_a_sign_out_changes_two_cookies() {
    let policy = CookiePolicy::default().with_same_site(SameSite::Strict);
    let mut channel = Transport::cookie_or_bearer(policy).compile("").unwrap();
    channel.private_pages = true;
    let headers = |change, signed_in| {
        let outcome = SessionOutcome { signed_in, ..outcome(change) };
        let mut response = HeaderMap::new();
        ResponseHeaders::new(&channel, outcome, || NOW).apply_to(&mut response);
        response
    };
    let page = headers(&CookieChange::Keep, true);
    assert_eq!((&page[CACHE_CONTROL], cookies(&page).len()), (&PRIVATE, 0));
    let page = headers(&CookieChange::Keep, false);
    assert!(!page.contains_key(CACHE_CONTROL));
    let signed_out = headers(&CookieChange::Remove, false);
    let cookies = cookies(&signed_out);
    assert!(cookies[0].starts_with("__Host-id=; Max-Age=0;"));
    assert!(cookies[1].starts_with("__Host-id-here=; Max-Age=0;"));
    assert_eq!(
        cookies[2..],
        ["__Host-id-left=1; Max-Age=5; Path=/; Secure; HttpOnly; SameSite=Strict"]
    );
}

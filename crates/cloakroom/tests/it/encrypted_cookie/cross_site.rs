//! Requests that other sites start, whose browsers may have kept the cookie back.

use cloakroom::CookiePolicy;
use cloakroom::encrypted_cookie::{EncryptErrorKind, EncryptedSessions, NoEncryptedSession};
use cloakroom::http::SameSite;
use cloakroom_testkit::ManualClock;
use http::header::{SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

use super::{Visitor, builder, cookie_of, response, ring, sent, sessions, visitor};

const FORM: [(&str, &str); 4] = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("origin", "https://evil.test"),
];
const LINK: [(&str, &str); 3] = [FORM[0], FORM[1], FORM[2]];
const IMAGE: [(&str, &str); 3] =
    [FORM[0], ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];

fn request(headers: &[(&'static str, &'static str)], cookies: &str) -> HeaderMap {
    let mut request: HeaderMap = HeaderMap::new();
    for (name, value) in headers {
        request.insert(*name, HeaderValue::from_static(value));
    }
    if !cookies.is_empty() {
        request.insert("cookie", HeaderValue::from_str(cookies).unwrap());
    }
    request
}

fn with_same_site(same_site: SameSite) -> EncryptedSessions<Visitor> {
    let policy = CookiePolicy::host("id").with_same_site(same_site);
    builder(ring(), &ManualClock::new()).cookie(policy).build().unwrap()
}

#[test]
fn a_request_of_another_site_without_a_cookie_begins_nothing() {
    let sessions = sessions(&ManualClock::new());
    // A cookie that does not open counts as none.
    for cookies in ["", "__Host-id=garbage", "theme=dark"] {
        for (headers, method) in [(&FORM[..], "POST"), (&IMAGE, "GET")] {
            let mut session = sessions.open_with_method(&request(headers, cookies), method);
            assert_eq!(session.no_session(), Some(NoEncryptedSession::Withheld));
            assert_eq!(session.update(|visitor| visitor.name.clone()).unwrap(), "", "no change");
            let errors = [
                session.update(|visitor| visitor.name.push('x')).unwrap_err(),
                session.set(visitor("mallory")).unwrap_err(),
                session.begin(visitor("mallory")).unwrap_err(),
            ];
            assert!(errors.iter().all(|error| error.kind() == EncryptErrorKind::CrossSite));
            session.end(); // would sign the visitor out
            assert_eq!(session.no_session(), Some(NoEncryptedSession::Withheld));
            let headers = response(&session);
            assert!(!headers.contains_key(SET_COOKIE));
            assert_eq!(
                headers.get_all(VARY).iter().collect::<Vec<_>>(),
                ["cookie", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"]
            );
        }
    }
    let mut session = sessions.open(&request(&FORM, ""));
    assert!(session.set(visitor("mallory")).is_err(), "the method is guessed");
}

#[test]
fn without_sec_fetch_site_the_origin_is_compared_with_the_host() {
    let sessions = sessions(&ManualClock::new());
    let of = |origin| request(&[("host", "shop.example"), ("origin", origin)], "");
    let mut form = sessions.open_with_method(&of("https://evil.test"), "POST");
    assert!(form.set(visitor("mallory")).is_err());
    assert_eq!(
        response(&form).get_all(VARY).iter().collect::<Vec<_>>(),
        ["cookie", "sec-fetch-site", "origin"]
    );
    let mut own = sessions.open_with_method(&of("https://shop.example"), "POST");
    own.set(visitor("alice")).unwrap();
    assert!(sent(&own).is_some());
}

#[test]
fn a_form_of_another_site_can_be_let_in() {
    let mut session = sessions(&ManualClock::new()).open_with_method(&request(&FORM, ""), "POST");
    session.begin_cross_site();
    assert_eq!(session.no_session(), Some(NoEncryptedSession::NoCookie));
    session.begin(visitor("alice")).unwrap();
    assert!(sent(&session).is_some());
}

#[test]
fn a_lax_cookie_is_not_kept_back_from_a_link() {
    let sessions = with_same_site(SameSite::Lax);
    let mut session = sessions.open_with_method(&request(&LINK, ""), "GET");
    session.set(visitor("a first visit")).unwrap();
    assert!(sent(&session).is_some());
}

#[test]
fn a_strict_cookie_has_a_marker_that_comes_along_with_links() {
    let sessions = with_same_site(SameSite::Strict);
    let mut session = sessions.open_with_method(&request(&LINK, ""), "GET");
    session.set(visitor("alice")).unwrap();
    let cookies = |headers: HeaderMap| -> Vec<String> {
        let cookies = headers.get_all(SET_COOKIE).iter();
        cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
    };
    let set = cookies(response(&session));
    assert!(set[0].starts_with("__Host-id=A") && set[0].ends_with("SameSite=Strict"), "{set:?}");
    assert!(set[1].starts_with("__Host-id-here=1;") && set[1].ends_with("SameSite=Lax"));

    let mut session = sessions.open_with_method(&request(&LINK, "__Host-id-here=1"), "GET");
    assert_eq!(session.no_session(), Some(NoEncryptedSession::Withheld));
    assert!(session.set(visitor("mallory")).is_err());

    let mut session = sessions.open(&request(&[], &cookie_of(&sessions, "alice")));
    session.end();
    let removed = cookies(response(&session));
    assert!(removed[1].starts_with("__Host-id-here=; Max-Age=0;"), "{removed:?}");
}

#[test]
fn no_form_of_another_site_signs_anyone_in_even_if_the_cookie_comes_along() {
    let sessions = with_same_site(SameSite::None);
    for cookies in [String::new(), cookie_of(&sessions, "alice")] {
        let mut session = sessions.open_with_method(&request(&FORM, &cookies), "POST");
        let error = session.begin(visitor("mallory")).unwrap_err();
        assert_eq!(error.kind(), EncryptErrorKind::CrossSite);
        session.set(visitor("bob")).unwrap();
        session.begin_cross_site();
        session.begin(visitor("bob")).unwrap();
    }
}

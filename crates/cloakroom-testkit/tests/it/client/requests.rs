//! The headers with which browsers say where a request comes from.

use cloakroom_testkit::{BrowserRequest, Client};
use http::Method;

const APP: &str = "https://app.example/page";

/// `Sec-Fetch-Site`, `-Mode`, `-Dest`, `-User`, and `Origin`; `-` for those that are not sent.
fn headers(request: &BrowserRequest) -> [&str; 5] {
    ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user", "origin"]
        .map(|name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap()))
}

#[test]
fn requests_say_what_led_to_them() {
    let client = Client::new();
    let navigate = |site, user, origin| [site, "navigate", "document", user, origin];
    assert_eq!(headers(&client.visit(APP)), navigate("none", "?1", "-"));
    for (page, site) in [
        ("https://app.example", "same-origin"),
        ("https://app.example:8443", "same-site"),
        ("https://sub.app.example", "same-site"),
        ("https://other.example", "cross-site"),
    ] {
        let origin = page;
        let page = client.page(page);
        assert_eq!(headers(&page.link(APP)), navigate(site, "?1", "-"));
        assert_eq!(headers(&page.form(APP)), navigate(site, "?1", origin));
        assert_eq!(headers(&page.auto_form(APP)), navigate(site, "-", origin));
        assert_eq!(headers(&page.frame(APP)), [site, "navigate", "iframe", "-", "-"]);
        assert_eq!(headers(&page.image(APP)), [site, "no-cors", "image", "-", "-"]);
        let post = page.fetch(Method::POST, APP);
        assert_eq!(headers(&post), [site, "cors", "empty", "-", origin]);
        let of_get = if site == "same-origin" { "-" } else { origin };
        let get = page.fetch(Method::GET, APP);
        assert_eq!(headers(&get), [site, "cors", "empty", "-", of_get]);
    }
}

#[test]
fn a_page_without_referrer_sends_an_origin_of_null() {
    let client = Client::new();
    let page = client.page(APP).without_referrer();
    assert_eq!(headers(&page.form(APP)), ["same-origin", "navigate", "document", "?1", "null"]);
    let post = page.fetch(Method::POST, APP);
    assert_eq!(headers(&post)[4], "https://app.example", "a `fetch` in CORS mode says it anyway");
}

#[test]
fn plain_http_gets_no_fetch_metadata_unless_it_is_this_computer() {
    let client = Client::new();
    let plain = client.page("https://other.example/").form("http://app.example/");
    assert_eq!(headers(&plain), ["-", "-", "-", "-", "https://other.example"]);
    let local = client.page("https://other.example/").link("http://localhost:3000/");
    assert_eq!(headers(&local)[0], "cross-site");
}

#[test]
fn a_prefetch_says_so_and_claims_no_site() {
    let client = Client::new();
    let request = client.page("https://sub.app.example/").prefetch(APP);
    assert_eq!(headers(&request), ["none", "navigate", "document", "-", "-"]);
    assert_eq!(request.headers()["sec-purpose"], "prefetch");
}

#[test]
#[should_panic(expected = "a prefetch from another site")]
fn a_prefetch_from_another_site_is_not_sent() {
    Client::new().page("https://other.example/").prefetch(APP);
}

#[test]
fn a_request_becomes_one_of_the_http_crate() {
    let form = Client::new().page("https://other.example/").form(APP);
    let request = form.builder().body(()).unwrap();
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, APP));
    assert_eq!(request.headers(), form.headers());
}

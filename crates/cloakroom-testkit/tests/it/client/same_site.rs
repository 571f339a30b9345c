//! Which cookies other sites' pages send and set.

use std::time::Duration;

use cloakroom_testkit::{BrowserRequest, Client, ManualClock, Page};
use http::Method;

use super::response_with;

const APP: &str = "https://app.example/";
const COOKIES: &[&str] = &[
    "lax=1; Secure; SameSite=Lax",
    "strict=1; Secure; SameSite=Strict",
    "none=1; Secure; SameSite=None",
    "unspecified=1; Secure",
];
/// What a page makes the browser send.
type Act = fn(&Page<'_>) -> BrowserRequest;
const ALL: &str = "lax strict none unspecified";

/// A browser with a cookie of each kind, some of them set a while ago.
fn browser(age: Duration) -> Client {
    let clock = ManualClock::new();
    let mut client = Client::new().with_clock(clock.clone());
    for cookie in COOKIES {
        client.absorb(APP, &response_with(cookie));
    }
    clock.advance(age);
    client
}

fn names_in(request: &BrowserRequest) -> String {
    let cookies = request.headers().get("cookie").map_or("", |value| value.to_str().unwrap());
    cookies.replace("=1;", "").replace("=1", "")
}

/// What the browser sends when a page of another site does this.
fn from_elsewhere(act: impl FnOnce(&Page<'_>) -> BrowserRequest) -> String {
    let client = browser(Duration::from_secs(10 * 60));
    names_in(&act(&client.page("https://other.example/")))
}

#[test]
fn a_typed_address_and_pages_of_the_same_site_send_all_cookies() {
    let client = browser(Duration::ZERO);
    assert_eq!(names_in(&client.visit(APP)), ALL);
    for page in [APP, "https://sub.app.example/", "https://app.example:8443/"] {
        let page = client.page(page);
        for request in [
            page.link(APP),
            page.form(APP),
            page.auto_form(APP),
            page.frame(APP),
            page.image(APP),
            page.fetch(Method::POST, APP),
            page.prefetch(APP),
        ] {
            assert_eq!(names_in(&request), ALL);
        }
    }
}

#[test]
fn a_link_on_another_site_sends_all_but_strict_cookies() {
    assert_eq!(from_elsewhere(|page| page.link(APP)), "lax none unspecified");
}

#[test]
fn a_form_on_another_site_sends_none_cookies_and_young_unspecified_ones() {
    assert_eq!(from_elsewhere(|page| page.form(APP)), "none");
    assert_eq!(from_elsewhere(|page| page.auto_form(APP)), "none");
    let client = browser(Duration::from_secs(119));
    let form = client.page("https://other.example/").auto_form(APP);
    assert_eq!(names_in(&form), "none unspecified");
}

#[test]
fn what_another_site_embeds_sends_none_cookies_only() {
    assert_eq!(from_elsewhere(|page| page.frame(APP)), "none");
    assert_eq!(from_elsewhere(|page| page.image(APP)), "none");
    assert_eq!(from_elsewhere(|page| page.fetch(Method::GET, APP)), "none");
}

#[test]
fn http_and_https_are_two_sites() {
    let client = browser(Duration::ZERO);
    assert_eq!(names_in(&client.page("http://app.example/").form(APP)), "none unspecified");
}

/// Also `SameSite=Strict`, so that another site's form can sign its victim in.
#[test]
fn a_page_that_another_site_led_to_sets_every_cookie() {
    let acts: [Act; 3] = [|page| page.link(APP), |page| page.form(APP), |page| page.auto_form(APP)];
    for act in acts {
        let mut client = Client::new();
        let request = act(&client.page("https://other.example/"));
        for cookie in COOKIES {
            client.receive(&request, &response_with(cookie));
        }
        assert_eq!(names_in(&client.visit(APP)), ALL);
    }
}

#[test]
fn what_another_site_embeds_sets_none_cookies_only() {
    let acts: [Act; 2] = [|page| page.frame(APP), |page| page.image(APP)];
    for act in acts {
        let mut client = Client::new();
        let request = act(&client.page("https://other.example/"));
        for cookie in COOKIES {
            client.receive(&request, &response_with(cookie));
        }
        assert_eq!(names_in(&client.visit(APP)), "none");
    }
    // Nor does it remove one.
    let mut client = browser(Duration::ZERO);
    let request = client.page("https://other.example/").image(APP);
    client.receive(&request, &response_with("lax=; Max-Age=0; Secure; SameSite=Lax"));
    assert_eq!(names_in(&client.visit(APP)), ALL);
}

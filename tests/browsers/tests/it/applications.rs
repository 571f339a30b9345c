//! Several applications and several configurations that share a browser's cookies.

use std::time::Duration;

use cloakroom::http::CookieScope;
use cloakroom::{CookiePolicy, Transport};
use cloakroom_browsers::Driver;

use crate::browser;
use crate::server::{Backend, Server};

#[test]
fn two_applications_on_one_host_leave_each_others_cookie_alone_until_one_begins_a_session() {
    let (here, there, driver) = (Server::start(), Server::start(), browser());
    here.sign_in(&driver, "alice");
    let cookie = driver.cookie("__Host-id");
    driver.go(&there.url("/"));
    assert_eq!(driver.text("#why"), "Unknown");
    assert_eq!(driver.cookie("__Host-id"), cookie);
    driver.go(&here.url("/"));
    assert_eq!(driver.text("#who"), "alice");
}

/// The cookies that the last request of this path carried.
fn sent(server: &Server, path: &str) -> usize {
    let last = server.exchanges(path).pop().expect("requested");
    last.header("cookie").split("; ").filter(|it| it.starts_with("__Secure-id=")).count()
}

fn sign_in(server: &Server, driver: &Driver) {
    driver.go(&server.at("www.shop.localhost", "/login"));
    driver.type_into("#name", "alice");
    driver.click("#login button");
    assert_eq!(driver.text("#who"), "alice");
}

#[test]
fn a_change_of_the_cookies_domain_keeps_the_session_and_the_former_cookie_goes() {
    let wide = || CookiePolicy::secure("id").with_domain("shop.localhost");
    let narrow = || CookiePolicy::secure("id");
    let (host, domain) = (CookieScope::host(), CookieScope::domain("shop.localhost"));
    for (before, after) in [(wide(), narrow().formerly(domain)), (narrow(), wide().formerly(host))]
    {
        let (backend, driver) = (Backend::new(), browser());
        let old = Server::on(&backend, |builder| builder.transport(Transport::cookie(before)));
        sign_in(&old, &driver);
        driver.click("#visit button");
        // A deployment: the same sessions, another scope.
        let new = Server::on(&backend, |builder| builder.transport(Transport::cookie(after)));
        let go = |path: &str| {
            driver.go(&new.at("www.shop.localhost", path));
            assert_eq!(driver.text("#who"), "alice");
        };
        go("/");
        assert_eq!(sent(&new, "/"), 1);
        // The renewal sets the cookie in the new scope, next to the old one.
        backend.clock.advance(Duration::from_secs(15 * 60));
        go("/");
        go("/");
        assert_eq!(sent(&new, "/"), 2, "next to the other");
        for _ in 0..10 {
            backend.clock.advance(Duration::from_secs(60));
            go("/");
        }
        assert_eq!(sent(&new, "/"), 1, "the former cookie is gone");
        assert_eq!(driver.text("#visits"), "1");
        assert!(!backend.events().contains(&"KeyReused".to_owned()), "{:?}", backend.events());
        driver.click("#logout button");
        driver.go(&new.at("www.shop.localhost", "/"));
        assert_eq!(driver.text("#who"), "no one");
    }
}

/// A configuration that does not name the former scope: nothing is removed, and nothing is lost.
#[test]
fn two_cookies_of_one_name_end_no_session_and_hinder_no_renewal() {
    let (backend, driver) = (Backend::new(), browser());
    let wide = CookiePolicy::secure("id").with_domain("shop.localhost");
    let old = Server::on(&backend, |builder| builder.transport(Transport::cookie(wide)));
    sign_in(&old, &driver);
    let narrow = CookiePolicy::secure("id");
    let new = Server::on(&backend, |builder| builder.transport(Transport::cookie(narrow)));
    for _ in 0..35 {
        backend.clock.advance(Duration::from_secs(60));
        driver.go(&new.at("www.shop.localhost", "/"));
        assert_eq!(driver.text("#who"), "alice");
    }
    assert_eq!(sent(&new, "/"), 2);
    let exchanges = new.exchanges("/");
    let lines: Vec<&String> = exchanges.iter().flat_map(|it| &it.set_cookie).collect();
    assert!(lines.len() <= 3, "one or two for each renewal: {lines:?}");
    assert!(!backend.events().contains(&"KeyReused".to_owned()), "{:?}", backend.events());
}

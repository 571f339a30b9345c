//! Forms that are refused by their headers, without a session or a token: by `CsrfLayer` of
//! tower-http, and by our own check.

use cloakroom::CookiePolicy;
use cloakroom::http::SameSite;

use crate::browser;
use crate::foreign_site::form;
use crate::server::Server;

const PATHS: [&str; 2] = ["/layered", "/checked"];

#[test]
fn a_foreign_form_is_refused_without_a_record() {
    let (server, driver) = (Server::start(), browser());
    for path in PATHS {
        driver.go(&server.foreign(&form(&server.url(path), "")));
        let sent = server.exchange(path, 1);
        assert_eq!(sent.header("sec-fetch-site"), "cross-site");
        assert_eq!((sent.status, sent.set_cookie.len()), (403, 0), "{path}");
        assert_eq!(server.backend.records(), 0);
    }
    for path in PATHS {
        driver.go(&server.page("localhost", &form(&server.url(path), "")));
        driver.wait_for("#who", "no one");
        assert_eq!(server.exchange(path, 2).status, 200, "a form of the site itself: {path}");
    }
    assert_eq!(server.backend.records(), 1);
}

/// `SameSite` holds nothing back there.
#[test]
fn a_form_of_another_site_is_refused_although_the_cookie_comes_with_it() {
    let cookie = CookiePolicy::default().with_same_site(SameSite::None);
    let (server, driver) = (Server::with_cookie(cookie), browser());
    server.sign_in(&driver, "alice");
    for path in PATHS {
        driver.go(&server.foreign(&form(&server.url(path), "")));
        let sent = server.exchange(path, 1);
        assert!(sent.header("cookie").contains("__Host-id="), "{path}");
        assert_eq!(sent.status, 403, "{path}");
    }
    driver.go(&server.url("/"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#visits").as_str()), ("alice", "0"));
}

/// A plain address: the browser says no more than `Origin`. A sibling host brings the cookie of a
/// domain, and is of the same site.
#[test]
fn a_form_of_another_host_is_known_by_its_origin() {
    let (server, driver) = (Server::with_cookie(CookiePolicy::for_plain_http("id")), browser());
    for path in PATHS {
        let action = server.at("shop.test", path);
        for (count, host, status) in
            [(1, "evil.test", 403), (2, "www.shop.test", 403), (3, "shop.test", 200)]
        {
            driver.go(&server.page(host, &form(&action, "")));
            let sent = server.exchange(path, count);
            let origin = server.at(host, "");
            assert_eq!(
                (sent.header("sec-fetch-site"), sent.header("origin")),
                (String::new(), origin)
            );
            assert_eq!(sent.status, status, "{path} from {host}");
        }
    }
    assert_eq!(server.backend.records(), 1);
}

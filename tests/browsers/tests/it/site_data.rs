//! What a browser drops at a sign-out.

use cloakroom::http::{SameSite, SiteData};
use cloakroom::{CookiePolicy, Transport};
use cloakroom_browsers::Driver;

use crate::browser;
use crate::server::{Backend, Server};

fn server(data: Option<SiteData>, is_private: bool) -> Server {
    let cookie = CookiePolicy::default().with_same_site(SameSite::Lax);
    Server::on(&Backend::new(), |builder| {
        let builder = builder.transport(Transport::cookie(cookie));
        let builder = if is_private { builder.private_pages() } else { builder };
        match data {
            Some(data) => builder.clear_site_data(data),
            None => builder,
        }
    })
}

/// Signs in, keeps a draft, signs out with this button, and returns what is left of the draft.
fn draft_after(server: &Server, driver: &Driver, button: &str) -> Option<String> {
    server.sign_in(driver, "alice");
    driver.run("localStorage.setItem('draft', 'private'); return 0");
    driver.click("#again");
    driver.wait_for("#who", "alice");
    assert_eq!(driver.run("return localStorage.getItem('draft')"), "private", "no sign-out yet");
    driver.click(button);
    assert_eq!(driver.text("#goodbye"), "Goodbye");
    driver.run("return localStorage.getItem('draft')").as_str().map(str::to_owned)
}

#[test]
fn a_sign_out_clears_what_scripts_have_kept_if_the_policy_asks() {
    let driver = browser();
    for data in [SiteData::Storage, SiteData::CacheAndStorage] {
        let server = server(Some(data), false);
        for button in ["#logout button", "#leave button"] {
            assert_eq!(draft_after(&server, &driver, button), None, "{data:?} {button}");
        }
    }
    for data in [None, Some(SiteData::Cache)] {
        let draft = draft_after(&server(data, false), &driver, "#logout button");
        assert_eq!(draft.as_deref(), Some("private"), "{data:?}");
    }
}

/// The sign-out clears, and the page that the browser leaves goes into its cache after that.
#[test]
fn clearing_site_data_does_not_replace_private_pages() {
    let driver = browser();
    for (is_private, expected) in [(true, "no one"), (false, "alice")] {
        let server = server(Some(SiteData::CacheAndStorage), is_private);
        server.sign_in(&driver, "alice");
        driver.click("#logout button");
        assert_eq!(driver.text("#goodbye"), "Goodbye");
        driver.back();
        assert_eq!(driver.text("#who"), expected);
    }
}

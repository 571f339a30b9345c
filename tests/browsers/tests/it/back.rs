//! The Back button after a sign-out, with the browser's caches on.

use cloakroom::http::SameSite;
use cloakroom::{CookiePolicy, Transport};
use cloakroom_browsers::Driver;

use crate::browser;
use crate::server::{Backend, Server};

/// Signs in, looks at two pages, signs out, and goes back to the page that `pages` ago was shown.
fn back_after_sign_out(server: &Server, driver: &Driver, pages: usize) -> String {
    back_after(server, driver, pages, "#logout button")
}

/// The same with the button that signs out.
fn back_after(server: &Server, driver: &Driver, pages: usize, button: &str) -> String {
    server.sign_in(driver, "alice");
    if pages == 2 {
        driver.click("#again");
    }
    driver.click(button);
    assert_eq!(driver.text("#goodbye"), "Goodbye");
    for _ in 0..pages {
        driver.back();
    }
    driver.text("#who")
}

fn server(same_site: SameSite, is_private: bool) -> Server {
    let transport = Transport::cookie(CookiePolicy::default().with_same_site(same_site));
    Server::on(&Backend::new(), |builder| {
        let builder = builder.transport(transport);
        if is_private { builder.private_pages() } else { builder }
    })
}

#[test]
fn private_pages_are_not_shown_again_after_a_sign_out() {
    let driver = browser();
    for same_site in [SameSite::Lax, SameSite::Strict] {
        let server = server(same_site, true);
        for pages in [1, 2] {
            let who = back_after_sign_out(&server, &driver, pages);
            assert_eq!(who, "no one", "{same_site:?}, {pages} pages");
        }
    }
}

/// The message begins a session, whose cookie takes the place of the one that is removed.
#[test]
fn private_pages_are_not_shown_again_after_a_sign_out_that_leaves_a_message() {
    let driver = browser();
    for same_site in [SameSite::Lax, SameSite::Strict] {
        let server = server(same_site, true);
        for pages in [1, 2] {
            let who = back_after(&server, &driver, pages, "#leave button");
            assert_eq!(who, "no one", "{same_site:?}, {pages} pages");
        }
    }
}

/// What the option is for, and that this browser's caches are on.
#[test]
fn without_the_option_the_back_button_shows_the_page_of_a_signed_in_visitor() {
    let (server, driver) = (server(SameSite::Lax, false), browser());
    assert_eq!(back_after_sign_out(&server, &driver, 1), "alice");
    driver.reload();
    assert_eq!(driver.text("#who"), "no one");
}

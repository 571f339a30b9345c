//! Sessions that are bound to the browser's device, over TLS.
//!
//! The browser's cookies live by the real clock. A cookie that ended while the visitor was away is
//! one that the test removes, after it has moved the server's clock.

mod server;
mod tls;

use std::time::Duration;

use cloakroom::NoSession;
use cloakroom::record::EndReason;
use cloakroom_browsers::Driver;

use server::{BoundServer, REFRESH, REGISTER};

/// How long a bound cookie is good for.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// A browser whose device keys are in software, on a machine without the hardware for them.
fn bound_browser(server: &BoundServer) -> Driver {
    browser_with(server, "DeviceBoundSessions:RefreshQuota/false")
}

fn browser_with(server: &BoundServer, binding: &str) -> Driver {
    let software = "EnableBoundSessionCredentialsSoftwareKeysForManualTesting";
    let features = format!("--enable-features={binding},{software}");
    // DBSC asks for a certificate that is trusted: `--ignore-certificate-errors` does not do.
    let trusted = format!("--ignore-certificate-errors-spki-list={}", server.key_digest());
    Driver::start_with(crate::settings().argument(features).argument(trusted))
}

/// A visitor who has signed in, and whose browser has bound the session and used its cookie.
fn signed_in(server: &BoundServer) -> Driver {
    let driver = bound_browser(server);
    server.sign_in(&driver);
    driver
}

/// The visitor was away until the cookie had ended.
fn idle(server: &BoundServer, driver: &Driver) {
    server.advance(LIFE);
    driver.delete_cookie("__Host-id");
    assert!(driver.cookie("__Host-id").is_none());
}

fn assert_signed_in(server: &BoundServer, driver: &Driver) {
    driver.go(&server.url("/"));
    assert_eq!((driver.text("#who").as_str(), driver.text("#why").as_str()), ("alice", ""));
}

#[test]
fn a_session_is_bound_at_sign_in_and_lives_on_after_its_cookie_has_ended() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    for refreshes in 1..=3 {
        idle(&server, &driver);
        assert_signed_in(&server, &driver);
        let refresh = server.exchange(REFRESH, refreshes);
        assert_eq!(refresh.status, 200, "the challenge was sent along, so there is no 403");
    }
    let events = server.backend.events();
    assert!(events.iter().any(|event| event == "ProofAccepted"));
    let bad = ["KeyReused", "ProofRefused", "WrongSecret", "ProofSkipped"];
    assert!(!events.iter().any(|event| bad.contains(&event.as_str())), "{events:?}");
}

#[test]
fn a_challenge_that_has_grown_old_costs_one_more_request() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    server.advance(Duration::from_secs(25 * 60));
    driver.delete_cookie("__Host-id");
    assert_signed_in(&server, &driver);
    let statuses: Vec<u16> = [1, 2].map(|count| server.exchange(REFRESH, count).status).to_vec();
    assert_eq!(statuses, [403, 200]);
}

#[test]
fn twenty_parallel_requests_on_an_ended_cookie_all_succeed() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    driver.go(&server.url("/"));
    idle(&server, &driver);
    driver.run(
        "window.answers = [];
        for (let i = 0; i < 20; i++) {
            fetch('/').then((it) => it.text()).then((text) => answers.push(text));
        }",
    );
    driver.wait_until("window.answers.length === 20");
    let signed_in = driver.run("return answers.filter((it) => it.includes('alice')).length");
    assert_eq!(signed_in, 20);
}

#[test]
fn a_copied_cookie_is_dead_after_its_minutes_and_the_owner_goes_on() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    let copy = BoundServer::cookie(&driver);
    assert_eq!(server.visit_with(&copy), None);
    idle(&server, &driver);
    server.advance(Duration::from_secs(10)); // nodes' clocks can differ by that
    assert_eq!(server.visit_with(&copy), Some(NoSession::ProofNeeded));
    assert_signed_in(&server, &driver);
    assert_eq!(server.visit_with(&copy), Some(NoSession::ProofNeeded));
    assert_signed_in(&server, &driver);
    let events = server.backend.events();
    assert!(!events.iter().any(|event| event == "Ended" || event == "KeyReused"), "{events:?}");
}

#[test]
fn a_bound_session_survives_restarts_of_browser_and_server() {
    let server = BoundServer::start();
    let mut driver = signed_in(&server);
    idle(&server, &driver);
    driver.restart();
    assert_signed_in(&server, &driver);
    let server = server.restarted();
    idle(&server, &driver);
    assert_signed_in(&server, &driver);
}

#[test]
fn two_tabs_refresh_one_session() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    let first = driver.tab();
    let second = driver.open_tab();
    assert_signed_in(&server, &driver);
    idle(&server, &driver);
    assert_signed_in(&server, &driver);
    driver.switch(&first);
    assert_signed_in(&server, &driver);
    driver.switch(&second);
    idle(&server, &driver);
    assert_signed_in(&server, &driver);
}

#[test]
fn a_sign_out_ends_a_bound_session_for_good() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    driver.go(&server.url("/"));
    driver.click("#logout button");
    driver.go(&server.url("/"));
    assert_eq!(driver.text("#who"), "no one");
    // A browser that was told nothing yet asks once, and forgets the session.
    driver.go(&server.url("/"));
    let refreshes = server.exchanges(REFRESH);
    assert!(refreshes.len() <= 1, "{refreshes:#?}");
    server.sign_in(&driver);
    assert_signed_in(&server, &driver);
}

#[test]
fn an_operator_ends_a_bound_session_at_its_next_request() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    server.revoke(&driver);
    driver.go(&server.url("/"));
    assert_eq!(driver.text("#why"), format!("{:?}", NoSession::Ended(EndReason::Revoked)));
    driver.delete_cookie("__Host-id");
    driver.go(&server.url("/"));
    assert_eq!(driver.text("#who"), "no one");
    server.sign_in(&driver);
    assert_signed_in(&server, &driver);
}

#[test]
fn two_nodes_with_near_caches_serve_one_bound_session() {
    let server = BoundServer::on_two_nodes();
    let driver = signed_in(&server);
    for _ in 0..4 {
        assert_signed_in(&server, &driver);
    }
    let copy = BoundServer::cookie(&driver);
    for _ in 0..3 {
        idle(&server, &driver);
        assert_signed_in(&server, &driver);
        assert_signed_in(&server, &driver);
    }
    assert_eq!(server.visit_with(&copy), Some(NoSession::ProofNeeded));
    assert_eq!(server.visit_with(&copy), Some(NoSession::ProofNeeded), "the other node");
}

#[test]
fn a_store_that_is_down_during_a_refresh_costs_no_session() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    let records = server.backend.records();
    idle(&server, &driver);
    server.fail(true);
    driver.go(&server.url("/goodbye")); // a page without a session
    assert_eq!(server.exchange(REFRESH, 1).status, 503);
    driver.go(&server.url("/"));
    assert_eq!(driver.text("#error"), "Unavailable");
    server.fail(false);
    assert_signed_in(&server, &driver);
    assert_eq!(server.backend.records(), records);
}

#[test]
fn a_browser_that_has_used_up_its_proofs_begins_nothing_and_comes_back() {
    let server = BoundServer::start();
    let driver = browser_with(&server, "DeviceBoundSessions");
    server.sign_in(&driver);
    let records = server.backend.records();
    let mut refreshed = 0;
    let why = loop {
        idle(&server, &driver);
        driver.go(&server.url("/visit"));
        if driver.count("#error") > 0 {
            break driver.text("#error");
        }
        assert_eq!(driver.text("#who"), "alice");
        refreshed += 1;
        assert!(refreshed < 50, "the browser has a quota");
        // The idle timeout of half an hour is not at issue.
    };
    assert_eq!(why, "ProofNeeded");
    let skipped = server.last("/visit").header("secure-session-skipped");
    assert!(skipped.starts_with("quota_exceeded"), "{skipped}");
    assert_eq!(server.backend.records(), records, "no session began");
    assert!(server.backend.events().iter().any(|event| event == "ProofSkipped"));
}

#[test]
fn a_link_from_another_site_refreshes_an_ended_cookie_too() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    idle(&server, &driver);
    let link = format!("<a id=link href={}>Shop</a>", server.url("/"));
    driver.go(&server.foreign(&link));
    driver.click("#link");
    assert_eq!((driver.text("#who").as_str(), driver.text("#why").as_str()), ("alice", ""));
}

#[test]
fn a_sign_in_that_another_site_leads_back_to_is_bound() {
    let server = BoundServer::start();
    let driver = bound_browser(&server);
    let link = format!("<a id=link href={}>Back to the shop</a>", server.url("/callback"));
    driver.go(&server.foreign(&link));
    driver.click("#link");
    driver.wait_for("#who", "alice");
    server.bind(&driver, 0);
    idle(&server, &driver);
    assert_signed_in(&server, &driver);
}

#[test]
fn under_strict_a_link_to_a_bound_session_leads_to_a_signed_in_page() {
    let server = BoundServer::under_strict();
    let driver = signed_in(&server);
    let records = server.backend.records();
    idle(&server, &driver);
    let link = format!("<a id=link href={}>Shop</a>", server.url("/visit"));
    driver.go(&server.foreign(&link));
    driver.click("#link");
    driver.wait_for("#who", "alice");
    assert_signed_in(&server, &driver);
    assert_eq!(server.backend.records(), records, "no session began");
}

#[test]
fn a_form_of_another_site_signs_no_one_out_of_a_bound_session() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    idle(&server, &driver);
    let form = format!(
        "<form id=form method=post action={}><button>Buy</button></form>",
        server.url("/visit")
    );
    driver.go(&server.foreign(&form));
    driver.click("#form button");
    assert_signed_in(&server, &driver);
}

#[test]
fn a_registration_is_asked_for_in_the_form_that_the_browser_reads() {
    let server = BoundServer::start();
    let driver = signed_in(&server);
    let registration = server.exchange(REGISTER, 1);
    assert_eq!(registration.status, 200);
    assert!(registration.header("secure-session-response").starts_with("eyJ"));
    assert_eq!(registration.header("sec-fetch-site"), "same-origin");
    let cookie = driver.cookie("__Host-id").expect("the bound cookie");
    assert_eq!((&cookie["httpOnly"], &cookie["secure"]), (&true.into(), &true.into()));
}

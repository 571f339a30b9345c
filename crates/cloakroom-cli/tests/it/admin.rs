//! The operator's page: who can sign in, what they see, and what they can end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::browser::Browser;
use crate::server::{Server, command};

/// Opens the printed URL: the operator's browser, and the URL without the token.
fn log_in(url: &str) -> (Browser, String) {
    let (site, path) = split(url);
    let mut operator = Browser::new(site.to_owned());
    let answer = operator.navigate(path);
    assert_eq!(answer.status(), 200);
    let cookie = answer.set_cookie().expect("cookie");
    let (_, secret) = site.trim_start_matches("http://").split_once('/').expect("path");
    let scope = format!("; Path=/{secret}");
    for part in ["; HttpOnly", "; SameSite=Strict", &scope] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Max-Age"), "it ends with the browser: {cookie}");
    (operator, site.to_owned())
}

/// The page's URL without the token, and the rest.
fn split(url: &str) -> (&str, &str) {
    url.split_at(url.find("/login").expect("path"))
}

#[test]
fn only_the_first_browser_to_open_the_printed_url_is_signed_in() {
    let server = Server::start();
    let (mut operator, site) = log_in(server.admin_url());
    assert!(operator.get("/").body.contains("Active sessions"));
    let mut visitor = server.browser();
    visitor.sign_in("alice", "wonderland");

    let path = server.admin_url().strip_prefix(&*site).expect("the same site").to_owned();
    for cookie in
        [None, visitor.cookie.clone(), operator.cookie.as_ref().map(|cookie| format!("{cookie}x"))]
    {
        let mut other = Browser::new(site.clone());
        other.cookie = cookie;
        assert_eq!(other.get(&path).status(), 403, "the token was used");
        for path in ["/", "/sessions", "/events", "/live", "/revoke?principal=alice", "/admin.js"] {
            let refused = other.get(path);
            assert_eq!(refused.status(), 403, "{path}");
            assert!(!refused.body.contains("alice"));
        }
        assert_eq!(other.post_form("/revoke", "principal=alice").status(), 403);
    }
    assert_eq!(visitor.session()["principal"], "alice");
}

#[test]
fn only_a_real_visit_uses_up_the_printed_url() {
    let server = Server::start();
    let (site, path) = split(server.admin_url());
    let mut other = Browser::new(site.to_owned());
    let head = other.send("HEAD", path, &[], "");
    assert_eq!((head.status(), head.set_cookie()), (405, None));
    for (header, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let refused = other.send("GET", path, &[(header, value)], "");
        assert_eq!((refused.status(), refused.set_cookie()), (503, None), "{header}: {value}");
    }
    let (mut operator, _) = log_in(server.admin_url());
    assert!(operator.get("/").body.contains("Active sessions"));
}

#[test]
fn the_page_and_its_cookie_are_under_a_path_that_no_one_can_guess() {
    let (first, second) = (Server::start(), Server::start());
    let paths = [&first, &second].map(|server| {
        let (operator, site) = log_in(server.admin_url());
        assert!(operator.cookie.is_some());
        let (address, secret) = site.trim_start_matches("http://").split_once('/').expect("path");
        assert_eq!(secret.len(), 32, "{secret}");
        let mut other = Browser::new(format!("http://{address}"));
        other.cookie.clone_from(&operator.cookie);
        for path in ["/", "/sessions", "/login", "/live"] {
            assert_eq!(other.get(path).status(), 404, "{path}");
        }
        secret.to_owned()
    });
    assert_ne!(paths[0], paths[1]);
}

#[test]
fn a_cross_site_request_ends_nothing() {
    let server = Server::start();
    let (mut operator, _) = log_in(server.admin_url());
    let mut visitor = server.browser();
    visitor.sign_in("alice", "wonderland");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let refused = operator.send(
        "POST",
        "/revoke",
        &[form, ("sec-fetch-site", "cross-site")],
        "principal=alice",
    );
    assert_eq!(refused.status(), 403);
    assert_eq!(visitor.session()["principal"], "alice");
}

#[test]
fn an_operator_finds_sessions_and_ends_them_after_confirming() {
    let server = Server::start();
    let (mut operator, _) = log_in(server.admin_url());
    let mut alice = [server.browser(), server.browser()];
    for browser in &mut alice {
        browser.sign_in("alice", "wonderland");
    }
    let mut bob = server.browser();
    bob.sign_in("bob", "builder");
    let ids = |operator: &mut Browser, query: &str| {
        let page = operator.get(&format!("/sessions?{query}")).body;
        page.split("\"revoke?id=").skip(1).map(|rest| rest[..32].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&mut operator, "").len(), 3);
    assert_eq!(ids(&mut operator, "age=hour").len(), 3);
    assert_eq!(ids(&mut operator, "age=older").len(), 0);
    let hers = ids(&mut operator, "q=alice");
    assert_eq!(hers.len(), 2);
    assert_eq!(ids(&mut operator, &format!("q={}", hers[0])), &hers[..1]);
    assert_eq!(operator.get("/sessions?age=never").status(), 400);

    let all = operator.get("/sessions").body;
    for browser in alice.iter().chain([&bob]) {
        let key = browser.cookie.as_deref().expect("cookie").trim_start_matches("id=");
        assert!(!all.contains(key) && !all.contains(&key[22..]), "a key is shown");
    }

    let confirmation = operator.get(&format!("/revoke?id={}", hers[0])).body;
    assert!(confirmation.contains("End this session?") && confirmation.contains(&hers[0]));
    assert_eq!(ids(&mut operator, "q=alice").len(), 2, "nothing is ended before confirming");
    assert_eq!(operator.post_form("/revoke", &format!("id={}", hers[0])).status(), 303);
    assert_eq!(ids(&mut operator, "q=alice"), &hers[1..]);
    assert_eq!(operator.post_form("/revoke", "principal=alice").status(), 303);
    for browser in &mut alice {
        assert_eq!(browser.session()["ended"], "revoked");
    }
    assert_eq!(bob.session()["principal"], "bob");
    assert_eq!(alice[0].sign_in("alice", "wonderland").status(), 200, "she can sign in again");
    assert_eq!(operator.post_form("/revoke", "").status(), 400);
}

#[test]
fn updates_are_streamed_until_the_server_stops() {
    let mut server = Server::start();
    let (operator, site) = log_in(server.admin_url());
    let (address, secret) = site.trim_start_matches("http://").split_once('/').expect("path");
    let mut stream = TcpStream::connect(address).expect("connected");
    let cookie = operator.cookie.clone().expect("cookie");
    write!(stream, "GET /{secret}/live HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n")
        .expect("request sent");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let event = lines.find(|line| line.starts_with("data: ")).expect("an event");
    assert!(event.contains("<span>active</span>"), "{event}");
    stop(&mut server.process);
    // The stream ends.
    lines.for_each(drop);
}

/// Asks a process to stop, and checks that it succeeds.
fn stop(process: &mut Child) {
    let id = process.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("`kill` runs")
            .success()
    );
    assert!(process.wait().expect("it ends").success());
}

#[test]
fn a_separate_admin_process_sees_and_ends_the_applications_sessions() {
    let server = Server::start();
    let mut alice = server.browser();
    alice.sign_in("alice", "wonderland");
    let mut admin = command(&["admin", "--store", &server.store()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut output = BufReader::new(admin.stdout.take().expect("pipe"));
    let mut url = String::new();
    output.read_line(&mut url).expect("UTF-8");
    let (mut operator, site) = log_in(url.trim_end());
    assert!(site.starts_with("http://127.0.0.1:"));
    assert!(operator.get("/sessions?q=alice").body.contains("alice"));
    assert_eq!(operator.post_form("/revoke", "principal=alice").status(), 303);
    assert_eq!(alice.session()["ended"], "revoked");
    stop(&mut admin);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("UTF-8");
    assert_eq!(rest, "", "only one line is printed");
}

#[test]
fn a_store_that_cannot_be_opened_is_an_error_before_anything_is_served() {
    for (url, hint) in [
        ("sqlite:/nowhere/at.db", "/nowhere/at.db"),
        ("memory:", "only visible to the process that opened it"),
    ] {
        let output = command(&["admin", "--store", url]).output().expect("the command runs");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(message.contains(hint), "{message}");
    }
}

//! The operator's page: who comes in, what they see, what they end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::browser::Browser;
use crate::server::{Server, command};

/// A browser that came in by the address, which it is told as it was printed.
fn come_in(address: &str) -> (Browser, String) {
    let (office, path) = address.split_at(address.find("/enter").expect("a path"));
    let mut operator = Browser::new(office.to_owned());
    let entered = operator.navigate(path);
    assert_eq!(entered.status(), 200);
    let cookie = entered.set_cookie().expect("a key");
    for part in ["; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Max-Age"), "it goes with the browser: {cookie}");
    (operator, office.to_owned())
}

#[test]
fn one_browser_comes_in_by_the_printed_address_and_nobody_else() {
    let server = Server::start();
    let (mut operator, office) = come_in(server.operators());
    assert!(operator.get("/").body.contains("Who is inside"));
    let mut visitor = server.browser();
    visitor.sign_in("alice", "wonderland");

    let path = server.operators().strip_prefix(&*office).expect("its own address").to_owned();
    for cookie in
        [None, visitor.cookie.clone(), operator.cookie.as_ref().map(|cookie| format!("{cookie}x"))]
    {
        let mut other = Browser::new(office.clone());
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
fn another_site_ends_nothing_in_an_operators_name() {
    let server = Server::start();
    let (mut operator, _) = come_in(server.operators());
    let mut visitor = server.browser();
    visitor.sign_in("alice", "wonderland");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let foreign = operator.send(
        "POST",
        "/revoke",
        &[kind, ("sec-fetch-site", "cross-site")],
        "principal=alice",
    );
    assert_eq!(foreign.status(), 403);
    assert_eq!(visitor.session()["principal"], "alice");
}

#[test]
fn an_operator_finds_sessions_and_ends_them_after_a_question() {
    let server = Server::start();
    let (mut operator, _) = come_in(server.operators());
    let mut alice = [server.browser(), server.browser()];
    for browser in &mut alice {
        browser.sign_in("alice", "wonderland");
    }
    let mut bob = server.browser();
    bob.sign_in("bob", "builder");
    let ids = |operator: &mut Browser, query: &str| {
        let page = operator.get(&format!("/sessions?{query}")).body;
        page.split("/revoke?id=").skip(1).map(|rest| rest[..32].to_owned()).collect::<Vec<_>>()
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
        let key = browser.cookie.as_deref().expect("a key").trim_start_matches("id=");
        assert!(!all.contains(key) && !all.contains(&key[22..]), "a key is shown");
    }

    let question = operator.get(&format!("/revoke?id={}", hers[0])).body;
    assert!(question.contains("End this session?") && question.contains(&hers[0]));
    assert_eq!(ids(&mut operator, "q=alice").len(), 2, "asking ends nothing");
    assert_eq!(operator.post_form("/revoke", &format!("id={}", hers[0])).status(), 303);
    assert_eq!(ids(&mut operator, "q=alice"), &hers[1..]);
    assert_eq!(operator.post_form("/revoke", "principal=alice").status(), 303);
    for browser in &mut alice {
        assert_eq!(browser.session()["ended"], "revoked");
    }
    assert_eq!(bob.session()["principal"], "bob");
    assert_eq!(alice[0].sign_in("alice", "wonderland").status(), 200, "and she may come back");
    assert_eq!(operator.post_form("/revoke", "").status(), 400);
}

#[test]
fn counts_are_sent_as_they_come_and_stop_with_the_server() {
    let mut server = Server::start();
    let (operator, office) = come_in(server.operators());
    let mut stream = TcpStream::connect(office.trim_start_matches("http://")).expect("it listens");
    let cookie = operator.cookie.clone().expect("a key");
    write!(stream, "GET /live HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n")
        .expect("it reads");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let counts = lines.find(|line| line.starts_with("data: ")).expect("an event");
    assert!(counts.contains("<span>live</span>"), "{counts}");
    stop(&mut server.process);
    // What was on its way comes, and then the end.
    lines.for_each(drop);
}

/// Asks a process to stop, which it must do well.
fn stop(process: &mut Child) {
    let id = process.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill is there")
            .success()
    );
    assert!(process.wait().expect("an end").success());
}

#[test]
fn a_page_beside_the_application_sees_and_ends_its_sessions() {
    let server = Server::start();
    let mut alice = server.browser();
    alice.sign_in("alice", "wonderland");
    let mut admin = command(&["admin", "--store", &server.store()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut output = BufReader::new(admin.stdout.take().expect("a pipe"));
    let mut address = String::new();
    output.read_line(&mut address).expect("a line of text");
    let (mut operator, office) = come_in(address.trim_end());
    assert!(office.starts_with("http://127.0.0.1:"));
    assert!(operator.get("/sessions?q=alice").body.contains("alice"));
    assert_eq!(operator.post_form("/revoke", "principal=alice").status(), 303);
    assert_eq!(alice.session()["ended"], "revoked");
    stop(&mut admin);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "", "one line was printed");
}

#[test]
fn a_store_that_is_not_there_is_an_error_before_anything_is_served() {
    for (url, hint) in
        [("sqlite:/nowhere/at.db", "/nowhere/at.db"), ("memory:", "nobody else can see")]
    {
        let output = command(&["admin", "--store", url]).output().expect("the command runs");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let talk = String::from_utf8(output.stderr).expect("text");
        assert!(talk.contains(hint), "{talk}");
    }
}

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
        let used = other.get(&path);
        assert_eq!((used.status(), used.set_cookie()), (410, None));
        assert!(used.body.contains("This address was used already"), "{}", used.body);
        assert!(used.body.contains("Restart the command"), "no terminal: {}", used.body);
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
    for method in ["HEAD", "OPTIONS", "POST"] {
        let refused = other.send(method, path, &[], "");
        assert_eq!((refused.status(), refused.set_cookie()), (405, None), "{method}");
    }
    for (header, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let refused = other.send("GET", path, &[(header, value)], "");
        assert_eq!((refused.status(), refused.set_cookie()), (503, None), "{header}: {value}");
    }
    let image = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-dest", "image"),
    ];
    let refused = other.send("GET", path, &image, "");
    assert_eq!((refused.status(), refused.set_cookie()), (403, None));
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

#[test]
fn a_visit_from_the_address_bar_is_led_to_the_page() {
    for (sec_fetch_site, status) in
        [("none", 303), ("same-origin", 303), ("same-site", 200), ("cross-site", 200)]
    {
        let server = Server::start();
        let (site, path) = split(server.admin_url());
        let mut operator = Browser::new(site.to_owned());
        let headers = [
            ("sec-fetch-site", sec_fetch_site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let answer = operator.send("GET", path, &headers, "");
        assert_eq!(answer.status(), status, "{sec_fetch_site}");
        assert!(answer.set_cookie().is_some(), "{sec_fetch_site}");
        assert!(operator.get("/").body.contains("Active sessions"));
    }
}

#[test]
fn no_page_is_cached_or_named_to_another_site() {
    let server = Server::start();
    let (site, path) = split(server.admin_url());
    let mut operator = Browser::new(site.to_owned());
    for path in ["/", path, path, "/", "/sessions", "/nowhere", "/style.css"] {
        let answer = operator.get(path);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        let policy = answer.header("content-security-policy").expect("policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
    }
}

/// A page elsewhere can have its own name lead to this machine.
#[test]
fn the_page_answers_to_no_name_of_another_site() {
    let server = Server::start();
    let (mut operator, _) = log_in(server.admin_url());
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
        ("127.0.0.1", 200),
        ("localhost:9", 200),
        ("a.localhost", 200),
        ("[::1]:9", 200),
    ] {
        let answer = operator.send("GET", "/sessions", &[("host", host)], "");
        assert_eq!(answer.status(), status, "{host}");
        assert_eq!(answer.body.contains("All sessions"), status == 200, "{host}");
    }
}

#[test]
fn behind_a_proxy_the_page_has_its_name_and_a_secure_cookie() {
    let server = Server::start();
    let mut admin = command(&["admin", "--store", &server.store(), "--host", "ops.example"])
        .args(["--listen", "localhost:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut url = String::new();
    BufReader::new(admin.stdout.take().expect("pipe")).read_line(&mut url).expect("UTF-8");
    assert!(url.starts_with("https://ops.example/"), "{url}");
    stop(&mut admin);
    let output = command(&["admin", "--store", "memory:", "--host", "https://ops.example"])
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ops.example.com"));
}

#[test]
fn an_operator_who_has_signed_out_sees_nothing() {
    let server = Server::start();
    let (mut operator, _) = log_in(server.admin_url());
    let kept = operator.clone();
    let answer = operator.send("POST", "/logout", &[("sec-fetch-site", "cross-site")], "");
    assert_eq!(answer.status(), 403);
    assert!(operator.get("/").body.contains("Active sessions"));
    assert!(operator.post("/logout").body.contains("Signed out"));
    for mut browser in [operator, kept] {
        assert_eq!(browser.get("/").status(), 403);
    }
}

#[test]
fn after_ending_a_session_the_operator_is_told_so_where_they_were() {
    let server = Server::start();
    let (mut operator, _) = log_in(server.admin_url());
    for _ in 0..2 {
        server.browser().sign_in("bob", "builder");
    }
    let list = operator.get("/sessions?q=bob").body;
    let id = list.split("revoke?id=").nth(1).map(|rest| rest[..32].to_owned()).expect("a session");
    assert!(operator.get(&format!("/sessions?q={}", &id[..8])).body.contains(&id));
    let question = operator.get(&format!("/revoke?id={id}&q=bob")).body;
    assert!(question.contains("name=\"q\" value=\"bob\""), "{question}");
    let ended = operator.post_form("/revoke", &format!("id={id}&q=bob"));
    let next = ended.header("location").expect("a redirect").to_owned();
    let page = operator.get(&format!("/{next}")).body;
    assert!(page.contains(&format!("Session {id} was ended.")), "{page}");
    assert!(page.contains("Sessions of bob"), "{page}");
    let ended = operator.post_form("/revoke", "principal=bob");
    let next = ended.header("location").expect("a redirect").to_owned();
    assert!(operator.get(&format!("/{next}")).body.contains("All sessions of bob were ended."));
}

/// On a terminal, which `script` provides; its arguments differ elsewhere.
#[cfg(target_os = "linux")]
#[test]
fn an_address_that_is_opened_too_late_prints_a_new_one_on_the_terminal() {
    let server = Server::start();
    let program = command(&[]).get_program().display().to_string();
    let mut terminal = std::process::Command::new("script")
        .args(["-qec", &format!("{program} admin --listen 127.0.0.1:0"), "/dev/null"])
        .env("CLOAKROOM_STORE", server.store())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` runs");
    let lines = BufReader::new(terminal.stdout.take().expect("pipe")).lines();
    let mut urls = lines.map_while(Result::ok).filter_map(|line| {
        let (_, url) = line.split_once("http://")?;
        Some(format!("http://{}", url.trim_end()))
    });
    let first = urls.next().expect("an address");
    log_in(&first);
    let open = |url: &str| {
        let (site, path) = split(url);
        Browser::new(site.to_owned()).get(path)
    };
    for _ in 0..2 {
        let late = open(&first);
        assert_eq!(late.status(), 410);
        assert!(late.body.contains("printed a new address on its terminal"), "{}", late.body);
    }
    let second = urls.next().expect("a new address");
    assert_ne!(first, second);
    let (mut operator, _) = log_in(&second);
    assert!(operator.get("/").body.contains("Active sessions"));
    // Only one was printed for both visits.
    assert_eq!(open(&first).status(), 410);
    assert_ne!(urls.next().expect("a third address"), second);
    drop(terminal.stdin.take());
    let _ = terminal.kill();
    let _ = terminal.wait();
}

//! Crashes: no acknowledged write is lost, and no ended session is revived.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::browser::{Answer, Browser};
use crate::server::{Server, command, store_url};

const KILLS: usize = 24;
const CLIENTS: usize = 8;

/// A client that keeps track of what was acknowledged.
struct Client {
    browser: Browser,
    /// Visits acknowledged in this session.
    counted: u64,
    /// The last request, if it was never answered.
    unanswered: Option<Request>,
    /// Keys of sessions whose sign-out was acknowledged.
    ended: Vec<String>,
    sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Visit,
    SignIn,
    SignOut,
}

impl Client {
    fn new(server: &Server) -> Self {
        Self { browser: server.browser(), counted: 0, unanswered: None, ended: Vec::new(), sent: 0 }
    }

    /// The next request: mostly visits, some sign-ins and sign-outs.
    const fn next(&self) -> Request {
        match self.sent % 13 {
            5 => Request::SignIn,
            12 => Request::SignOut,
            _ => Request::Visit,
        }
    }

    fn send(&mut self, request: Request) -> Result<Answer, ureq::Error> {
        let headers = [("content-type", "application/json")];
        match request {
            Request::Visit => self.browser.try_send("POST", "/api/visit", &[], ""),
            Request::SignIn => {
                let alice = json!({"user": "alice", "password": "wonderland"}).to_string();
                self.browser.try_send("POST", "/api/login", &headers, &alice)
            }
            Request::SignOut => self.browser.try_send("POST", "/api/logout", &[], ""),
        }
    }

    /// Sends requests until the server is gone.
    fn work(&mut self, answered: &AtomicUsize) {
        loop {
            let request = self.next();
            let key = self.browser.cookie.clone();
            self.sent += 1;
            let Ok(answer) = self.send(request) else {
                self.unanswered = Some(request);
                return;
            };
            assert_eq!(answer.status(), 200, "{request:?}: {}", answer.body);
            match request {
                Request::Visit => {
                    self.counted += 1;
                    assert_eq!(answer.json()["visits"], self.counted);
                }
                Request::SignIn => assert_eq!(answer.json()["visits"], self.counted),
                Request::SignOut => {
                    self.counted = 0;
                    self.ended.extend(key);
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Checks after a crash: what was acknowledged is there, and the last request happened whole or
    /// not at all.
    fn verify(&mut self, server: &Server) {
        self.browser = self.browser.clone().at(server.url());
        let visits = self.browser.session()["visits"].as_u64().expect("number");
        let kept = visits == self.counted;
        match self.unanswered.take() {
            None => assert!(kept, "{visits} of {}", self.counted),
            Some(Request::Visit) => {
                assert!(kept || visits == self.counted + 1, "{visits} of {}", self.counted);
            }
            // The key may have been replaced or ended, and then opens nothing.
            Some(Request::SignIn | Request::SignOut) => {
                assert!(kept || visits == 0, "{visits} of {}", self.counted);
            }
        }
        if visits == 0 {
            self.browser = server.browser();
        }
        self.counted = visits;
        for key in &self.ended {
            let mut copy = server.browser();
            copy.cookie = Some(key.clone());
            let seen = copy.session();
            assert_eq!(
                (&seen["visits"], &seen["principal"]),
                (&json!(0), &json!(null)),
                "an ended session is revived"
            );
        }
    }
}

#[test]
fn repeated_crashes_lose_no_acknowledged_write_and_revive_no_ended_session() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("demo.db");
    let mut server = Server::start_on(&file);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&server)).collect();
    for kill in 0..KILLS {
        let (answered, until) = (AtomicUsize::new(0), 40 + kill * 37 % 160);
        thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work(&answered));
            }
            while answered.load(Ordering::Relaxed) < until {
                thread::yield_now();
            }
            server.kill();
        });
        server = Server::start_on(&file);
        for client in &mut clients {
            client.verify(&server);
        }
    }
    let ended: usize = clients.iter().map(|client| client.ended.len()).sum();
    let sent: usize = clients.iter().map(|client| client.sent).sum();
    assert!(ended > 50 && sent > 1_000, "only {sent} requests and {ended} sign-outs");
    let check = command(&["check", "--store", &store_url(&file)]).output().expect("the tool runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn a_session_and_the_reason_of_its_end_survive_the_server() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("demo.db");
    let server = Server::start_on(&file);
    let (mut here, mut there) = (server.browser(), server.browser());
    here.post_json("/api/cart", &json!({"item": "hat"}));
    here.sign_in("alice", "wonderland");
    there.sign_in("alice", "wonderland");
    here.post("/api/logout-others");
    server.kill();

    let server = Server::start_on(&file);
    let (mut here, mut there) = (here.at(server.url()), there.at(server.url()));
    let seen = here.session();
    assert_eq!((&seen["principal"], &seen["cart"]), (&json!("alice"), &json!(["hat"])));
    assert_eq!(there.session()["ended"], "signed out elsewhere");
}

/// The server's files cannot grow beyond a limit, as on a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_outage_that_loses_no_data_and_signs_no_one_out() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("demo.db");
    let server = Server::start_after("trap '' XFSZ && ulimit -f 400", &file);
    let (mut alice, mut acknowledged) = (server.browser(), 0);
    alice.sign_in("alice", "wonderland");
    let refused = loop {
        let answer = alice.post("/api/visit");
        if answer.status() != 200 {
            break answer;
        }
        acknowledged += 1;
    };
    assert_eq!((refused.status(), refused.set_cookie()), (503, None));
    assert_eq!(refused.json(), json!({"error": "try again in a moment"}));
    assert_eq!(refused.header("retry-after"), Some("5"));
    let page = alice.post_form("/visit", "");
    assert_eq!((page.status(), page.set_cookie()), (503, None));
    assert!(page.body.contains("You have not been signed out"), "{}", page.body);
    let seen = alice.session();
    assert_eq!((&seen["principal"], &seen["visits"]), (&json!("alice"), &json!(acknowledged)));
    server.kill();

    let server = Server::start_on(&file);
    let mut alice = alice.at(server.url());
    assert_eq!(alice.post("/api/visit").json()["visits"], json!(acknowledged + 1));
    assert_eq!(alice.session()["principal"], "alice");
}

//! A demo that is killed in the middle of its work, again and again: nothing answered is lost, nothing ended comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::browser::{Answer, Browser};
use crate::server::{Server, command, store_at};

const KILLS: usize = 24;
const CLIENTS: usize = 8;

/// Somebody who knows what they were answered.
struct Client {
    browser: Browser,
    /// Visits that were answered since the session began.
    counted: u64,
    /// What was asked last, if it was never answered.
    unanswered: Option<Request>,
    /// Keys of sessions whose sign-out was answered.
    ended: Vec<String>,
    asked: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Visit,
    SignIn,
    SignOut,
}

impl Client {
    fn new(server: &Server) -> Self {
        Self {
            browser: server.browser(),
            counted: 0,
            unanswered: None,
            ended: Vec::new(),
            asked: 0,
        }
    }

    /// Mostly visits; now and then a new key, or the end.
    const fn next(&self) -> Request {
        match self.asked % 13 {
            5 => Request::SignIn,
            12 => Request::SignOut,
            _ => Request::Visit,
        }
    }

    fn send(&mut self, request: Request) -> Result<Answer, ureq::Error> {
        let kind = [("content-type", "application/json")];
        match request {
            Request::Visit => self.browser.try_send("POST", "/api/visit", &[], ""),
            Request::SignIn => {
                let alice = json!({"user": "alice", "password": "wonderland"}).to_string();
                self.browser.try_send("POST", "/api/login", &kind, &alice)
            }
            Request::SignOut => self.browser.try_send("POST", "/api/logout", &[], ""),
        }
    }

    /// Asks until nobody answers.
    fn work(&mut self, answered: &AtomicUsize) {
        loop {
            let request = self.next();
            let key = self.browser.cookie.clone();
            self.asked += 1;
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

    /// After a crash: what was answered is there, what was not happened whole or not at all.
    fn look(&mut self, server: &Server) {
        self.browser = self.browser.clone().at(server.url());
        let visits = self.browser.session()["visits"].as_u64().expect("a number");
        let kept = visits == self.counted;
        match self.unanswered.take() {
            None => assert!(kept, "{visits} of {}", self.counted),
            Some(Request::Visit) => {
                assert!(kept || visits == self.counted + 1, "{visits} of {}", self.counted);
            }
            // The key that was to be replaced or ended may be, and then it opens nothing at all.
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
                "an ended session lives"
            );
        }
    }
}

#[test]
fn however_often_it_is_killed_nothing_answered_is_lost_and_nothing_ended_lives() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("demo.db");
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
            client.look(&server);
        }
    }
    let ended: usize = clients.iter().map(|client| client.ended.len()).sum();
    let asked: usize = clients.iter().map(|client| client.asked).sum();
    assert!(ended > 50 && asked > 1_000, "{ended} of {asked}: too few to show anything");
    let check = command(&["check", "--store", &store_at(&file)]).output().expect("the tool runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn a_session_outlives_the_server_and_so_does_the_reason_of_its_end() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("demo.db");
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

/// No file of the server may grow any more: as on a disk that is full, or that fails.
#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_is_an_outage_that_loses_nothing_and_nobody() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("demo.db");
    let server = Server::start_after("trap '' XFSZ && ulimit -f 400", &file);
    let (mut alice, mut answered) = (server.browser(), 0);
    alice.sign_in("alice", "wonderland");
    let refused = loop {
        let answer = alice.post("/api/visit");
        if answer.status() != 200 {
            break answer;
        }
        answered += 1;
    };
    assert_eq!((refused.status(), refused.set_cookie()), (503, None));
    assert_eq!(refused.json(), json!({"error": "try again in a moment"}));
    assert_eq!(refused.header("retry-after"), Some("5"));
    let page = alice.post_form("/visit", "");
    assert_eq!((page.status(), page.set_cookie()), (503, None));
    assert!(page.body.contains("Nobody was signed out: yours is safe"), "{}", page.body);
    let seen = alice.session();
    assert_eq!((&seen["principal"], &seen["visits"]), (&json!("alice"), &json!(answered)));
    server.kill();

    let server = Server::start_on(&file);
    let mut alice = alice.at(server.url());
    assert_eq!(alice.post("/api/visit").json()["visits"], json!(answered + 1));
    assert_eq!(alice.session()["principal"], "alice");
}

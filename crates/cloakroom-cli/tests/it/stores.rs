//! The demo and the tool on servers: while they die and stand still, and with several demos on one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server as Servers};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::{Server, command};

/// A server that keeps what it acknowledges.
trait Engine: Servers {
    fn start() -> Self;
}

impl Engine for Postgres {
    fn start() -> Self {
        Self::start(Durability::Always)
    }
}

impl Engine for Redis {
    fn start() -> Self {
        Self::start(Durability::Always)
    }
}

const PATIENCE: Duration = Duration::from_secs(1);

fn url_of(engine: &impl Engine) -> String {
    format!("{}?timeout={}ms", engine.url(), PATIENCE.as_millis())
}

/// Somebody who counts visits, and knows what they were answered.
#[derive(Default)]
struct Tally {
    sure: u64,
    doubtful: u64,
    slowest: Duration,
}

/// Visits until told to stop. A failure is an outage, in time, that takes nobody's cookie and gives none.
fn visit(browser: &mut Browser, stop: &AtomicBool, answered: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let began = now();
        let answer = browser.post("/api/visit");
        tally.slowest = tally.slowest.max(began.elapsed());
        match answer.status() {
            200 => {
                tally.sure += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            503 => {
                tally.doubtful += 1;
                assert_eq!(answer.set_cookie(), None, "an outage gives nobody a new session");
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    tally
}

fn no_acknowledged_write_is_lost_and_nothing_ended_lives<E: Engine>(name: &str) {
    const KILLS: u64 = 5;
    let mut engine = E::start();
    let server = Server::start_with(&url_of(&engine), &[]);
    let mut visitors: Vec<Browser> = (0..8).map(|_| server.browser()).collect();
    for visitor in &mut visitors {
        assert_eq!(visitor.post("/api/visit").status(), 200);
    }
    let ended: Vec<Browser> = (0..10)
        .map(|_| {
            let mut browser = server.browser();
            assert_eq!(browser.sign_in("alice", "wonderland").status(), 200);
            let copy = browser.clone();
            assert_eq!(browser.post("/api/logout").status(), 200);
            copy
        })
        .collect();
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let work = |visitor| {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || visit(visitor, stop, answered))
        };
        let working: Vec<_> = visitors.iter_mut().map(work).collect();
        for kill in 0..KILLS {
            let goal = answered.load(Ordering::Relaxed) + 100;
            until(|| answered.load(Ordering::Relaxed) >= goal);
            engine.kill();
            assert!(engine.restart(), "kill {kill}");
        }
        let goal = answered.load(Ordering::Relaxed) + 100;
        until(|| answered.load(Ordering::Relaxed) >= goal);
        stop.store(true, Ordering::Relaxed);
        working.into_iter().map(|working| working.join().expect("a tally")).collect()
    });
    let (mut sure, mut doubtful, mut slowest) = (0, 0, Duration::ZERO);
    for (visitor, tally) in visitors.iter_mut().zip(&tallies) {
        let visits = visitor.session()["visits"].as_u64().expect("a number");
        let known = 1 + tally.sure;
        assert!(
            (known..=known + tally.doubtful).contains(&visits),
            "{visits}, where {known} were answered"
        );
        (sure, doubtful) = (sure + tally.sure, doubtful + tally.doubtful);
        slowest = slowest.max(tally.slowest);
    }
    for mut browser in ended {
        assert_eq!(browser.session()["principal"], json!(null), "an ended session lives");
    }
    assert!(slowest < 3 * PATIENCE, "an answer took {slowest:?}");
    println!(
        "{name}: killed {KILLS} times: {sure} visits answered, none lost; {doubtful} failed, the slowest answer after {slowest:?}"
    );
}

fn a_server_that_stands_still_is_an_outage_in_time_that_ends_by_itself<E: Engine>(name: &str) {
    let engine = E::start();
    let server = Server::start_with(&url_of(&engine), &[]);
    let mut browser = server.browser();
    assert_eq!(browser.post("/api/visit").json()["visits"], json!(1));
    engine.freeze();
    let began = now();
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    while began.elapsed() < 3 * PATIENCE {
        let asked = now();
        let answer = browser.get("/api/session");
        assert_eq!((answer.status(), answer.set_cookie()), (503, None), "{}", answer.body);
        failed += 1;
        slowest = slowest.max(asked.elapsed());
    }
    engine.thaw();
    assert!(slowest < 2 * PATIENCE, "an answer took {slowest:?}");
    let found = until(|| browser.get("/api/session").status() == 200);
    assert_eq!(browser.session()["visits"], json!(1));
    println!(
        "{name}: stood still: {failed} failed, the slowest after {slowest:?}; found again after {found:?}"
    );
}

fn a_logout_on_one_node_is_honoured_by_the_other_at_once<E: Engine>(name: &str) {
    let engine = E::start();
    let node = || Server::start_with(&url_of(&engine), &["--near-cache", "10000000"]);
    let (here, there) = (node(), node());
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let mut browser = here.browser();
        assert_eq!(browser.sign_in("alice", "wonderland").status(), 200);
        let mut elsewhere = browser.clone().at(there.url());
        for _ in 0..3 {
            assert_eq!(elsewhere.session()["principal"], json!("alice"));
        }
        assert_eq!(browser.post("/api/logout").status(), 200);
        longest = longest.max(until(|| elsewhere.session()["principal"] == json!(null)));
    }
    println!("{name}: honoured by the other node after {longest:?} at the most");
    assert!(
        longest < Duration::from_secs(3),
        "no sooner than a cache forgets by itself: {longest:?}"
    );
}

fn the_tool_looks_into_the_store_and_acts_on_it<E: Engine>(healthy: &str) {
    let engine = E::start();
    let server = Server::start_with(&url_of(&engine), &[]);
    let mut browser = server.browser();
    assert_eq!(browser.sign_in("alice", "wonderland").status(), 200);
    let tool = |arguments: &[&str]| {
        let mut tool = command(arguments);
        tool.env("CLOAKROOM_STORE", engine.url()).output().expect("the tool runs")
    };
    let json = |arguments: &[&str]| -> Value {
        let output = tool(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    assert_eq!(json(&["list", "--principal", "alice"]).as_array().map(Vec::len), Some(1));
    let check = json(&["check"]);
    assert!(check["ok"] == json!(true) && check.to_string().contains(healthy), "{check}");
    assert!(check["round_trip_us"].as_f64() > Some(0.0));
    assert!(tool(&["revoke", "--principal", "alice", "--yes"]).status.success());
    assert_eq!(browser.session()["ended"], json!("revoked"));
}

macro_rules! on_each_engine {
    ($($law:ident)*) => {
        mod postgres {
            $(#[test] fn $law() { super::$law::<super::Postgres>("PostgreSQL"); })*
        }

        mod redis {
            $(#[test] fn $law() { super::$law::<super::Redis>("Redis"); })*
        }
    };
}

on_each_engine! {
    no_acknowledged_write_is_lost_and_nothing_ended_lives
    a_server_that_stands_still_is_an_outage_in_time_that_ends_by_itself
    a_logout_on_one_node_is_honoured_by_the_other_at_once
    the_tool_looks_into_the_store_and_acts_on_it
}

#[test]
fn a_store_that_cannot_be_reached_is_told_without_its_password() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    for scheme in ["postgres", "redis"] {
        let url = format!("{scheme}://alice:hunter2@{address}/0?timeout=300ms");
        for arguments in [&["list"][..], &["check"], &["demo"]] {
            let output = command(&[arguments, &["--store", &url]].concat())
                .output()
                .expect("the command runs");
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            let talk = String::from_utf8_lossy(&output.stderr);
            assert!(talk.contains("cannot be reached") && !talk.contains("hunter2"), "{talk}");
        }
    }
}

#[test]
fn a_mistake_in_the_name_of_a_store_is_told_without_its_password() {
    for arguments in [&["list"][..], &["check"], &["demo"], &["admin"]] {
        let mut command = command(arguments);
        let output =
            command.env("CLOAKROOM_STORE", "postgres://alice:hunter2@db/app?commit=later").output();
        let output = output.expect("the command runs");
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{talk}");
        assert!(talk.contains("synchronous") && !talk.contains("hunter2"), "{talk}");
    }
}

/// From one store to the next and to the next, while none is in use: nobody is signed out, and nobody who was comes back.
#[test]
fn sessions_are_copied_from_store_to_store_and_nobody_notices() {
    let place = tempfile::tempdir().expect("a directory");
    let (redis, postgres) = (<Redis as Engine>::start(), <Postgres as Engine>::start());
    let stores = [
        format!("sqlite:{}", place.path().join("demo.db").display()),
        url_of(&redis),
        url_of(&postgres),
    ];
    let server = Server::start_with(&stores[0], &[]);
    let [mut alice, mut gone] = [(); 2].map(|()| server.browser());
    assert_eq!(alice.sign_in("alice", "wonderland").status(), 200);
    assert_eq!(gone.sign_in("alice", "wonderland").status(), 200);
    drop(server);
    for (number, [from, to]) in stores.array_windows().enumerate() {
        let copy = || {
            let arguments = ["copy", "--from", from, "--to", to, "--json"];
            let output = command(&arguments).output().expect("the command runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
        };
        assert_eq!(copy()["new"], json!(2 - number));
        let again = copy();
        assert_eq!((&again["new"], &again["unchanged"]), (&json!(0), &json!(2 - number)));
        let server = Server::start_with(to, &[]);
        for browser in [&mut alice, &mut gone] {
            browser.goes_to(server.url());
        }
        assert_eq!(alice.session()["principal"], json!("alice"), "{to}");
        if number == 0 {
            let copy = gone.clone();
            assert_eq!(gone.post("/api/logout").status(), 200);
            gone = copy;
        }
        assert_eq!(gone.session()["principal"], json!(null), "{to}");
    }
}

/// Waits for it, and says how long.
fn until(mut holds: impl FnMut() -> bool) -> Duration {
    let began = now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never came to be");
        thread::yield_now();
    }
    began.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "how long an answer takes")]
fn now() -> Instant {
    Instant::now()
}

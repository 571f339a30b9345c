//! The demo and the tool on PostgreSQL and Redis: crashes, hangs, and two nodes on one store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server as Servers};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::{Server, command};

/// A server that keeps every acknowledged write.
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

/// The `timeout` in the store's URL.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Longer than any response takes on a busy machine, and much shorter than forever.
const AT_MOST: Duration = Duration::from_secs(10);

fn url_of(engine: &impl Engine) -> String {
    format!("{}?timeout={}ms", engine.url(), TIMEOUT.as_millis())
}

/// What became of a visitor's requests.
#[derive(Default)]
struct Tally {
    acknowledged: u64,
    failed: u64,
    slowest: Duration,
}

/// Stops the visitors, even if the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts visits until `stop`. A request that fails is a 503 and changes no cookie.
fn visit(browser: &mut Browser, stop: &AtomicBool, answered: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let start = now();
        let answer = browser.post("/api/visit");
        tally.slowest = tally.slowest.max(start.elapsed());
        match answer.status() {
            200 => {
                tally.acknowledged += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            503 => {
                tally.failed += 1;
                assert_eq!(answer.set_cookie(), None, "an outage starts no new session");
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    tally
}

fn crashes_lose_no_acknowledged_write_and_revive_no_ended_session<E: Engine>(name: &str) {
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
        let guard = StopOnDrop(&stop);
        for kill in 0..KILLS {
            let goal = answered.load(Ordering::Relaxed) + 100;
            until(|| answered.load(Ordering::Relaxed) >= goal);
            engine.kill();
            assert!(engine.restart(), "kill {kill}");
        }
        let goal = answered.load(Ordering::Relaxed) + 100;
        until(|| answered.load(Ordering::Relaxed) >= goal);
        drop(guard);
        working.into_iter().map(|working| working.join().expect("a visitor succeeds")).collect()
    });
    let (mut acknowledged, mut failed, mut slowest) = (0, 0, Duration::ZERO);
    for (visitor, tally) in visitors.iter_mut().zip(&tallies) {
        let visits = once_available(visitor)["visits"].as_u64().expect("number");
        let known = 1 + tally.acknowledged;
        assert!(
            (known..=known + tally.failed).contains(&visits),
            "{visits} visits, of which {known} were acknowledged"
        );
        (acknowledged, failed) = (acknowledged + tally.acknowledged, failed + tally.failed);
        slowest = slowest.max(tally.slowest);
    }
    for mut browser in ended {
        let session = once_available(&mut browser);
        assert_eq!(session["principal"], json!(null), "an ended session is revived");
    }
    assert!(slowest < AT_MOST, "a response took {slowest:?}");
    println!(
        "{name}: {KILLS} crashes, {acknowledged} visits acknowledged, none lost; {failed} failed; \
         slowest response {slowest:?}"
    );
}

fn a_hanging_server_is_an_outage_within_the_timeout_that_ends_by_itself<E: Engine>(name: &str) {
    let engine = E::start();
    let server = Server::start_with(&url_of(&engine), &[]);
    let mut browser = server.browser();
    assert_eq!(browser.post("/api/visit").json()["visits"], json!(1));
    engine.freeze();
    let start = now();
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    while start.elapsed() < 3 * TIMEOUT {
        let sent = now();
        let answer = browser.get("/api/session");
        assert_eq!((answer.status(), answer.set_cookie()), (503, None), "{}", answer.body);
        failed += 1;
        slowest = slowest.max(sent.elapsed());
    }
    engine.thaw();
    assert!(slowest < AT_MOST, "a response took {slowest:?}");
    let thawed = now();
    assert_eq!(once_available(&mut browser)["visits"], json!(1));
    let recovered = thawed.elapsed();
    println!(
        "{name}: hung: {failed} requests failed, the slowest after {slowest:?}; recovered after \
         {recovered:?}"
    );
}

fn a_logout_on_one_node_is_honoured_by_a_caching_node_at_once<E: Engine>(name: &str) {
    let engine = E::start();
    let node = || Server::start_with(&url_of(&engine), &["--cache", "10000000"]);
    let (here, there) = (node(), node());
    let mut delays = Vec::new();
    for _ in 0..20 {
        let mut browser = here.browser();
        assert_eq!(browser.sign_in("alice", "wonderland").status(), 200);
        let mut elsewhere = browser.clone().at(there.url());
        for _ in 0..3 {
            assert_eq!(elsewhere.session()["principal"], json!("alice"));
        }
        assert_eq!(browser.post("/api/logout").status(), 200);
        delays.push(until(|| elsewhere.session()["principal"] == json!(null)));
    }
    delays.sort();
    println!("{name}: honoured by the other node within {:?}", delays[19]);
    // On a busy machine a few can take longer.
    assert!(
        delays[10] < Duration::from_secs(1),
        "hardly sooner than a cached session goes stale: {delays:?}"
    );
}

fn the_tool_reads_and_changes_the_store<E: Engine>(healthy: &str) {
    let engine = E::start();
    let server = Server::start_with(&url_of(&engine), &[]);
    let mut browser = server.browser();
    assert_eq!(browser.sign_in("alice", "wonderland").status(), 200);
    let tool = |arguments: &[&str]| {
        let mut tool = command(arguments);
        tool.env("CLOAKROOM_STORE", engine.url()).output().expect("the command runs")
    };
    let json = |arguments: &[&str]| -> Value {
        let output = tool(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    assert_eq!(json(&["list", "--principal", "alice"]).as_array().map(Vec::len), Some(1));
    let id = json(&["list"])[0]["id"].as_str().expect("string").to_owned();
    assert_eq!(json(&["show", &id[..8]])["id"], json!(id));
    assert_eq!(tool(&["show", "00000000"]).status.code(), Some(3));
    let check = json(&["check"]);
    assert!(check["ok"] == json!(true) && check.to_string().contains(healthy), "{check}");
    assert!(check["round_trip_us"].as_f64() > Some(0.0));
    assert!(tool(&["revoke", "--principal", "alice", "--yes"]).status.success());
    assert_eq!(browser.session()["ended"], json!("revoked"));
}

macro_rules! on_each_engine {
    ($($test:ident)*) => {
        mod postgres {
            $(#[test] fn $test() { super::$test::<super::Postgres>("PostgreSQL"); })*
        }

        mod redis {
            $(#[test] fn $test() { super::$test::<super::Redis>("Redis"); })*
        }
    };
}

on_each_engine! {
    crashes_lose_no_acknowledged_write_and_revive_no_ended_session
    a_hanging_server_is_an_outage_within_the_timeout_that_ends_by_itself
    a_logout_on_one_node_is_honoured_by_a_caching_node_at_once
    the_tool_reads_and_changes_the_store
}

#[test]
fn an_unreachable_store_is_reported_without_its_password() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("free port");
    let address = listener.local_addr().expect("address");
    drop(listener);
    for scheme in ["postgres", "redis"] {
        let url = format!("{scheme}://alice:hunter2@{address}/0?timeout=300ms");
        for arguments in [&["list"][..], &["check"], &["demo"]] {
            let output = command(&[arguments, &["--store", &url]].concat())
                .output()
                .expect("the command runs");
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(
                message.contains("cannot be reached") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }
}

#[test]
fn an_invalid_store_url_is_reported_without_its_password() {
    for arguments in [&["list"][..], &["check"], &["demo"], &["admin"]] {
        let mut command = command(arguments);
        let output =
            command.env("CLOAKROOM_STORE", "postgres://alice:hunter2@db/app?commit=later").output();
        let output = output.expect("the command runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("synchronous") && !message.contains("hunter2"), "{message}");
    }
}

/// From SQLite to Redis to PostgreSQL, while the demo is stopped.
#[test]
fn copying_between_stores_signs_no_one_out_and_revives_no_ended_session() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (redis, postgres) = (<Redis as Engine>::start(), <Postgres as Engine>::start());
    let stores = [
        format!("sqlite:{}", directory.path().join("demo.db").display()),
        url_of(&redis),
        url_of(&postgres),
    ];
    let server = Server::start_with(&stores[0], &[]);
    let [mut alice, mut ended] = [(); 2].map(|()| server.browser());
    assert_eq!(alice.sign_in("alice", "wonderland").status(), 200);
    assert_eq!(ended.sign_in("alice", "wonderland").status(), 200);
    drop(server);
    for (number, pair) in stores.windows(2).enumerate() {
        let (from, to) = (&pair[0], &pair[1]);
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
        (alice, ended) = (alice.at(server.url()), ended.at(server.url()));
        assert_eq!(alice.session()["principal"], json!("alice"), "{to}");
        if number == 0 {
            let copy = ended.clone();
            assert_eq!(ended.post("/api/logout").status(), 200);
            ended = copy;
        }
        assert_eq!(ended.session()["principal"], json!(null), "{to}");
    }
}

/// The session, as soon as the store answers. While it does not, every response is a 503.
fn once_available(browser: &mut Browser) -> Value {
    let mut session = Value::Null;
    until(|| {
        let answer = browser.get("/api/session");
        let is_available = answer.status() == 200;
        if is_available {
            session = answer.json();
        } else {
            assert_eq!((answer.status(), answer.set_cookie()), (503, None), "{}", answer.body);
        }
        is_available
    });
    session
}

/// Waits until the condition holds, and returns how long that took.
fn until(mut condition: impl FnMut() -> bool) -> Duration {
    let start = now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "timed out");
        thread::yield_now();
    }
    start.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn now() -> Instant {
    Instant::now()
}

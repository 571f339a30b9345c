//! What becomes of sessions while the server dies, stops, is cut off and comes back.

use std::time::Duration;

use cloakroom::{Cached, ErrorKind, Map, Sessions};
use cloakroom_redis::{RedisErrorKind, RedisStore};
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::hardship;
use cloakroom_testkit::servers::{Durability, Redis, Server};
use tokio::runtime::Runtime;

use crate::place::{deaf, open};

macro_rules! hardships {
    ($($law:ident: $durability:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            hardship::$law(&mut Redis::start(Durability::$durability), open);
        })*
    };
}

hardships! {
    nothing_acknowledged_is_lost: Always,
    standing_still_is_an_error_in_time: None,
    connections_may_be_reset: None,
    operations_are_one_round_trip: None,
    an_end_is_told: None,
    nothing_is_missed_while_the_feed_is_cut: None,
    an_end_is_known_within_the_bound_while_the_feed_is_silent: None,
}

/// What the system has of the log outlives the server; only the machine's own end takes the last second back.
#[test]
fn with_a_log_that_is_synced_once_a_second_the_servers_death_is_measured() {
    let losses = hardship::killed(&mut Redis::start(Durability::EverySecond), 3, open);
    println!("killed 3 times, log synced once a second: {losses:?}");
    assert!(losses.acknowledged > 0);
}

#[test]
fn without_a_log_a_crash_takes_every_session_and_the_next_begins() {
    let mut server = Redis::start(Durability::None);
    let sessions: Sessions<Map> = Sessions::new(open(&server.url())).unwrap();
    let begin = || block_on(sessions.generate(Map::default()));
    let key = begin().unwrap().key().unwrap().clone();
    server.kill();
    assert!(server.restart());
    let found = loop {
        match block_on(sessions.of_key(&key)) {
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            found => break found,
        }
    };
    assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(begin().is_ok());
}

/// Though it answers, and nobody has told this node.
#[test]
fn a_server_that_follows_another_by_now_is_neither_asked_nor_believed() {
    let (server, other) = (Redis::start(Durability::None), Redis::start(Durability::None));
    let cached = block_on(Cached::builder(open(&server.url())).believing(Duration::from_hours(1)).start());
    let sessions: Sessions<Map> = Sessions::new(cached.unwrap()).unwrap();
    let key = block_on(sessions.generate(Map::default())).unwrap().key().unwrap().clone();
    assert!(block_on(sessions.of_key(&key)).is_ok());
    server.command(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    let mut tries = 0;
    while block_on(sessions.of_key(&key)).is_ok() {
        tries += 1;
        assert!(tries < 50_000_000, "it is believed for ever");
    }
    let error = loop {
        match block_on(sessions.generate(Map::default())) {
            Err(error) => break error,
            Ok(session) => drop(session),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let refused = Runtime::new().unwrap().block_on(RedisStore::connect(server.url())).unwrap_err();
    assert_eq!(refused.kind(), RedisErrorKind::NotReady, "{refused}");
}

#[test]
fn scripts_that_the_server_forgot_are_said_again() {
    let server = Redis::start(Durability::None);
    let sessions: Sessions<Map> = Sessions::new(open(&server.url())).unwrap();
    let key = block_on(sessions.generate(Map::default())).unwrap().key().unwrap().clone();
    server.command("SCRIPT FLUSH");
    let mut session = block_on(sessions.of_key(&key)).unwrap();
    block_on(session.update(|map| map.insert("n", 1).unwrap())).unwrap();
}

#[test]
fn nobody_there_is_told_when_the_store_is_opened() {
    let runtime = Runtime::new().unwrap();
    let error = runtime.block_on(RedisStore::connect(deaf())).unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unreachable);
    let error = runtime.block_on(RedisStore::connect("redis:/nowhere")).unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Url);
    let builder = RedisStore::builder("redis://user:hunter2@127.0.0.1");
    assert!(!format!("{builder:?}").contains("hunter2"));
}

//! Sessions while the server dies, stops, is cut off and comes back.

use std::time::Duration;

use cloakroom::record::{EndReason, Ending, Stored};
use cloakroom::store::Ended;
use cloakroom::stores::CachedStore;
use cloakroom::{ErrorKind, Principal, PublicId, SessionMap, Sessions, Store, Timestamp};
use cloakroom_redis::{RedisErrorKind, RedisStore};
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::chaos;
use cloakroom_testkit::servers::{Durability, Redis, Server};
use tokio::runtime::Runtime;

use crate::server::{open, until, unused_url};

macro_rules! chaos_tests {
    ($($law:ident: $durability:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            chaos::$law(&mut Redis::start(Durability::$durability), open);
        })*
    };
}

chaos_tests! {
    nothing_acknowledged_is_lost: Always,
    a_frozen_server_is_an_error_in_time: None,
    an_error_names_the_server_and_the_cause: None,
    reset_connections_lose_nothing: None,
    a_link_that_passes_one_way_loses_nothing: None,
    operations_are_one_round_trip: None,
    an_end_reaches_other_nodes: None,
    no_change_is_missed_while_the_feed_is_cut: None,
    an_end_is_known_within_the_bound_while_the_feed_is_silent: None,
}

#[test]
fn every_call_to_a_frozen_server_ends_in_time() {
    let (runtime, timeout) = (Runtime::new().unwrap(), 4 * chaos::STORE_TIMEOUT);
    chaos::every_call_ends_in_time(&mut Redis::start(Durability::None), timeout, |url| {
        runtime.block_on(RedisStore::builder(url).timeout(timeout).connect()).unwrap()
    });
}

#[test]
fn a_write_that_is_not_answered_happened_or_not() {
    let (runtime, timeout) = (Runtime::new().unwrap(), 4 * chaos::STORE_TIMEOUT);
    let server = &mut Redis::start(Durability::None);
    chaos::a_write_that_is_not_answered_happened_or_not(server, timeout, |url| {
        runtime.block_on(RedisStore::builder(url).timeout(timeout).connect()).unwrap()
    });
}

/// Only a crash of the machine loses the last second: the system keeps what the killed process
/// wrote.
#[test]
fn the_losses_with_a_log_that_is_synced_once_a_second_are_measured() {
    let losses = chaos::kill_repeatedly(&mut Redis::start(Durability::EverySecond), 3, open);
    println!("killed 3 times, log synced once a second: {losses:?}");
    assert!(losses.acknowledged > 0);
}

#[test]
fn without_a_log_a_crash_loses_every_session_and_new_ones_can_create() {
    let mut server = Redis::start(Durability::None);
    let sessions: Sessions<SessionMap> = Sessions::new(open(&server.url())).unwrap();
    let create = || block_on(sessions.generate(SessionMap::default()));
    let key = create().unwrap().key().unwrap().clone();
    server.kill();
    assert!(server.restart());
    let found = loop {
        match block_on(sessions.of_key(&key)) {
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            found => break found,
        }
    };
    assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(create().is_ok());
}

/// Even though it answers, and this node was not notified.
#[test]
fn a_former_master_is_neither_read_nor_cached() {
    let (server, other) = (Redis::start(Durability::None), Redis::start(Durability::None));
    let cached = block_on(
        CachedStore::builder(open(&server.url()))
            .max_staleness(Duration::from_secs(60 * 60))
            .build(),
    );
    let sessions: Sessions<SessionMap> = Sessions::new(cached.unwrap()).unwrap();
    let key = block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    assert!(block_on(sessions.of_key(&key)).is_ok());
    server.command(&format!("REPLICAOF 127.0.0.1 {}", other.port()));
    until(|| block_on(sessions.of_key(&key)).is_err());
    let error = loop {
        match block_on(sessions.generate(SessionMap::default())) {
            Err(error) => break error,
            Ok(session) => drop(session),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let refused = Runtime::new().unwrap().block_on(RedisStore::connect(server.url())).unwrap_err();
    assert_eq!(refused.kind(), RedisErrorKind::NotReady, "{refused}");
}

/// Logouts, revocations and touches free memory or need none.
#[test]
fn a_server_whose_memory_is_full_still_ends_and_touches_sessions() {
    let server = Redis::start_with(Durability::None, &["--maxmemory-policy", "noeviction"]);
    let store = std::sync::Arc::new(open(&server.url()));
    let sessions: Sessions<SessionMap> = Sessions::new(std::sync::Arc::clone(&store)).unwrap();
    let create = || block_on(sessions.generate(SessionMap::default()));
    let keys = [(); 3].map(|()| create().unwrap().key().unwrap().clone());
    server.command("CONFIG SET maxmemory 1mb");
    assert_eq!(create().unwrap_err().kind(), ErrorKind::Unavailable, "the server is full");
    let Some(Stored::Live(record)) = block_on(store.get(keys[0].id())).unwrap() else {
        panic!("the session is live")
    };
    let later = record.idle_deadline().after(Duration::from_secs(1));
    assert!(block_on(store.touch(keys[0].id(), record.revision(), later)).unwrap());
    block_on(sessions.revoke(keys[1].id())).unwrap();
    assert_eq!(block_on(sessions.of_key(&keys[1])).unwrap_err().kind(), ErrorKind::NotFound);
    let alice = Principal::new("alice").unwrap();
    block_on(sessions.revoke_issued_before(&alice, sessions.now())).unwrap();
    assert!(
        block_on(sessions.of_key(&keys[0])).is_ok() && block_on(sessions.of_key(&keys[2])).is_ok()
    );
}

/// An operator, or the policy for unreadable records, can remove it.
#[test]
fn an_unreadable_session_can_be_ended() {
    let server = Redis::start(Durability::None);
    let store = open(&server.url());
    for (number, bytes) in
        ["x", "garbage", &"\0".repeat(124), &"\0".repeat(200)].into_iter().enumerate()
    {
        let id = PublicId::from_bytes([u8::try_from(number).unwrap(); 16]);
        let text: Vec<String> = bytes.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        let text = text.concat();
        server.command(&format!("SET cloakroom:session:{id} \"\\x02\\x00{text}\""));
        assert!(block_on(store.get(id)).is_err(), "{number}");
        let now = Timestamp::from_millis(1 << 41);
        let ending = Ending::new(EndReason::Revoked, now, now.after(Duration::from_secs(60 * 60)));
        assert_eq!(block_on(store.end(id, ending)).unwrap(), Ended::Now, "{number}");
    }
}

#[test]
fn scripts_are_sent_again_if_the_server_dropped_them() {
    let server = Redis::start(Durability::None);
    let sessions: Sessions<SessionMap> = Sessions::new(open(&server.url())).unwrap();
    let key = block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    server.command("SCRIPT FLUSH");
    let mut session = block_on(sessions.of_key(&key)).unwrap();
    block_on(session.update(|map| map.insert("n", 1).unwrap())).unwrap();
}

#[test]
fn connecting_fails_without_a_server() {
    let runtime = Runtime::new().unwrap();
    let error = runtime.block_on(RedisStore::connect(unused_url())).unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Unreachable);
    let error = runtime.block_on(RedisStore::connect("redis:/nowhere")).unwrap_err();
    assert_eq!(error.kind(), RedisErrorKind::Url);
    let builder = RedisStore::builder("redis://user:hunter2@127.0.0.1");
    assert!(!format!("{builder:?}").contains("hunter2"));
}

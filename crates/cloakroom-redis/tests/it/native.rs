//! The compare-and-set of the server, where it has one.

use std::time::Duration;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{Record, Revision};
use cloakroom::store::{Inserted, Outcome, Swap};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, PublicId, Store, Timestamp, protocol};
use cloakroom_testkit::servers::{Durability, Redis, RedisCluster, Server};

use crate::server::{open, open_alone_with_replicas, open_cluster};

const NOW: Timestamp = cloakroom_testkit::ManualClock::START;

/// A record of this revision.
fn record(count: u64, payload: &[u8]) -> Record {
    let key = Key::new(PublicId::from_bytes([0; 16]), Secret::from_bytes([1; 16]));
    let lifetime =
        Lifetime::absolute(Duration::from_secs(3_600)).with_idle_timeout(Duration::from_secs(600));
    let (verifier, revision) = (key.verifier(KindTag::DEFAULT), Revision::new(count, count));
    let payload = Payload::from_bytes(payload);
    protocol::begin(KindTag::DEFAULT, verifier, lifetime, None, payload, revision, NOW)
}

/// Stores a session and replaces it nine times.
fn write_ten_times(store: &impl Store, id: PublicId, payload: &[u8]) {
    let mut seen = record(1, payload);
    assert_eq!(store.insert(id, seen.clone()).wait().unwrap(), Inserted::Done);
    for count in 2..=10 {
        let next = record(count, payload);
        assert!(matches!(store.replace(id, &seen, next.clone(), NOW).wait(), Ok(Swap::Done)));
        seen = next;
    }
}

/// How often the server was sent a command.
fn calls(info: &str, command: &str) -> u64 {
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
    let count = line.and_then(|line| line.strip_prefix("calls=")?.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn a_server_with_a_compare_and_set_runs_no_script_for_a_write() {
    let server = Redis::start_valkey(Durability::None);
    let store = open(&server.url());
    write_ten_times(&store, PublicId::from_bytes([1; 16]), b"small");
    let info = server.command("INFO COMMANDSTATS");
    // The first asks whether the server has it.
    assert_eq!((calls(&info, "set"), calls(&info, "evalsha")), (11, 0), "{info}");
}

/// The changes of one session that wait are planned on one another.
#[test]
fn writes_that_wait_for_one_session_become_few() {
    for server in [Redis::start(Durability::None), Redis::start_valkey(Durability::None)] {
        let (store, id) = (open(&server.url()), PublicId::from_bytes([1; 16]));
        let records: Vec<Record> = (1..=1_001).map(|count| record(count, b"small")).collect();
        assert_eq!(store.insert(id, records[0].clone()).wait().unwrap(), Inserted::Done);
        let replace = |pair: &[Record]| store.replace(id, &pair[0], pair[1].clone(), NOW);
        let writes: Vec<_> = records.windows(2).map(replace).collect();
        for write in writes {
            assert!(matches!(write.wait(), Ok(Swap::Done)));
        }
        let info = server.command("INFO COMMANDSTATS");
        let sent = calls(&info, "set") + calls(&info, "evalsha") + calls(&info, "eval");
        assert!(sent < 200, "{sent} commands for 1,000 writes: {info}");
    }
}

#[test]
fn a_value_that_is_costly_to_compare_is_left_to_the_script() {
    let server = Redis::start_valkey(Durability::None);
    write_ten_times(&open(&server.url()), PublicId::from_bytes([1; 16]), &b"x".repeat(40_000));
    let info = server.command("INFO COMMANDSTATS");
    assert_eq!(calls(&info, "evalsha") + calls(&info, "eval"), 9, "{info}");
}

#[test]
fn a_session_that_was_used_since_it_was_read_is_written_at_the_second_try() {
    let server = Redis::start_valkey(Durability::None);
    let (store, id) = (open(&server.url()), PublicId::from_bytes([1; 16]));
    write_ten_times(&store, id, b"small");
    let seen = record(10, b"small");
    let later = seen.idle_deadline().after(Duration::from_secs(60));
    assert!(store.touch(id, seen.revision(), later).wait().unwrap());
    let swap = store.replace(id, &seen, record(11, b"small"), NOW).wait();
    assert!(matches!(swap, Ok(Swap::Done)), "{swap:?}");
    let info = server.command("INFO COMMANDSTATS");
    assert_eq!(calls(&info, "evalsha"), 2, "one for the touch, one for the write: {info}");
}

#[test]
fn every_node_of_a_cluster_compares_by_itself() {
    let cluster = RedisCluster::start_valkey(Durability::None);
    let store = open_cluster(&cluster.url());
    for n in 0..20 {
        write_ten_times(&store, PublicId::from_bytes([n; 16]), b"small");
    }
    let all = cluster.command_all("INFO COMMANDSTATS");
    let scripts: u64 = all.iter().map(|info| calls(info, "evalsha") + calls(info, "eval")).sum();
    assert_eq!(scripts, 0, "{all:?}");
}

/// The command that found another value wrote nothing, so nothing waits for replicas again.
#[test]
fn a_write_that_was_not_made_for_want_of_replicas_says_so_at_once() {
    let server = Redis::start_valkey(Durability::None);
    let (store, id) = (open(&server.url()), PublicId::from_bytes([1; 16]));
    write_ten_times(&store, id, b"small");
    let seen = record(10, b"small");
    let later = seen.idle_deadline().after(Duration::from_secs(60));
    assert!(store.touch(id, seen.revision(), later).wait().unwrap());
    let careful = open_alone_with_replicas(&server.url());
    // Writes have a connection of their own, which the first one makes.
    assert!(careful.insert(PublicId::from_bytes([2; 16]), record(1, b"small")).wait().is_err());
    let error = careful.replace(id, &seen, record(11, b"small"), NOW).wait().unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}");
    let info = server.command("INFO COMMANDSTATS");
    assert_eq!(calls(&info, "wait"), 2, "one for each: {info}");
}

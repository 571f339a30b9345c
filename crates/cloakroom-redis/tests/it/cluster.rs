//! Sessions while masters of a cluster die, and behind sentinels.

use cloakroom::{ErrorKind, SessionMap, Sessions, Store};
use cloakroom_redis::RedisErrorKind;
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::chaos::{self, STORE_TIMEOUT};
use cloakroom_testkit::servers::{Durability, RedisCluster, RedisSentinel, Server};

use crate::server::{open_cluster, open_replicated, until};

macro_rules! chaos_tests {
    ($($law:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            chaos::$law(&mut RedisCluster::start(Durability::None), open_cluster);
        })*
    };
}

chaos_tests! {
    a_frozen_server_is_an_error_in_time,
    an_end_reaches_other_nodes,
}

#[test]
fn no_write_that_a_replica_has_is_lost_when_its_master_is_killed() {
    let mut cluster = RedisCluster::start(Durability::EverySecond);
    let losses = chaos::kill_repeatedly(&mut cluster, 3, open_replicated);
    println!("waiting for a replica, 3 masters killed: {losses:?}");
    assert_eq!((losses.lost, losses.revived), (0, 0), "{losses:?}");
}

#[test]
fn the_store_works_again_after_a_master_was_killed_without_waiting_for_replicas() {
    // With a log: a master that restarts empty before a failover would empty its replicas too.
    let mut cluster = RedisCluster::start(Durability::EverySecond);
    let losses = chaos::kill_repeatedly(&mut cluster, 3, open_cluster);
    println!("waiting for no replica, 3 masters killed: {losses:?}");
    assert!(losses.acknowledged > 0);
}

#[test]
fn connecting_tries_the_next_node_if_one_is_gone() {
    let mut cluster = RedisCluster::start(Durability::None);
    let gone = cluster.url();
    cluster.kill();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = cloakroom_redis::RedisStore::cluster(gone).add_node(cluster.url());
    let store = runtime.block_on(store.connect()).unwrap();
    assert!(block_on(store.health()).is_ok());
}

#[test]
fn the_master_after_a_failover_by_sentinels_is_found() {
    let mut servers = RedisSentinel::start(Durability::None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [unused, sentinel, ..] = &servers.sentinels()[..] else { panic!("three sentinels") };
    let builder = cloakroom_redis::RedisStore::sentinel(unused, "cloakroom")
        .add_node(sentinel)
        .timeout(STORE_TIMEOUT);
    let builder = builder.min_replicas(1, STORE_TIMEOUT / 2);
    let unknown = cloakroom_redis::RedisStore::sentinel(sentinel, "unknown").connect();
    assert_eq!(runtime.block_on(unknown).unwrap_err().kind(), RedisErrorKind::NotReady);
    let sessions: Sessions<SessionMap> =
        Sessions::new(runtime.block_on(builder.connect()).unwrap()).unwrap();
    let key = block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    servers.fail_over();
    until(|| match block_on(sessions.of_key(&key)) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            false
        }
    });
}

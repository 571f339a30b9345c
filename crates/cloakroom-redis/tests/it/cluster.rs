//! What becomes of sessions while masters of a cluster die.

use cloakroom::{ErrorKind, SessionMap, Sessions, Store};
use cloakroom_redis::RedisErrorKind;
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::hardship::{self, PATIENCE};
use cloakroom_testkit::servers::{Durability, RedisCluster, RedisSentinel, Server};

use crate::place::{open_cluster, open_copied};

macro_rules! hardships {
    ($($law:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            hardship::$law(&mut RedisCluster::start(Durability::None), open_cluster);
        })*
    };
}

hardships! {
    standing_still_is_an_error_in_time,
    an_end_is_told,
}

#[test]
fn nothing_copied_to_a_replica_is_lost_when_its_master_is_killed() {
    let mut cluster = RedisCluster::start(Durability::EverySecond);
    let losses = hardship::killed(&mut cluster, 3, open_copied);
    println!("waiting for a replica, 3 masters killed: {losses:?}");
    assert_eq!((losses.lost, losses.revived), (0, 0), "{losses:?}");
}

#[test]
fn without_waiting_for_replicas_an_application_goes_on_after_a_master_was_killed() {
    // With a log: a master that comes back empty before anybody has told it of its successor takes all with it.
    let mut cluster = RedisCluster::start(Durability::EverySecond);
    let losses = hardship::killed(&mut cluster, 3, open_cluster);
    println!("waiting for no replica, 3 masters killed: {losses:?}");
    assert!(losses.acknowledged > 0);
}

#[test]
fn who_enters_by_a_server_that_is_gone_is_let_in_by_another() {
    let mut cluster = RedisCluster::start(Durability::None);
    let gone = cluster.url();
    cluster.kill();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = cloakroom_redis::RedisStore::cluster(gone).or(cluster.url());
    let store = runtime.block_on(store.connect()).unwrap();
    assert!(block_on(store.health()).is_ok());
}

#[test]
fn a_master_that_sentinels_have_replaced_is_found() {
    let mut servers = RedisSentinel::start(Durability::None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [nobody, sentinel, ..] = &servers.sentinels()[..] else { panic!("three sentinels") };
    let way =
        cloakroom_redis::RedisStore::sentinel(nobody, "cloakroom").or(sentinel).timeout(PATIENCE);
    let way = way.min_replicas(1, PATIENCE / 2);
    let unknown = cloakroom_redis::RedisStore::sentinel(sentinel, "nobody").connect();
    assert_eq!(runtime.block_on(unknown).unwrap_err().kind(), RedisErrorKind::NotReady);
    let sessions: Sessions<SessionMap> =
        Sessions::new(runtime.block_on(way.connect()).unwrap()).unwrap();
    let key = block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    servers.fail_over();
    let mut tries = 0;
    while let Err(error) = block_on(sessions.of_key(&key)) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        tries += 1;
        assert!(tries < 1_000_000, "it never came back");
    }
}

//! Sessions while masters of a cluster die, and while its slots move.

use cloakroom::{Principal, SessionMap, Sessions, Store};
use cloakroom_redis::RedisStore;
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::chaos;
use cloakroom_testkit::servers::{Durability, RedisCluster, Server};

use tokio::runtime::Runtime;

use crate::server::{open_cluster, open_replicated};

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
fn every_call_to_a_frozen_server_ends_in_time() {
    let (runtime, timeout) = (Runtime::new().unwrap(), 4 * chaos::STORE_TIMEOUT);
    chaos::every_call_ends_in_time(&mut RedisCluster::start(Durability::None), timeout, |url| {
        runtime.block_on(RedisStore::cluster(url).timeout(timeout).connect()).unwrap()
    });
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
    let runtime = Runtime::new().unwrap();
    let store = RedisStore::cluster(gone).add_node(cluster.url());
    let store = runtime.block_on(store.connect()).unwrap();
    assert!(block_on(store.health()).is_ok());
}

/// A tool that moves slots can be interrupted. What is kept of a principal is in one key, as a
/// script on two of them would be refused until someone closes the slot.
#[test]
fn a_slot_that_was_left_open_refuses_no_one() {
    let cluster = RedisCluster::start(Durability::None);
    for open in [open_cluster, open_replicated] {
        let sessions: Sessions<SessionMap> = Sessions::new(open(&cluster.url())).unwrap();
        let sign_in = |name: &str| {
            let mut session = block_on(sessions.generate(SessionMap::default()))?;
            block_on(session.login(&Principal::new(name).unwrap()))?;
            Ok::<_, cloakroom::Error>(session.key().unwrap().clone())
        };
        let (known, new) = ("alice", "bob");
        let alice = Principal::new(known).unwrap();
        sign_in(known).unwrap();
        block_on(sessions.revoke_issued_before(&alice, sessions.now())).unwrap();
        for name in [known, new] {
            cluster.leave_slot_open(&format!("cloakroom:principal:{{={name}}}"));
        }
        for name in [known, new] {
            let key = sign_in(name).unwrap();
            assert!(block_on(sessions.of_key(&key)).is_ok(), "{name}");
            let principal = Principal::new(name).unwrap();
            block_on(sessions.revoke_issued_before(&principal, sessions.now())).unwrap();
            block_on(sessions.revoke_all(&principal)).unwrap();
            assert!(block_on(sessions.of_key(&key)).is_err(), "{name}");
        }
        cluster.close_slots();
    }
}

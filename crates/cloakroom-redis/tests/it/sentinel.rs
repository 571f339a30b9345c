//! Sessions behind sentinels, which replace the master.

use cloakroom::{ErrorKind, PublicId, SessionMap, Sessions};
use cloakroom_redis::{RedisErrorKind, RedisStore};
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Redis, RedisSentinel};
use tokio::runtime::Runtime;

use crate::server::until;

#[test]
fn the_master_after_a_failover_by_sentinels_is_found() {
    let mut servers = RedisSentinel::start(Durability::None);
    let runtime = Runtime::new().unwrap();
    let sentinel = servers.sentinels().remove(0);
    let builder = sentinels(&servers).min_replicas(1, STORE_TIMEOUT / 2);
    let unknown = RedisStore::sentinel(sentinel, "unknown").connect();
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

/// Its writes would be lost: the sentinels turn it into a replica of the new master later.
#[test]
fn a_deposed_master_that_does_not_know_it_is_left_without_a_near_cache() {
    for guard in ["no", "the server's"] {
        let servers = RedisSentinel::start(Durability::None);
        let runtime = Runtime::new().unwrap();
        let [old, new] = servers.nodes();
        if guard != "no" {
            old.command("CONFIG SET min-replicas-to-write 1");
        }
        let store = runtime.block_on(sentinels(&servers).connect()).unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        let create = || block_on(sessions.generate(SessionMap::default()));
        let first = create().unwrap();
        assert!(has(old, first.key().unwrap().id()));
        servers.depose();
        if guard == "no" {
            old.command("SET another:node 1");
        }
        #[expect(clippy::disallowed_methods, reason = "printed, and decides nothing")]
        let named = std::time::Instant::now();
        let (mut lost, mut refused) = (Vec::new(), 0);
        until(|| match create() {
            Ok(session) if has(new, session.key().unwrap().id()) => true,
            Ok(session) => {
                lost.push(session.key().unwrap().clone());
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                refused += 1;
                false
            }
        });
        let took = named.elapsed();
        let count = lost.len();
        println!("{guard} guard: left in {took:?}, {count} writes lost, {refused} refused");
        assert!(guard == "no" || lost.is_empty(), "the guard refuses what would be lost");
        let later = [(); 100].map(|()| create().unwrap().key().unwrap().clone());
        assert!(later.iter().all(|key| has(new, key.id())), "and does not go back");
        // The partition ends: what the former master accepted is gone, and nothing else.
        servers.rejoin();
        assert_eq!(old.command("EXISTS another:node"), ":0\r\n");
        for key in later.iter().chain([first.key().unwrap()]) {
            assert!(block_on(sessions.of_key(key)).is_ok() && has(old, key.id()));
        }
        for key in &lost {
            let error = block_on(sessions.of_key(key)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
            assert!(!has(old, key.id()));
        }
    }
}

/// A store that uses all sentinels. One that does not answer is not waited for long.
fn sentinels(servers: &RedisSentinel) -> cloakroom_redis::RedisBuilder {
    let unused = crate::server::unused_url();
    let builder = RedisStore::sentinel(unused, "cloakroom").timeout(STORE_TIMEOUT);
    servers.sentinels().into_iter().fold(builder, cloakroom_redis::RedisBuilder::add_node)
}

fn has(server: &Redis, id: PublicId) -> bool {
    server.command(&format!("EXISTS cloakroom:session:{id}")).starts_with(":1")
}

//! What becomes of sessions while the server dies, stops, is cut off and comes back.

use cloakroom::{Map, Sessions};
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

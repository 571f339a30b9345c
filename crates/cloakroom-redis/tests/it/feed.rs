//! Two nodes on one server, each behind a near cache.

use std::time::{Duration, Instant};

use cloakroom::{Map, Sessions, Store};
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::{Durability, Redis};

use crate::place::pair;

#[test]
fn what_ends_on_one_node_is_over_on_the_other_as_soon_as_the_server_tells() {
    let server = Redis::start(Durability::None);
    let [here, there] = pair(&server);
    let there = std::sync::Arc::new(there);
    let here: Sessions<Map> = Sessions::new(here).unwrap();
    let elsewhere: Sessions<Map> = Sessions::new(std::sync::Arc::clone(&there)).unwrap();
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let session = block_on(here.generate(Map::default())).unwrap();
        let key = session.key().unwrap();
        // Until it is remembered: the server may yet tell of the session's beginning.
        let began = now();
        loop {
            let asked = there.hits_and_misses().1;
            let _ = block_on(elsewhere.of_key(key)).unwrap();
            if there.hits_and_misses().1 == asked {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it is never remembered");
        }
        block_on(here.revoke(key.id())).unwrap();
        let over = now();
        while block_on(elsewhere.of_key(key)).is_ok() {
            assert!(over.elapsed() < Duration::from_secs(10), "the server never told");
        }
        longest = longest.max(over.elapsed());
    }
    println!("honoured after {longest:?} at the most");
    assert!(block_on(there.health()).is_ok());
}

#[expect(clippy::disallowed_methods, reason = "how long a server takes to tell")]
fn now() -> Instant {
    Instant::now()
}

//! Two nodes on one server, each behind a near cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::{Cached, Map, Sessions};
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::{Durability, Postgres};

use crate::place::pair;

#[test]
fn what_ends_on_one_node_is_over_on_the_other_as_soon_as_the_server_tells() {
    let server = Postgres::start(Durability::Always);
    let [here, there] = pair(&server).map(Arc::new);
    let [here, elsewhere] =
        [here, Arc::clone(&there)].map(|node| -> Sessions<Map> { Sessions::new(node).unwrap() });
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let session = block_on(here.generate(Map::default())).unwrap();
        let key = session.key().unwrap();
        until(|| is_remembered(&there, || drop(block_on(elsewhere.of_key(key)).unwrap())));
        block_on(here.revoke(key.id())).unwrap();
        longest = longest.max(until(|| block_on(elsewhere.of_key(key)).is_err()));
    }
    println!("honoured after {longest:?} at the most");
}

#[test]
fn a_change_made_while_the_server_was_away_is_not_missed() {
    let mut server = Postgres::start(Durability::Always);
    let [here, there] = pair(&server).map(Arc::new);
    let [here, elsewhere] =
        [here, Arc::clone(&there)].map(|node| -> Sessions<Map> { Sessions::new(node).unwrap() });
    let session = block_on(here.generate(Map::default())).unwrap();
    let key = session.key().unwrap();
    until(|| is_remembered(&there, || drop(block_on(elsewhere.of_key(key)).unwrap())));
    server.kill();
    assert!(server.restart());
    until(|| block_on(here.revoke(key.id())).is_ok());
    until(|| {
        block_on(elsewhere.of_key(key)).is_err_and(|error| error.kind() != cloakroom::ErrorKind::Unavailable)
    });
}

/// Whether that was answered from memory.
fn is_remembered<S: cloakroom::Store>(node: &Cached<S>, ask: impl Fn()) -> bool {
    let missed = node.hits_and_misses().1;
    ask();
    node.hits_and_misses().1 == missed
}

/// Waits for it, and says how long.
#[expect(clippy::disallowed_methods, reason = "how long a server takes to tell")]
fn until(holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came to be");
    }
    began.elapsed()
}

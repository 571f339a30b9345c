//! Parallel requests of one visitor, each on its own connection.

use std::thread;
use std::time::Duration;

use cloakroom::Store;

use super::browser::Browser;
use super::connection::Reply;
use super::server::ScenarioServer;

const TABS: usize = 8;

/// One request in each of several tabs, at once.
fn in_tabs(visitor: &Browser, act: impl Fn(&mut Browser) -> Reply + Sync) -> Vec<Reply> {
    let mut tabs = vec![visitor.clone(); TABS];
    thread::scope(|scope| {
        let running: Vec<_> = tabs.iter_mut().map(|tab| scope.spawn(|| act(tab))).collect();
        running.into_iter().map(|tab| tab.join().expect("a tab does not panic")).collect()
    })
}

/// Of 64 increments no two are answered with the same number.
pub fn parallel_increments_all_count(server: ScenarioServer<impl Store>) {
    let mut visitor = server.browser();
    visitor.post("/login");
    let mut numbers = Vec::new();
    for _ in 0..8 {
        numbers.extend(in_tabs(&visitor, |tab| tab.post("/count")).into_iter().map(|reply| {
            assert_eq!(reply.status.as_u16(), 200);
            reply.body.parse::<usize>().expect("a number")
        }));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
    assert_eq!(visitor.get("/read").body, "64");
}

/// The browser ends with a key that opens the session, whichever response arrives last.
pub fn a_renewal_gives_all_parallel_requests_the_same_key(server: ScenarioServer<impl Store>) {
    let mut visitor = server.visitor();
    let old = visitor.key();
    server.clock.advance(Duration::from_secs(15 * 60));
    let replies = in_tabs(&visitor, |tab| tab.post("/count"));
    let mut keys: Vec<_> = replies.iter().filter_map(|reply| reply.seen().key()).collect();
    assert!(replies.iter().all(|reply| reply.status.as_u16() == 200));
    keys.dedup();
    assert_eq!(keys.len(), 1, "all responses send one key");
    assert_ne!(keys[0], old);
    for reply in &replies {
        visitor.take(&reply.headers);
    }
    assert_eq!(visitor.get("/read").body, "9");
}

/// A lost response costs nothing, and in the end the old key opens nothing.
pub fn the_old_key_retires_after_the_grace_and_no_one_is_locked_out(
    server: ScenarioServer<impl Store>,
) {
    let mut visitor = server.visitor();
    let mut crashed = visitor.clone();
    server.clock.advance(Duration::from_secs(15 * 60));
    let renewed = visitor.get("/read").seen().key().expect("a renewal is due");
    for _ in 0..3 {
        let again = crashed.clone().get("/read");
        assert_eq!((again.body.as_str(), again.seen().key()), ("1", Some(renewed.clone())));
    }
    assert_eq!(visitor.get("/read").body, "1"); // first use of the new key
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(visitor.get("/read").body, "1"); // used again: the old key retires
    assert_eq!(crashed.post("/count").status.as_u16(), 409);
    assert_eq!(visitor.post("/count").body, "2");
}

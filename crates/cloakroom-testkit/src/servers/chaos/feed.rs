//! Change feeds under chaos.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::CachedStore;
use cloakroom::{ErrorKind, Key, SessionMap, Sessions, Store};

use super::open_all_connections;
use super::workload::{begin, until};
use crate::block_on;
use crate::servers::{Proxy, Server};

/// A session ended on one node ends on another as soon as the server's feed says so, although the
/// other node's cache may be an hour stale.
pub fn an_end_reaches_other_nodes<S: Server, T: Store>(server: &mut S, open: impl Fn(&str) -> T) {
    let node = || {
        let cache = CachedStore::builder(open(&server.url()))
            .max_staleness(Duration::from_secs(60 * 60))
            .build();
        Arc::new(block_on(cache).expect("the server has a feed"))
    };
    let [here, there] = [node(), node()];
    let on = |store| -> Sessions<SessionMap> { Sessions::new(store).expect("valid settings") };
    let [here, elsewhere] = [on(here), on(Arc::clone(&there))];
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let key = begin(&here);
        // The feed may still report its creation, which drops it from the cache.
        until(|| {
            let missed = there.hits_and_misses().1;
            !is_over(&elsewhere, &key) && there.hits_and_misses().1 == missed
        });
        end(&here, &key);
        longest = longest.max(until(|| is_over(&elsewhere, &key)));
    }
    println!("an end reached the other node after at most {longest:?}");
}

/// Ends a session. On a busy machine, a call can take longer than the store's timeout.
fn end(sessions: &Sessions<SessionMap>, key: &Key) {
    until(|| block_on(sessions.revoke(key.id())).is_ok());
}

/// Whether the store, or a cache, says that there is no such session.
fn is_over(sessions: &Sessions<SessionMap>, key: &Key) -> bool {
    let found = block_on(sessions.of_key(key));
    found.is_err_and(|error| error.kind() != ErrorKind::Unavailable)
}

/// A change made while the connection of a node's feed is lost is known once the feed is back.
pub fn no_change_is_missed_while_the_feed_is_cut<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let cache = CachedStore::builder(open(&server.url_at(proxy.port())))
        .max_staleness(Duration::from_secs(60 * 60))
        .build();
    let there = Arc::new(block_on(cache).expect("the server has a feed"));
    let here: Sessions<SessionMap> = Sessions::new(open(&server.url())).expect("valid settings");
    let elsewhere: Sessions<SessionMap> =
        Sessions::new(Arc::clone(&there)).expect("valid settings");
    for _ in 0..5 {
        let key = begin(&here);
        until(|| {
            let missed = there.hits_and_misses().1;
            let found = block_on(elsewhere.of_key(&key));
            found.is_ok() && there.hits_and_misses().1 == missed
        });
        proxy.reset();
        end(&here, &key);
        until(|| is_over(&elsewhere, &key));
    }
}

/// A session ended while a node's feed is silent is open there for no longer than the cache's
/// `max_staleness`.
pub fn an_end_is_known_within_the_bound_while_the_feed_is_silent<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    const MAX_STALENESS: Duration = Duration::from_secs(2);
    let proxy = Proxy::to(server.port());
    let store = open(&server.url_at(proxy.port()));
    open_all_connections(&store);
    let connections = proxy.connections();
    let there = block_on(CachedStore::builder(store).max_staleness(MAX_STALENESS).build())
        .expect("the server has a feed");
    let there = Arc::new(there);
    let here: Sessions<SessionMap> = Sessions::new(open(&server.url())).expect("valid settings");
    let elsewhere: Sessions<SessionMap> =
        Sessions::new(Arc::clone(&there)).expect("valid settings");
    let key = begin(&here);
    proxy.on(connections..).cut();
    let mut longest = Duration::ZERO;
    for key in [key, begin(&here)] {
        until(|| block_on(elsewhere.of_key(&key)).is_ok());
        end(&here, &key);
        let known = until(|| is_over(&elsewhere, &key));
        // Generous, for busy machines: the feed would never say so.
        assert!(known < 5 * MAX_STALENESS, "the end was known only after {known:?}");
        longest = longest.max(known);
    }
    println!("feed silent: an end was known after at most {longest:?}, of {MAX_STALENESS:?}");
}

//! Servers whose settings or clocks would end sessions, told on opening.

use std::error::Error as _;
use std::time::Duration;

use cloakroom::time::SystemClock;
use cloakroom::{ErrorKind, SessionMap, Sessions, Store};
use cloakroom_redis::{RedisError, RedisErrorKind, RedisStore};
use cloakroom_testkit::servers::{Durability, Redis, Server};
use cloakroom_testkit::{OffsetClock, block_on};
use tokio::runtime::Runtime;

#[test]
fn a_server_that_evicts_sessions_is_refused_unless_that_is_accepted() {
    let runtime = Runtime::new().unwrap();
    let server = Redis::start(Durability::None);
    let connect = || runtime.block_on(RedisStore::connect(server.url()));
    for policy in ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"] {
        server.command(&format!("CONFIG SET maxmemory-policy {policy}"));
        server.command("CONFIG SET maxmemory 0");
        assert!(connect().is_ok(), "without a limit nothing is evicted");
        server.command("CONFIG SET maxmemory 100mb");
        let refused = connect().unwrap_err();
        assert_eq!(refused.kind(), RedisErrorKind::Evicts, "{policy}");
        let text = shown(&refused);
        for part in [policy, "noeviction", "accept_evictions()", "evictions=accepted"] {
            assert!(text.contains(part), "{text}");
        }
        let accepted = RedisStore::builder(server.url()).accept_evictions();
        assert!(runtime.block_on(accepted.connect()).is_ok(), "{policy}");
    }
    server.command("CONFIG SET maxmemory-policy noeviction");
    assert!(connect().is_ok());
}

/// It would remove a session as soon as it begins, and the sign-in would have succeeded.
#[test]
fn a_server_whose_clock_is_ahead_is_refused_on_opening_and_in_use() {
    let runtime = Runtime::new().unwrap();
    let server = Redis::start(Durability::None);
    let clock = OffsetClock::of(SystemClock);
    let open = || {
        let builder = RedisStore::builder(server.url()).clock(clock.clone());
        runtime.block_on(builder.connect())
    };
    clock.set_behind(Duration::from_secs(3 * 60 * 60));
    let refused = open().unwrap_err();
    assert_eq!(refused.kind(), RedisErrorKind::ClockAhead);
    let text = shown(&refused);
    assert!(text.contains(&server.port().to_string()), "{text}");
    assert!(text.contains("s ahead of this host's clock"), "{text}");

    clock.set_behind(Duration::from_secs(60));
    let store = std::sync::Arc::new(open().unwrap());
    let sessions: Sessions<SessionMap> = Sessions::new(std::sync::Arc::clone(&store)).unwrap();
    let _ = block_on(sessions.generate(SessionMap::default())).unwrap();
    assert!(block_on(store.health()).is_ok());

    // One of the clocks is set while the connection stands.
    clock.set_behind(Duration::from_secs(3 * 60 * 60));
    assert!(block_on(store.health()).is_err());
    crate::server::until(|| match block_on(sessions.generate(SessionMap::default())) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            true
        }
    });
    clock.set_behind(Duration::ZERO);
    crate::server::until(|| block_on(sessions.generate(SessionMap::default())).is_ok());
}

#[test]
fn a_server_is_reached_by_its_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("redis.sock");
    let socket = socket.to_str().unwrap();
    let _server = Redis::start_with(Durability::None, &["--unixsocket", socket]);
    let runtime = Runtime::new().unwrap();
    for url in [format!("unix://{socket}"), format!("redis+unix://{socket}?db=2")] {
        let store = runtime.block_on(RedisStore::connect(url)).unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        let session = block_on(sessions.generate(SessionMap::default())).unwrap();
        assert!(block_on(sessions.of_key(session.key().unwrap())).is_ok());
    }
    let unused = runtime.block_on(RedisStore::connect(format!("unix://{socket}.not"))).unwrap_err();
    assert_eq!(unused.kind(), RedisErrorKind::Unreachable);
    assert!(unused.to_string().contains("redis.sock.not"), "{unused}");
}

fn shown(error: &RedisError) -> String {
    format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
}

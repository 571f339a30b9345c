//! The server removes entries by itself, and not too early.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::{Lifetime, Principal, Session, SessionMap, Sessions, Store, Timestamp};
use cloakroom_redis::RedisStore;
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::{Durability, Redis, Server};

use crate::server::open;

const SLACK: Duration = Duration::from_secs(5 * 60);

/// When the server will remove the session.
fn removal(server: &Redis, session: &Session<SessionMap>) -> Timestamp {
    let answer =
        server.command(&format!("PEXPIRETIME cloakroom:session:{}", session.id().unwrap()));
    Timestamp::from_millis(answer.trim().trim_start_matches(':').parse().unwrap())
}

fn expires(store: &RedisStore, session: &Session<SessionMap>) -> Timestamp {
    store.get(session.id().unwrap()).wait().unwrap().as_ref().map(Stored::expires_at).unwrap()
}

#[test]
fn every_entry_is_removed_five_minutes_after_it_expires() {
    let server = Redis::start(Durability::None);
    let store = Arc::new(open(&server.url()));
    let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
    let check = |session: &Session<SessionMap>| {
        assert_eq!(removal(&server, session), expires(&store, session).after(SLACK));
    };
    let mut session = block_on(sessions.generate(SessionMap::default())).unwrap();
    check(&session);
    block_on(session.login(&Principal::new("alice").unwrap())).unwrap();
    check(&session);
    block_on(session.set_lifetime(
        Lifetime::absolute(Duration::from_secs(60 * 60)).with_idle_timeout(Duration::from_secs(60)),
    ))
    .unwrap();
    check(&session);
    let Some(Stored::Live(record)) = store.get(session.id().unwrap()).wait().unwrap() else {
        panic!("the session is live")
    };
    // First the idle deadline is the earlier one, then the absolute deadline.
    for minutes in [30, 90] {
        let deadline = record.created().after(Duration::from_secs(minutes * 60));
        assert!(store.touch(session.id().unwrap(), record.revision(), deadline).wait().unwrap());
        check(&session);
    }
    block_on(sessions.revoke(session.id().unwrap())).unwrap();
    check(&session);
}

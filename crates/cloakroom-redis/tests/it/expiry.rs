//! Entries go by themselves, and not too early.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::{Lifetime, Principal, Session, SessionMap, Sessions, Store, Timestamp};
use cloakroom_redis::RedisStore;
use cloakroom_testkit::block_on;
use cloakroom_testkit::servers::{Durability, Redis, Server};

use crate::place::open;

const SLACK: Duration = Duration::from_secs(5 * 60);

/// When the server removes the session, by what it says itself.
fn goes(server: &Redis, session: &Session<SessionMap>) -> Timestamp {
    let answer = server.command(&format!("PEXPIRETIME cloakroom:s:{}", session.id().unwrap()));
    Timestamp::from_millis(answer.trim().trim_start_matches(':').parse().unwrap())
}

fn expires(store: &RedisStore, session: &Session<SessionMap>) -> Timestamp {
    store.get(session.id().unwrap()).wait().unwrap().as_ref().map(Stored::expires_at).unwrap()
}

#[test]
fn whatever_is_written_goes_five_minutes_after_its_time() {
    let server = Redis::start(Durability::None);
    let store = Arc::new(open(&server.url()));
    let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
    let check = |session: &Session<SessionMap>| {
        assert_eq!(goes(&server, session), expires(&store, session).after(SLACK))
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
        panic!("it lives")
    };
    // Once by the idle deadline, and once by the absolute one, which is then the earlier.
    for minutes in [30, 90] {
        let deadline = record.created().after(Duration::from_secs(minutes * 60));
        assert!(store.touch(session.id().unwrap(), record.revision(), deadline).wait().unwrap());
        check(&session);
    }
    block_on(sessions.revoke(session.id().unwrap())).unwrap();
    check(&session);
}

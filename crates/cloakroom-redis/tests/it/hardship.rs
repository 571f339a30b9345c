//! What becomes of sessions while the server dies, stops and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::{Error, ErrorKind, Map, Sessions};
use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::{Durability, Redis};
use tokio::runtime::Runtime;

use crate::place::deaf;

const PATIENCE: Duration = Duration::from_millis(300);

async fn reach(server: &Redis) -> RedisStore {
    RedisStore::builder(server.url()).waiting_at_most(PATIENCE).connect().await.unwrap()
}

fn count(map: &mut Map) -> u64 {
    let n = map.get::<u64>("n").ok().flatten().unwrap_or_default() + 1;
    map.insert("n", n).unwrap();
    n
}

/// Adds one to the session until it worked; how many failed attempts may have counted.
async fn add_one(sessions: &Sessions<Map>, key: &cloakroom::Key) -> u64 {
    let mut doubtful = 0;
    loop {
        let tried: Result<u64, Error> = async { sessions.of_key(key).await?.update(count).await }.await;
        match tried {
            Ok(_) => return doubtful,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                doubtful += u64::from(error.may_have_happened());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

#[test]
fn no_acknowledged_write_is_lost_when_a_server_that_logs_always_is_killed() {
    const WRITERS: u64 = 8;
    let mut server = Redis::start(Durability::Always);
    let runtime = Runtime::new().unwrap();
    let sessions: Arc<Sessions<Map>> = Arc::new(Sessions::new(runtime.block_on(reach(&server))).unwrap());
    let keys: Vec<_> = (0..WRITERS)
        .map(|_| runtime.block_on(sessions.generate(Map::default())).unwrap().key().unwrap().clone())
        .collect();
    let ended: Vec<_> = (0..20)
        .map(|_| runtime.block_on(sessions.generate(Map::default())).unwrap().key().unwrap().clone())
        .collect();
    for key in &ended {
        runtime.block_on(sessions.revoke(key.id())).unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = keys
        .iter()
        .cloned()
        .map(|key| {
            let (sessions, stop, done) = (Arc::clone(&sessions), Arc::clone(&stop), Arc::clone(&done));
            runtime.spawn(async move {
                let (mut sure, mut doubtful) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    doubtful += add_one(&sessions, &key).await;
                    sure += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                (sure, doubtful)
            })
        })
        .collect();
    for round in 1..=5 {
        let goal = done.load(Ordering::Relaxed) + 50;
        while done.load(Ordering::Relaxed) < goal {
            std::thread::yield_now();
        }
        server.kill();
        assert!(server.restart(), "round {round}");
    }
    stop.store(true, Ordering::Relaxed);
    for (writer, key) in writers.into_iter().zip(&keys) {
        let (sure, doubtful) = runtime.block_on(writer).unwrap();
        let found = runtime.block_on(sessions.of_key(key)).unwrap().get::<u64>("n").unwrap().unwrap();
        assert!((sure..=sure + doubtful).contains(&found), "{found} of {sure} and perhaps {doubtful}");
    }
    for key in &ended {
        assert!(runtime.block_on(sessions.of_key(key)).is_err(), "a session came back from the dead");
    }
}

#[test]
fn a_server_that_stands_still_is_an_error_in_time_and_is_found_again() {
    let server = Redis::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<Map> = Sessions::new(reach(&server).await).unwrap();
        let key = sessions.generate(Map::default()).await.unwrap().key().unwrap().clone();
        server.freeze();
        for _ in 0..3 {
            let answer = tokio::time::timeout(4 * PATIENCE, sessions.of_key(&key)).await;
            assert_eq!(answer.expect("an answer in time").unwrap_err().kind(), ErrorKind::Unavailable);
        }
        server.thaw();
        assert!(add_one(&sessions, &key).await < 3);
    });
}

#[test]
fn scripts_that_the_server_forgot_are_said_again() {
    let server = Redis::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<Map> = Sessions::new(reach(&server).await).unwrap();
        let key = sessions.generate(Map::default()).await.unwrap().key().unwrap().clone();
        server.command("SCRIPT FLUSH");
        assert_eq!(add_one(&sessions, &key).await, 0);
    });
}

#[test]
fn nobody_there_is_told_when_the_store_is_opened() {
    let runtime = Runtime::new().unwrap();
    let error = runtime.block_on(RedisStore::connect(deaf())).unwrap_err();
    assert_eq!(error.kind(), cloakroom_redis::RedisErrorKind::Unreachable);
    let error = runtime.block_on(RedisStore::connect("redis:/nowhere")).unwrap_err();
    assert_eq!(error.kind(), cloakroom_redis::RedisErrorKind::Url);
    let builder = RedisStore::builder("redis://user:hunter2@127.0.0.1");
    assert!(!format!("{builder:?}").contains("hunter2"));
}

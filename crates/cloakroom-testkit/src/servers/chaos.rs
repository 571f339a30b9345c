//! What must hold of a store while its server dies, stands still, is cut off and comes back.

#![allow(clippy::print_stdout, reason = "figures that a test measured")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::record::Stored;
use cloakroom::stores::CachedStore;
use cloakroom::{Error, ErrorKind, Key, Principal, SessionMap, Sessions, Store, Timestamp};

use super::{Proxy, Server};
use crate::block_on;

/// How long a store that goes through chaos is to wait for an answer.
pub const STORE_TIMEOUT: Duration = Duration::from_millis(500);

const WRITERS: usize = 8;
const ENDED: usize = 20;

/// Writers that count, and sessions that were ended: what was acknowledged of both is to last.
struct Work {
    sessions: Sessions<SessionMap>,
    keys: Vec<Key>,
    ended: Vec<Key>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DataLoss {
    /// Updates that were acknowledged.
    pub acknowledged: u64,
    /// Updates of which nobody knew whether they had been made.
    pub doubtful: u64,
    /// Updates that were acknowledged and are not there.
    pub lost: u64,
    /// Sessions that had been ended and live.
    pub revived: u64,
}

impl Work {
    fn on(store: impl Store) -> Self {
        let sessions: Sessions<SessionMap> = Sessions::new(store).expect("sound settings");
        let begin = || begin(&sessions);
        let (keys, ended) =
            ((0..WRITERS).map(|_| begin()).collect(), (0..ENDED).map(|_| begin()).collect());
        let work = Self { sessions, keys, ended };
        for key in &work.ended {
            block_on(work.sessions.revoke(key.id())).expect("an end");
        }
        work
    }

    /// Lets all writers write, and calamities happen after each so many updates; what came of it.
    fn through(&self, calamities: u64, updates: u64, mut calamity: impl FnMut()) -> DataLoss {
        let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let counts: Vec<(u64, u64)> = thread::scope(|scope| {
            let writing: Vec<_> = self
                .keys
                .iter()
                .map(|key| {
                    scope.spawn(|| {
                        let (mut sure, mut doubtful) = (0, 0);
                        while !stop.load(Ordering::Relaxed) {
                            // A session that is gone took its updates with it, which is found when they are counted.
                            let Some(doubts) = add_one(&self.sessions, key) else { break };
                            doubtful += doubts;
                            sure += 1;
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                        (sure, doubtful)
                    })
                })
                .collect();
            for _ in 0..calamities {
                let goal = done.load(Ordering::Relaxed) + updates;
                until(|| done.load(Ordering::Relaxed) >= goal);
                calamity();
            }
            let goal = done.load(Ordering::Relaxed) + updates;
            until(|| done.load(Ordering::Relaxed) >= goal);
            stop.store(true, Ordering::Relaxed);
            writing.into_iter().map(|writing| writing.join().expect("its counts")).collect()
        });
        let mut loss = DataLoss::default();
        for ((sure, doubtful), key) in counts.into_iter().zip(&self.keys) {
            let session = until_some(|| match block_on(self.sessions.of_key(key)) {
                Err(error) if error.kind() == ErrorKind::Unavailable => None,
                found => Some(found.ok()),
            });
            let found =
                session.and_then(|session| session.value().get::<u64>("n").expect("a number"));
            let found = found.unwrap_or_default();
            assert!(
                found <= sure + doubtful,
                "{found} of {sure} and perhaps {doubtful}: something was done twice"
            );
            loss.acknowledged += sure;
            loss.doubtful += doubtful;
            loss.lost += sure.saturating_sub(found);
        }
        loss.revived = self
            .ended
            .iter()
            .map(|key| u64::from(block_on(self.sessions.of_key(key)).is_ok()))
            .sum();
        loss
    }
}

/// Kills the server with -9 and starts it again, so many times, under concurrent updates; what came of it.
pub fn kill_repeatedly<S: Server, T: Store>(
    server: &mut S,
    kills: u64,
    open: impl Fn(&str) -> T,
) -> DataLoss {
    let work = Work::on(open(&server.url()));
    work.through(kills, 50, || {
        server.kill();
        assert!(server.restart(), "it does not start again");
    })
}

/// A server that is killed again and again loses nothing that it acknowledged, if it promises so.
pub fn nothing_acknowledged_is_lost<S: Server, T: Store>(server: &mut S, open: impl Fn(&str) -> T) {
    let loss = kill_repeatedly(server, 5, open);
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    println!("killed 5 times: {loss:?}");
}

/// A server that stands still is an error in time, and is found again.
pub fn a_frozen_server_is_an_error_in_time<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let sessions: Sessions<SessionMap> =
        Sessions::new(open(&server.url())).expect("sound settings");
    let key = begin(&sessions);
    server.freeze();
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let began = now();
        let error = block_on(sessions.of_key(&key)).expect_err("nobody answers");
        slowest = slowest.max(began.elapsed());
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    server.thaw();
    assert!(slowest < 3 * STORE_TIMEOUT, "an answer took {slowest:?}");
    assert!(add_one(&sessions, &key).is_some());
    println!("stood still: the slowest error after {slowest:?}");
}

/// Connections that are reset in the middle of all work lose nothing.
pub fn reset_connections_lose_nothing<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let work = Work::on(open(&server.url_at(proxy.port())));
    let loss = work.through(20, 40, || proxy.cut());
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    println!("connections reset 20 times: {loss:?}");
}

/// Each operation on a session is one round trip, as the proxy sees it; what a near cache remembers is none.
pub fn operations_are_one_round_trip<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let store = open(&server.url_at(proxy.port()));
    every_connection_is_made(&store);
    let alice = Principal::new("alice").expect("a name");
    let store = std::sync::Arc::new(store);
    let sessions: Sessions<SessionMap> =
        Sessions::new(std::sync::Arc::clone(&store)).expect("sound settings");
    for _ in 0..20 {
        assert!(add_one(&sessions, &begin(&sessions)).is_some());
    }
    let trips = |what: &str, most: u64, act: &mut dyn FnMut()| {
        let before = proxy.round_trips();
        act();
        assert_eq!(proxy.round_trips() - before, most, "{what}");
    };
    let mut key = None;
    trips("begin", 1, &mut || key = Some(begin(&sessions)));
    let key = key.expect("a key");
    trips("read", 1, &mut || drop(block_on(sessions.of_key(&key)).expect("it lives")));
    trips("read and change", 2, &mut || assert_eq!(add_one(&sessions, &key), Some(0)));
    let record = match block_on(store.get(key.id())).expect("an answer") {
        Some(Stored::Live(record)) => record,
        other => panic!("{other:?}"),
    };
    let later = Timestamp::from_millis(record.idle_deadline().as_millis() + 1);
    trips("touch", 1, &mut || {
        assert!(block_on(store.touch(key.id(), record.revision(), later)).expect("an answer"));
    });
    // Read, entered in the directory, written, and entered once more.
    trips("sign in", 4, &mut || {
        let mut session = block_on(sessions.of_key(&key)).expect("it lives");
        block_on(session.login(&alice)).expect("signed in");
        drop(session);
    });
    trips("end", 1, &mut || block_on(sessions.revoke(key.id())).expect("an end"));
}

/// What is ended on one node is over on another as soon as the server tells, though that one remembers for an hour; and within
/// the span that a cache believes itself for if nothing is told. How long it took.
pub fn an_end_reaches_other_nodes<S: Server, T: Store>(server: &mut S, open: impl Fn(&str) -> T) {
    let node = || {
        let cache = CachedStore::builder(open(&server.url()))
            .max_staleness(Duration::from_secs(60 * 60))
            .build();
        std::sync::Arc::new(block_on(cache).expect("a feed"))
    };
    let [here, there] = [node(), node()];
    let of = |store| -> Sessions<SessionMap> { Sessions::new(store).expect("sound settings") };
    let [here, elsewhere] = [of(here), of(std::sync::Arc::clone(&there))];
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        let key = begin(&here);
        // The server may yet tell of its beginning.
        until(|| {
            let missed = there.hits_and_misses().1;
            drop(block_on(elsewhere.of_key(&key)).expect("it lives"));
            there.hits_and_misses().1 == missed
        });
        block_on(here.revoke(key.id())).expect("an end");
        longest = longest.max(until(|| block_on(elsewhere.of_key(&key)).is_err()));
    }
    println!("an end was honoured by the other node after {longest:?} at the most");
}

/// A change made while a node's feed was cut off is not missed: it is known once the feed is whole again.
pub fn no_change_is_missed_while_the_feed_is_cut<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    let proxy = Proxy::to(server.port());
    let cache = CachedStore::builder(open(&server.url_at(proxy.port())))
        .max_staleness(Duration::from_secs(60 * 60))
        .build();
    let there = std::sync::Arc::new(block_on(cache).expect("a feed"));
    let here: Sessions<SessionMap> = Sessions::new(open(&server.url())).expect("sound settings");
    let elsewhere: Sessions<SessionMap> =
        Sessions::new(std::sync::Arc::clone(&there)).expect("sound settings");
    for _ in 0..5 {
        let key = begin(&here);
        until(|| {
            let missed = there.hits_and_misses().1;
            let found = block_on(elsewhere.of_key(&key));
            found.is_ok() && there.hits_and_misses().1 == missed
        });
        proxy.cut();
        block_on(here.revoke(key.id())).expect("an end");
        until(|| {
            block_on(elsewhere.of_key(&key))
                .is_err_and(|error| error.kind() != ErrorKind::Unavailable)
        });
    }
}

/// What is ended while a node's feed is silent, and does not send_command so, is honoured there for no longer than that node believes
/// itself. How long it was.
pub fn an_end_is_known_within_the_bound_while_the_feed_is_silent<S: Server, T: Store>(
    server: &mut S,
    open: impl Fn(&str) -> T,
) {
    const BELIEF: Duration = Duration::from_secs(2);
    let proxy = Proxy::to(server.port());
    let store = open(&server.url_at(proxy.port()));
    every_connection_is_made(&store);
    let connections = proxy.connections();
    let there =
        block_on(CachedStore::builder(store).max_staleness(BELIEF).build()).expect("a feed");
    let there = std::sync::Arc::new(there);
    let here: Sessions<SessionMap> = Sessions::new(open(&server.url())).expect("sound settings");
    let elsewhere: Sessions<SessionMap> =
        Sessions::new(std::sync::Arc::clone(&there)).expect("sound settings");
    let key = begin(&here);
    proxy.mute_all_but(connections);
    let mut longest = Duration::ZERO;
    for key in [key, begin(&here)] {
        drop(block_on(elsewhere.of_key(&key)).expect("it lives"));
        block_on(here.revoke(key.id())).expect("an end");
        let honoured = until(|| {
            let found = block_on(elsewhere.of_key(&key));
            assert!(!found.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable));
            found.is_err()
        });
        assert!(honoured < 2 * BELIEF, "it was honoured for {honoured:?}");
        longest = longest.max(honoured);
    }
    println!(
        "while the feed was silent an end was honoured after {longest:?} at the most, of {BELIEF:?}"
    );
}

/// Asks until every connection is made that the store may use.
fn every_connection_is_made(store: &impl Store) {
    let nobody = cloakroom::PublicId::from_bytes([0; 16]);
    let alice = Principal::new("alice").expect("a name");
    for _ in 0..200 {
        block_on(store.get(nobody)).expect("an answer");
        block_on(store.revoke_before(&alice, Timestamp::EPOCH, Timestamp::EPOCH))
            .expect("an answer");
    }
}

fn begin(sessions: &Sessions<SessionMap>) -> Key {
    let session = block_on(sessions.generate(SessionMap::default())).expect("a session");
    session.key().expect("its key").clone()
}

/// Adds one to the session until it worked; how many failed attempts may have counted. `None` if the session is gone.
fn add_one(sessions: &Sessions<SessionMap>, key: &Key) -> Option<u64> {
    let mut doubtful = 0;
    loop {
        let tried: Result<(), Error> = block_on(async {
            let mut session = sessions.of_key(key).await?;
            session
                .update(|map| {
                    let n = map.get::<u64>("n").ok().flatten().unwrap_or_default() + 1;
                    map.insert("n", n).expect("a number");
                })
                .await
        });
        match tried {
            Ok(()) => return Some(doubtful),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                doubtful += u64::from(error.may_have_happened());
                super::process::pause();
            }
        }
    }
}

fn until_some<T>(find: impl Fn() -> Option<T>) -> T {
    let mut found = None;
    until(|| {
        found = find();
        found.is_some()
    });
    found.expect("waited for")
}

/// Waits for it, and says how long.
fn until(mut holds: impl FnMut() -> bool) -> Duration {
    let began = now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "it never came to be");
        thread::yield_now();
    }
    began.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "how long a server takes")]
fn now() -> Instant {
    Instant::now()
}

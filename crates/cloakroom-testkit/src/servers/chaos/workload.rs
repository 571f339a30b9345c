//! Writers that count what was acknowledged, and what they share with the other tests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom::{Error, ErrorKind, Key, SessionMap, Sessions, Store};

use crate::block_on;
use crate::servers::process::pause;

/// How many threads write, each to its own session.
const WRITERS: usize = 8;
/// How many sessions are ended before the chaos.
const ENDED: usize = 20;

/// Sessions that are incremented and sessions that were ended. What was acknowledged must last.
pub(super) struct Workload {
    sessions: Sessions<SessionMap>,
    keys: Vec<Key>,
    ended: Vec<Key>,
}

/// What was acknowledged under chaos, and what was lost of it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DataLoss {
    /// Updates that were acknowledged.
    pub acknowledged: u64,
    /// Updates whose outcome was unknown.
    pub unknown: u64,
    /// Acknowledged updates that are not there.
    pub lost: u64,
    /// Ended sessions that are live again.
    pub revived: u64,
}

impl Workload {
    pub(super) fn new(store: impl Store) -> Self {
        let sessions: Sessions<SessionMap> = Sessions::new(store).expect("valid settings");
        let begin = || begin(&sessions);
        let (keys, ended) =
            ((0..WRITERS).map(|_| begin()).collect(), (0..ENDED).map(|_| begin()).collect());
        let work = Self { sessions, keys, ended };
        for key in &work.ended {
            block_on(work.sessions.revoke(key.id())).expect("the session is ended");
        }
        work
    }

    /// Increments all sessions in parallel, and calls `fail` once per `updates` updates.
    pub(super) fn run(&self, failures: u64, updates: u64, mut fail: impl FnMut()) -> DataLoss {
        let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let abandoned = AtomicBool::new(false);
        let counts: Vec<(u64, u64)> = thread::scope(|scope| {
            let _on_panic = AbandonOnPanic { stop: &stop, abandoned: &abandoned };
            let writing: Vec<_> = self
                .keys
                .iter()
                .map(|key| {
                    scope.spawn(|| {
                        let (mut acknowledged, mut unknown) = (0, 0);
                        while !stop.load(Ordering::Relaxed) {
                            // A session that is gone counts as lost updates below.
                            let added = add_one_unless(&self.sessions, key, &abandoned);
                            let Some(retries) = added else { break };
                            unknown += retries;
                            acknowledged += 1;
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                        (acknowledged, unknown)
                    })
                })
                .collect();
            for _ in 0..failures {
                let goal = done.load(Ordering::Relaxed) + updates;
                until(|| done.load(Ordering::Relaxed) >= goal);
                fail();
            }
            let goal = done.load(Ordering::Relaxed) + updates;
            until(|| done.load(Ordering::Relaxed) >= goal);
            stop.store(true, Ordering::Relaxed);
            writing
                .into_iter()
                .map(|writing| writing.join().expect("a writer does not panic"))
                .collect()
        });
        let mut loss = DataLoss::default();
        for ((acknowledged, unknown), key) in counts.into_iter().zip(&self.keys) {
            let session = until_some(|| match block_on(self.sessions.of_key(key)) {
                Err(error) if error.kind() == ErrorKind::Unavailable => None,
                found => Some(found.ok()),
            });
            let found =
                session.and_then(|session| session.value().get::<u64>("n").expect("a number"));
            let found = found.unwrap_or_default();
            assert!(
                found <= acknowledged + unknown,
                "{found} updates of {acknowledged} and up to {unknown}: one was made twice"
            );
            loss.acknowledged += acknowledged;
            loss.unknown += unknown;
            loss.lost += acknowledged.saturating_sub(found);
        }
        loss.revived = self
            .ended
            .iter()
            .map(|key| u64::from(block_on(self.sessions.of_key(key)).is_ok()))
            .sum();
        loss
    }
}

/// Ends the writers if the test panics: the server may be gone, and a scope waits for its threads.
struct AbandonOnPanic<'a> {
    stop: &'a AtomicBool,
    abandoned: &'a AtomicBool,
}

impl Drop for AbandonOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.stop.store(true, Ordering::Relaxed);
            self.abandoned.store(true, Ordering::Relaxed);
        }
    }
}

pub(super) fn begin(sessions: &Sessions<SessionMap>) -> Key {
    let mut key = None;
    until(|| {
        let session = block_on(sessions.generate(SessionMap::default())).ok();
        key = session.and_then(|session| session.key().cloned());
        key.is_some()
    });
    key.expect("a new session has a key")
}

/// Adds one to the session's number, trying until that succeeds.
///
/// Returns how many failed attempts may have counted, or `None` if the session is gone.
pub(super) fn add_one(sessions: &Sessions<SessionMap>, key: &Key) -> Option<u64> {
    add_one_unless(sessions, key, &AtomicBool::new(false))
}

fn add_one_unless(
    sessions: &Sessions<SessionMap>,
    key: &Key,
    abandoned: &AtomicBool,
) -> Option<u64> {
    let mut unknown = 0;
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
            Ok(()) => return Some(unknown),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                unknown += u64::from(error.may_have_happened());
                if abandoned.load(Ordering::Relaxed) {
                    return None;
                }
                pause();
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
    found.expect("waited until it is some")
}

/// Waits until `holds` is true; how long that took.
pub(super) fn until(mut holds: impl FnMut() -> bool) -> Duration {
    let began = now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "timed out");
        thread::yield_now();
    }
    began.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "measures how long a server takes")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "spreads calls over an outage")]
pub(super) fn wait(duration: Duration) {
    thread::sleep(duration);
}

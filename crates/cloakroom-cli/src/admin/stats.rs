//! The numbers on the operator's page, collected again and again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::record::{Record, Stored};
use cloakroom::store::StoreError;
use cloakroom::{SessionMap, Sessions, Store, Timestamp};
use tokio::sync::watch;

/// Sessions read at once.
const PAGE: usize = 500;
/// The shortest pause between two scans.
const MIN_PAUSE: Duration = Duration::from_secs(2);
/// The pause is at least this many times as long as a scan: scans use a twentieth of one core.
const PAUSE_FACTOR: u32 = 20;
/// Scans that the chart shows.
const HISTORY: usize = 300;
/// The most principals counted one by one. Sessions of others count as signed in only.
const MAX_PRINCIPALS: usize = 200_000;
/// Principals that the page lists.
const LISTED: usize = 10;

/// A range of ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// Its name in a URL.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    from: u64,
    to: u64,
}

/// The number of age ranges. A literal: a field's type that evaluates `AGES` makes a query cycle in
/// optimized builds (E0391).
const AGE_COUNT: usize = 5;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

pub(super) const AGES: [Age; AGE_COUNT] = [
    Age { name: "hour", text: "less than an hour", from: 0, to: HOUR },
    Age { name: "day", text: "an hour to a day", from: HOUR, to: DAY },
    Age { name: "week", text: "a day to a week", from: DAY, to: 7 * DAY },
    Age { name: "month", text: "a week to a month", from: 7 * DAY, to: 30 * DAY },
    Age { name: "older", text: "more than a month", from: 30 * DAY, to: u64::MAX },
];

impl Age {
    pub(super) fn contains(&self, record: &Record, now: Timestamp) -> bool {
        (self.from..self.to).contains(&now.since(record.created()).as_secs())
    }
}

/// The result of one scan of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stats {
    pub(super) at: Option<Timestamp>,
    pub(super) live: usize,
    pub(super) signed_in: usize,
    /// Past a deadline, not yet removed.
    pub(super) expired: usize,
    /// Tombstones of ended sessions.
    pub(super) ended: usize,
    pub(super) ages: [usize; AGE_COUNT],
    pub(super) principals: usize,
    /// The principals with the most sessions, and how many they have.
    pub(super) top_principals: Vec<(String, usize)>,
}

/// The last scan, and those before it.
#[derive(Clone, Debug, Default)]
pub(super) struct StatsHistory {
    pub(super) last: Stats,
    /// Time, live sessions, signed-in sessions; oldest first.
    pub(super) points: VecDeque<(Timestamp, usize, usize)>,
    /// Why the last scan failed.
    pub(super) failure: Option<String>,
}

/// Scans the store, and publishes the results. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct StatsCollector(Arc<watch::Sender<Arc<StatsHistory>>>);

impl Default for StatsCollector {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Arc::default())))
    }
}

impl StatsCollector {
    pub(super) fn current(&self) -> Arc<StatsHistory> {
        Arc::clone(&self.0.borrow())
    }

    /// Receives the result of each scan.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<StatsHistory>> {
        self.0.subscribe()
    }

    /// Scans the store again and again, for as long as it is polled.
    pub(super) async fn run(self, store: Arc<dyn Store>, sessions: Sessions<SessionMap>) {
        loop {
            let start = start();
            self.publish(collect(&*store, sessions.now()).await);
            tokio::time::sleep(MIN_PAUSE.max(start.elapsed() * PAUSE_FACTOR)).await;
        }
    }

    fn publish(&self, result: Result<Stats, StoreError>) {
        let mut history = StatsHistory::clone(&self.current());
        match result {
            Ok(stats) => {
                history.points.extend(stats.at.map(|at| (at, stats.live, stats.signed_in)));
                while history.points.len() > HISTORY {
                    history.points.pop_front();
                }
                (history.last, history.failure) = (stats, None);
            }
            Err(error) => history.failure = Some(error.to_string()),
        }
        self.0.send_replace(Arc::new(history));
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long a scan takes in real time")]
fn start() -> Instant {
    Instant::now()
}

/// Scans the whole store once, a page at a time.
async fn collect(store: &dyn Store, now: Timestamp) -> Result<Stats, StoreError> {
    let mut stats = Stats { at: Some(now), ..Stats::default() };
    let mut principals: HashMap<String, usize> = HashMap::new();
    let mut from = None;
    loop {
        let page = store.scan(from.as_ref(), PAGE).await?;
        for (_, stored) in &page.entries {
            stats.add(stored, &mut principals, now);
        }
        from = page.next;
        if from.is_none() {
            break;
        }
        // A store that never waits must not keep this thread from serving requests.
        tokio::task::yield_now().await;
    }
    stats.principals = principals.len();
    stats.top_principals = principals.into_iter().collect();
    stats.top_principals.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
    stats.top_principals.truncate(LISTED);
    Ok(stats)
}

impl Stats {
    fn add(&mut self, stored: &Stored, principals: &mut HashMap<String, usize>, now: Timestamp) {
        let Stored::Live(record) = stored else {
            self.ended += 1;
            return;
        };
        if record.expires_at().has_passed(now) {
            self.expired += 1;
            return;
        }
        self.live += 1;
        for (age, count) in AGES.iter().zip(&mut self.ages) {
            *count += usize::from(age.contains(record, now));
        }
        let Some(principal) = record.principal().map(cloakroom::Principal::as_str) else { return };
        self.signed_in += 1;
        if let Some(count) = principals.get_mut(principal) {
            *count += 1;
        } else if principals.len() < MAX_PRINCIPALS {
            principals.insert(principal.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use cloakroom::{MemoryStore, Principal};

    use super::*;

    #[tokio::test]
    async fn every_session_is_counted_once() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
        for (name, times) in [("alice", 3), ("bob", 1), ("carol", 3)] {
            for _ in 0..times {
                let mut session = sessions.generate(SessionMap::default()).await.unwrap();
                session.login(&Principal::new(name).unwrap()).await.unwrap();
            }
        }
        let ended = sessions.generate(SessionMap::default()).await.unwrap();
        sessions.revoke(ended.id().unwrap()).await.unwrap();
        let _ = sessions.generate(SessionMap::default()).await.unwrap();

        let now = sessions.now();
        let stats = collect(&*store, now).await.unwrap();
        assert_eq!((stats.live, stats.signed_in, stats.ended, stats.expired), (8, 7, 1, 0));
        assert_eq!((stats.ages, stats.principals), ([8, 0, 0, 0, 0], 3));
        let top: Vec<(&str, usize)> =
            stats.top_principals.iter().map(|(name, count)| (&**name, *count)).collect();
        assert_eq!(top, [("alice", 3), ("carol", 3), ("bob", 1)]);

        let later = now.after(Duration::from_secs(13 * HOUR));
        let stats = collect(&*store, later).await.unwrap();
        assert_eq!((stats.live, stats.expired), (0, 8));
    }
}

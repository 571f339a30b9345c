//! Who is inside, counted again and again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::record::{Record, Stored};
use cloakroom::store::StoreError;
use cloakroom::{SessionMap, Sessions, Store, Timestamp};
use tokio::sync::watch;

/// Entries read at once.
const PAGE: usize = 500;
/// Counting rests this long at least, and so many times as long as it took: it may use a twentieth of one core.
const REST: Duration = Duration::from_secs(2);
const REST_FACTOR: u32 = 20;
/// Counts that are kept for the chart.
const HISTORY: usize = 300;
/// Principals that are told apart; those of whom there are more are counted together.
const PRINCIPALS: usize = 200_000;
/// Principals that are shown.
const SHOWN: usize = 10;

/// A session's age, in classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    from: Duration,
    to: Duration,
}

/// How many classes of age there are. A literal: a field's type that evaluates `AGES` makes a
/// query cycle for the compiler once it optimizes (E0391).
const AGE_CLASSES: usize = 5;

pub(super) const AGES: [Age; AGE_CLASSES] = [
    Age::class("hour", "under an hour", Duration::ZERO, Duration::from_secs(60 * 60)),
    Age::class(
        "day",
        "an hour to a day",
        Duration::from_secs(60 * 60),
        Duration::from_secs(24 * 60 * 60),
    ),
    Age::class(
        "week",
        "a day to a week",
        Duration::from_secs(24 * 60 * 60),
        Duration::from_secs(24 * 7 * 60 * 60),
    ),
    Age::class(
        "month",
        "a week to a month",
        Duration::from_secs(24 * 7 * 60 * 60),
        Duration::from_secs(24 * 30 * 60 * 60),
    ),
    Age::class("older", "over a month", Duration::from_secs(24 * 30 * 60 * 60), Duration::MAX),
];

impl Age {
    const fn class(name: &'static str, text: &'static str, from: Duration, to: Duration) -> Self {
        Self { name, text, from, to }
    }

    pub(super) fn holds(&self, record: &Record, now: Timestamp) -> bool {
        (self.from..self.to).contains(&now.since(record.created()))
    }
}

/// One count of a whole store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) at: Option<Timestamp>,
    pub(super) live: usize,
    pub(super) signed_in: usize,
    /// Past a deadline, waiting to be swept.
    pub(super) expired: usize,
    /// Ended, their tombstones kept for a while.
    pub(super) ended: usize,
    pub(super) ages: [usize; AGE_CLASSES],
    pub(super) principals: usize,
    /// Those with the most sessions, and how many.
    pub(super) most: Vec<(String, usize)>,
}

/// The last count, and those before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) last: Count,
    /// Live and signed in, at each moment; oldest first.
    pub(super) history: VecDeque<(Timestamp, usize, usize)>,
    /// Why the last attempt failed.
    pub(super) failure: Option<String>,
}

/// Where the counts are to be seen.
#[derive(Clone, Debug)]
pub(crate) struct Census(Arc<watch::Sender<Arc<Counts>>>);

impl Default for Census {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Arc::default())))
    }
}

impl Census {
    pub(super) fn now(&self) -> Arc<Counts> {
        Arc::clone(&self.0.borrow())
    }

    /// Told whenever there is a new count.
    pub(super) fn follow(&self) -> watch::Receiver<Arc<Counts>> {
        self.0.subscribe()
    }

    fn note(&self, counted: Result<Count, StoreError>) {
        let mut counts = Counts::clone(&self.now());
        match counted {
            Ok(count) => {
                counts.history.extend(count.at.map(|at| (at, count.live, count.signed_in)));
                while counts.history.len() > HISTORY {
                    counts.history.pop_front();
                }
                (counts.last, counts.failure) = (count, None);
            }
            Err(error) => counts.failure = Some(error.to_string()),
        }
        self.0.send_replace(Arc::new(counts));
    }
}

/// Counts for as long as it is polled.
pub(super) async fn keep(census: Census, store: Arc<dyn Store>, sessions: Sessions<SessionMap>) {
    loop {
        let began = began();
        census.note(count(&*store, sessions.now()).await);
        tokio::time::sleep(REST.max(began.elapsed() * REST_FACTOR)).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long counting takes is no business of the sessions' clock"
)]
fn began() -> Instant {
    Instant::now()
}

/// Counts the whole store once, a page at a time.
pub(super) async fn count(store: &dyn Store, now: Timestamp) -> Result<Count, StoreError> {
    let mut count = Count { at: Some(now), ..Count::default() };
    let mut principals: HashMap<String, usize> = HashMap::new();
    let mut from = None;
    loop {
        let part = store.scan(from.as_ref(), PAGE).await?;
        for (_, stored) in &part.entries {
            count.add(stored, &mut principals, now);
        }
        from = part.next;
        if from.is_none() {
            break;
        }
        // A store that answers at once must not keep the thread from serving.
        tokio::task::yield_now().await;
    }
    count.principals = principals.len();
    count.most = principals.into_iter().collect();
    count.most.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
    count.most.truncate(SHOWN);
    Ok(count)
}

impl Count {
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
            *count += usize::from(age.holds(record, now));
        }
        let Some(principal) = record.principal().map(cloakroom::Principal::as_str) else { return };
        self.signed_in += 1;
        if let Some(known) = principals.get_mut(principal) {
            *known += 1;
        } else if principals.len() < PRINCIPALS {
            principals.insert(principal.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use cloakroom::{MemoryStore, Principal};

    use super::*;

    #[tokio::test]
    async fn everybody_is_counted_once() {
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
        let counted = count(&*store, now).await.unwrap();
        assert_eq!((counted.live, counted.signed_in, counted.ended, counted.expired), (8, 7, 1, 0));
        assert_eq!((counted.ages, counted.principals), ([8, 0, 0, 0, 0], 3));
        let most: Vec<(&str, usize)> =
            counted.most.iter().map(|(name, count)| (&**name, *count)).collect();
        assert_eq!(most, [("alice", 3), ("carol", 3), ("bob", 1)]);

        let later = now.after(Duration::from_secs(13 * 60 * 60));
        let counted = count(&*store, later).await.unwrap();
        assert_eq!((counted.live, counted.expired), (0, 8));
    }
}

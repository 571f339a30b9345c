//! A bridge with a manual clock, and records to store with it.

use std::collections::HashMap;
use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{PublicId, Store, Timestamp};
use cloakroom_testkit::ManualClock;
use cloakroom_tower_sessions::TowerSessionStore;
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) struct Bridge {
    pub(crate) sessions: TowerSessionStore,
    pub(crate) clock: ManualClock,
}

/// A clock that goes on whenever someone looks at it.
#[derive(Debug)]
pub(crate) struct PassingClock(pub(crate) ManualClock);

impl Clock for PassingClock {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_millis(7));
        self.0.now()
    }
}

impl Bridge {
    pub(crate) fn over(store: impl Store) -> Self {
        let clock = ManualClock::new();
        let sessions =
            TowerSessionStore::with(store, |builder| builder.clock(clock.clone())).unwrap();
        Self { sessions, clock }
    }

    /// For tests of the middleware, which dates records by the system clock: the manual clock
    /// starts there.
    pub(crate) fn with_system_time(store: impl Store) -> Self {
        let bridge = Self::over(store);
        bridge.clock.set(SystemClock.now());
        bridge
    }

    /// The date this far ahead of the clock.
    pub(crate) fn date(&self, ahead: Duration) -> OffsetDateTime {
        date(self.clock.now().after(ahead))
    }

    /// A record that is not stored.
    pub(crate) fn record(&self, value: impl Into<Value>) -> Record {
        let data = HashMap::from([("value".to_owned(), value.into())]);
        Record { id: Id::default(), data, expiry_date: self.date(HOUR) }
    }

    /// A record that is stored.
    pub(crate) async fn created(&self, value: impl Into<Value>) -> Record {
        let mut record = self.record(value);
        self.sessions.create(&mut record).await.unwrap();
        record
    }

    pub(crate) async fn load(&self, id: Id) -> Option<Record> {
        self.sessions.load(&id).await.unwrap()
    }
}

pub(crate) fn date(moment: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment.as_millis()) * 1_000_000).unwrap()
}

/// The record with another value.
pub(crate) fn with(record: &Record, value: impl Into<Value>) -> Record {
    let mut record = record.clone();
    record.data.insert("value".to_owned(), value.into());
    record
}

/// Everything in the store. A scan may return empty pages first.
pub(crate) async fn entries(store: &impl Store) -> Vec<(PublicId, Stored)> {
    let (mut entries, mut from) = (Vec::new(), None);
    loop {
        let part = store.scan(from.as_ref(), 100).await.unwrap();
        entries.extend(part.entries);
        match part.next {
            Some(next) => from = Some(next),
            None => return entries,
        }
    }
}

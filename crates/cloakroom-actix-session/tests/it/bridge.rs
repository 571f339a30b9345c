//! A bridge with a manual clock, and states to store with it.

use std::collections::HashMap;

use actix_session::storage::{SessionKey, SessionStore};
use actix_web::cookie::time::Duration;
use cloakroom::record::Stored;
use cloakroom::{PublicId, Store};
use cloakroom_actix_session::ActixSessionStore;
use cloakroom_testkit::ManualClock;

pub(crate) type State = HashMap<String, String>;

pub(crate) const HOUR: Duration = Duration::HOUR;

pub(crate) struct Bridge {
    pub(crate) sessions: ActixSessionStore,
    pub(crate) clock: ManualClock,
}

impl Bridge {
    pub(crate) fn over(store: impl Store) -> Self {
        let clock = ManualClock::new();
        let sessions =
            ActixSessionStore::with(store, |builder| builder.clock(clock.clone())).unwrap();
        Self { sessions, clock }
    }

    /// The key of a session that lasts an hour.
    pub(crate) async fn saved(&self, value: &str) -> SessionKey {
        self.sessions.save(state(value), &HOUR).await.unwrap()
    }

    pub(crate) async fn load(&self, key: &SessionKey) -> Option<State> {
        self.sessions.load(key).await.unwrap()
    }

    /// Advances the clock.
    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span.unsigned_abs());
    }
}

pub(crate) fn state(value: &str) -> State {
    State::from([("value".to_owned(), format!("{value:?}"))])
}

pub(crate) fn key(text: impl Into<String>) -> SessionKey {
    text.into().try_into().unwrap()
}

/// A copy of the key, which is not `Clone`.
pub(crate) fn copy(of: &SessionKey) -> SessionKey {
    key(of.as_ref())
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

//! A bridge with a clock that is turned by hand, and states to put behind it.

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

    /// The key of a session of an hour.
    pub(crate) async fn saved(&self, value: &str) -> SessionKey {
        self.sessions.save(state(value), &HOUR).await.unwrap()
    }

    pub(crate) async fn load(&self, key: &SessionKey) -> Option<State> {
        self.sessions.load(key).await.unwrap()
    }

    /// Lets the clock go on by a span that is not negative.
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

/// The same key once more: theirs can't be cloned.
pub(crate) fn copy(of: &SessionKey) -> SessionKey {
    key(of.as_ref())
}

/// All that the store keeps, part by part: an engine may begin with empty ones.
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

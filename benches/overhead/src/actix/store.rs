//! A store in memory for actix-session, which brings none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;

type State = HashMap<String, String>;

/// As much as is needed: a map, and when each session ends.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<HashMap<String, (State, Instant)>>);

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (State, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: &SessionKey, state: State, life: Duration) {
        self.lock().insert(key.as_ref().to_owned(), (state, now() + life.unsigned_abs()));
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let sessions = self.lock();
        let living = sessions.get(key.as_ref()).filter(|(_, ends)| now() < *ends);
        Ok(living.map(|(state, _)| state.clone()))
    }

    async fn save(&self, state: State, life: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.put(&key, state, *life);
        Ok(key)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        life: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.put(&key, state, *life);
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, life: &Duration) -> Result<(), anyhow::Error> {
        if let Some((_, ends)) = self.lock().get_mut(key.as_ref()) {
            *ends = now() + life.unsigned_abs();
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        self.lock().remove(key.as_ref());
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a peer's store reads the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

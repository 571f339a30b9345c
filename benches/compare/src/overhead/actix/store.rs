//! A memory store for actix-session, which has none: a concurrent map.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration;
use cloakroom_bench::meter::now;
use dashmap::DashMap;

type State = HashMap<String, String>;

/// Sessions by key, each with its end. An expired session is noticed when it is asked for.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<DashMap<String, (State, Instant)>>);

impl SessionStore for MemoryStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let found = self.0.get(key.as_ref()).filter(|found| found.1 > now());
        Ok(found.map(|found| found.0.clone()))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.0.insert(key.as_ref().to_owned(), (state, end(*ttl)));
        Ok(key)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        if let Some(mut found) = self.0.get_mut(key.as_ref()) {
            *found = (state, end(*ttl));
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> anyhow::Result<()> {
        if let Some(mut found) = self.0.get_mut(key.as_ref()) {
            found.1 = end(*ttl);
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.0.remove(key.as_ref());
        Ok(())
    }
}

fn end(ttl: Duration) -> Instant {
    now() + ttl.unsigned_abs()
}

//! A store in memory for actix-session, which brings none: as quick as its users would make it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::cookie::time::Duration as Ttl;
use dashmap::DashMap;

/// Sessions by their keys, with the time at which they end. What has ended is found out when it is asked for.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<DashMap<String, (State, Instant)>>);

type State = HashMap<String, String>;

impl SessionStore for Memory {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let found = self.0.get(key.as_ref()).filter(|found| found.1 > now());
        Ok(found.map(|found| found.0.clone()))
    }

    async fn save(&self, state: State, ttl: &Ttl) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.0.insert(key.as_ref().to_owned(), (state, end(ttl)));
        Ok(key)
    }

    async fn update(&self, key: SessionKey, state: State, ttl: &Ttl) -> Result<SessionKey, UpdateError> {
        if let Some(mut found) = self.0.get_mut(key.as_ref()) {
            *found = (state, end(ttl));
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Ttl) -> anyhow::Result<()> {
        if let Some(mut found) = self.0.get_mut(key.as_ref()) {
            found.1 = end(ttl);
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.0.remove(key.as_ref());
        Ok(())
    }
}

fn end(ttl: &Ttl) -> Instant {
    now() + Duration::try_from(*ttl).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "part of what is measured")]
fn now() -> Instant {
    Instant::now()
}

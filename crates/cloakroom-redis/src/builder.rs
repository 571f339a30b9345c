//! How a server is reached.

use std::time::Duration;

use redis::Client;

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::Link;
use crate::store::RedisStore;

/// How a server is reached: [`RedisStore::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is reached until `connect` is called"]
pub struct RedisBuilder {
    url: Url,
    prefix: String,
    patience: Duration,
}

/// An address, whose password is never shown.
#[derive(Clone)]
struct Url(String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.0.rsplit('@').next().unwrap_or_default();
        write!(f, "{}", if shown.len() < self.0.len() { format!("..@{shown}") } else { self.0.clone() })
    }
}

impl RedisBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self { url: Url(url), prefix: "cloakroom".to_owned(), patience: Duration::from_secs(5) }
    }

    /// Begins all keys with `prefix`; `cloakroom` unless told. Letters, digits, and any of `_.:-`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Waits up to `span` for a connection and for each answer; five seconds unless told.
    pub const fn waiting_at_most(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }

    /// Reaches the server.
    ///
    /// # Errors
    /// [`RedisError`] if the address or the prefix is none, or nobody can be reached.
    ///
    /// # Panics
    /// Outside a tokio runtime: the store lives in the one that this is called in.
    pub async fn connect(self) -> Result<RedisStore, RedisError> {
        let keys = Keys::new(&self.prefix)
            .ok_or_else(|| RedisError::new(RedisErrorKind::Prefix, "begin keys like that"))?;
        let client =
            Client::open(self.url.0).map_err(|error| RedisError::driver("use this address", error))?;
        let store = RedisStore::start(Link::new(client, self.patience), keys);
        store.greet().await?;
        Ok(store)
    }
}

//! Sessions of keys and values, changed one key at a time.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::error::Error;
use crate::value::{SessionKind, SessionMap, to_json};

/// Access by key. Read with [`SessionMap::get`]. Each method here is one
/// [`update`](Session::update), so two concurrent requests that change different keys do not undo
/// each other's change.
impl<K: SessionKind> Session<SessionMap, K> {
    /// Sets `key` to `value`.
    ///
    /// To set several keys in one write, use `update(|map| ..)`.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// session.insert("theme", "dark").await?;
    /// assert_eq!(session.value().get::<String>("theme")?.as_deref(), Some("dark"));
    /// assert_eq!(session.remove::<String>("theme").await?.as_deref(), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`update`](Session::update); `Unfit` for a value that cannot be JSON.
    pub async fn insert<T: Serialize>(&mut self, key: &str, value: T) -> Result<(), Error> {
        let value = to_json(&value).map_err(Error::unfit)?;
        self.update(|map| map.put(key, value.clone())).await
    }

    /// Removes `key` and returns its value; `None` if there is none.
    ///
    /// # Errors
    /// Those of [`update`](Session::update); `Corrupt` if the value is not a `T`, in which case it
    /// stays.
    pub async fn remove<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Error> {
        self.try_update(|map| map.take(key)).await?.map_err(Error::corrupt)
    }

    /// Writes the differences between `base` and `edited`, key by key, and keeps other requests'
    /// changes to other keys.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// # let mut other = sessions.of_key(session.key().unwrap()).await?;
    /// let base = session.value().clone();
    /// let mut edited = base.clone();
    /// edited.insert("step", 2)?;
    /// other.insert("theme", "dark").await?; // another request, meanwhile
    /// session.merge(&base, &edited).await?;
    /// assert_eq!(session.value().get::<String>("theme")?.as_deref(), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// If two requests change the same key, the later write wins.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn merge(&mut self, base: &SessionMap, edited: &SessionMap) -> Result<(), Error> {
        self.update(|map| map.apply_changes(base, edited)).await
    }
}

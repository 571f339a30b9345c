//! Sessions of keys and values, changed one key at a time.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::error::Error;
use crate::value::{CodecError, SessionKind, SessionMap};

/// What people know from libraries of keys and values. Reading is [`SessionMap::get`]; each of these is one [`update`](Session::update), so
/// two requests that change different keys at once both count.
impl<K: SessionKind> Session<SessionMap, K> {
    /// Puts `value` under `key`. Several at once are one write in `update(|map| ..)`.
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
    /// Those of [`update`](Session::update); `Unfit` for a value that has no form in JSON.
    pub async fn insert<T: Serialize>(&mut self, key: &str, value: T) -> Result<(), Error> {
        let value =
            serde_json::to_value(value).map_err(CodecError::json::<T>).map_err(Error::unfit)?;
        self.update(|map| map.put(key, value.clone())).await
    }

    /// Takes away what is under `key`, and returns it; `None` if there is nothing.
    ///
    /// # Errors
    /// Those of [`update`](Session::update); `Corrupt` for something that is no `T`, which stays.
    pub async fn remove<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Error> {
        self.try_update(|map| map.take(key)).await?.map_err(Error::corrupt)
    }

    /// Writes what was changed from `base` to `edited`, key by key: of what others wrote meanwhile, all other keys stay.
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
    /// Of two that change one key the later one counts.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn merge(&mut self, base: &SessionMap, edited: &SessionMap) -> Result<(), Error> {
        self.update(|map| map.apply_changes(base, edited)).await
    }
}

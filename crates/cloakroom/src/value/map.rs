//! A session value for applications without a type of their own.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::value::{CodecError, to_json};

/// A map of keys and JSON values: the session value of applications that do not want a type for it.
///
/// ```
/// # use cloakroom::SessionMap;
/// let mut map = SessionMap::default();
/// map.insert("visits", 3)?;
/// assert_eq!(map.get::<u32>("visits")?, Some(3));
/// assert!(map.get::<String>("visits").is_err()); // a number, not a string: an error, not `None`
/// # Ok::<(), cloakroom::value::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionMap(BTreeMap<String, Json>);

impl SessionMap {
    /// The value under `key`; `None` if there is none.
    ///
    /// # Errors
    /// [`CodecError`] if the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CodecError> {
        self.0
            .get(key)
            .map(|value| T::deserialize(value).map_err(CodecError::json::<T>))
            .transpose()
    }

    /// Puts `value` under `key`, replacing any value that was there.
    ///
    /// # Errors
    /// [`CodecError`] if the value cannot be written as JSON; nothing changes then.
    pub fn insert<T: Serialize>(
        &mut self,
        key: impl Into<String>,
        value: T,
    ) -> Result<(), CodecError> {
        let value = to_json(&value)?;
        self.0.insert(key.into(), value);
        Ok(())
    }

    /// Changes the value under `key`, starting from the type's default if there is none.
    ///
    /// If there was no value and `change` leaves the default, nothing is stored.
    ///
    /// ```
    /// # use cloakroom::{Flash, SessionMap};
    /// let mut map = SessionMap::default();
    /// map.change("flash", |flash: &mut Flash| flash.push("Saved."))?;
    /// assert_eq!(map.change("flash", Flash::<String>::take)?, ["Saved."]);
    /// # Ok::<(), cloakroom::value::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// [`CodecError`] if the value is not a `T`, or the changed one cannot be written as JSON;
    /// nothing changes then.
    pub fn change<T, R>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, CodecError>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let mut value = self.get::<T>(key)?.unwrap_or_default();
        let result = change(&mut value);
        let value = to_json(&value)?;
        let is_default = || to_json(&T::default()).is_ok_and(|other| other == value);
        if self.0.contains_key(key) || !is_default() {
            self.put(key, value);
        }
        Ok(result)
    }

    /// Removes the value under `key` and returns it; `None` if there is none.
    ///
    /// # Errors
    /// [`CodecError`] if the value is not a `T`; it is not removed then.
    pub fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, CodecError> {
        let taken = self.get(key)?;
        self.remove(key);
        Ok(taken)
    }

    pub(crate) fn put(&mut self, key: &str, value: Json) {
        self.0.insert(key.to_owned(), value);
    }

    /// Applies the difference between `base` and `edited` to this map.
    pub(crate) fn apply_changes(&mut self, base: &Self, edited: &Self) {
        for (key, value) in &edited.0 {
            if base.0.get(key) != Some(value) {
                self.put(key, value.clone());
            }
        }
        for key in base.0.keys().filter(|key| !edited.0.contains_key(*key)) {
            self.remove(key);
        }
    }

    /// Removes the value under `key`; true if there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Removes every key; to end the session, use [`Session::end`](crate::Session::end).
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

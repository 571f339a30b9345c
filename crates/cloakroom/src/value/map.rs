//! A value without a type of its own.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::value::CodecError;

/// Keys and JSON values: the session value of applications that don't want a type for it.
///
/// ```
/// # use cloakroom::SessionMap;
/// let mut map = SessionMap::default();
/// map.insert("visits", 3)?;
/// assert_eq!(map.get::<u32>("visits")?, Some(3));
/// assert!(map.get::<String>("visits").is_err()); // there, and no string: never a silent `None`
/// # Ok::<(), cloakroom::value::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionMap(BTreeMap<String, Json>);

impl SessionMap {
    /// The value under `key`; `None` if there is none.
    ///
    /// # Errors
    /// [`CodecError`] if there is one and it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CodecError> {
        self.0
            .get(key)
            .map(|value| T::deserialize(value).map_err(CodecError::json::<T>))
            .transpose()
    }

    /// Puts `value` under `key`, in place of what was there.
    ///
    /// # Errors
    /// [`CodecError`] if the value has no form in JSON; nothing changes then.
    pub fn insert<T: Serialize>(
        &mut self,
        key: impl Into<String>,
        value: T,
    ) -> Result<(), CodecError> {
        let value = serde_json::to_value(value).map_err(CodecError::json::<T>)?;
        self.0.insert(key.into(), value);
        Ok(())
    }

    /// Changes what is under `key`, from its type's default on if there is nothing; a default that stays one is not kept.
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
    /// [`CodecError`] if there is something and it is no `T`, or the changed one has no form in JSON; nothing changes then.
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
        let value = serde_json::to_value(value).map_err(CodecError::json::<T>)?;
        let default_value = || serde_json::to_value(T::default()).ok();
        if self.0.contains_key(key) || default_value().as_ref() != Some(&value) {
            self.put(key, value);
        }
        Ok(result)
    }

    /// Takes away what is under `key`, and returns it; `None` if there is nothing.
    ///
    /// # Errors
    /// [`CodecError`] if there is something and it is no `T`; it stays.
    pub fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, CodecError> {
        let taken = self.get(key)?;
        self.remove(key);
        Ok(taken)
    }

    pub(crate) fn put(&mut self, key: &str, value: Json) {
        self.0.insert(key.to_owned(), value);
    }

    /// Changes here what `edited` changed in `base`, and nothing else.
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

    /// Removes what is under `key`; true if there was something.
    pub fn remove(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Removes everything. This empties the value; [`Session::end`](crate::Session::end) ends the session.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

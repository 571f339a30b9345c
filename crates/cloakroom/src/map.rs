//! A value without a type of its own.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::codec::CodecError;

/// Keys and JSON values: the session value of applications that don't want a type for it.
///
/// ```
/// # use cloakroom::Map;
/// let mut map = Map::default();
/// map.insert("visits", 3)?;
/// assert_eq!(map.get::<u32>("visits")?, Some(3));
/// assert!(map.get::<String>("visits").is_err()); // there, and no string: never a silent `None`
/// # Ok::<(), cloakroom::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Map(BTreeMap<String, Json>);

impl Map {
    /// The value under `key`; `None` if there is none.
    ///
    /// # Errors
    /// [`CodecError`] if there is one and it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CodecError> {
        self.0.get(key).map(|value| T::deserialize(value).map_err(CodecError::new)).transpose()
    }

    /// Puts `value` under `key`, in place of what was there.
    ///
    /// # Errors
    /// [`CodecError`] if the value has no form in JSON; nothing changes then.
    pub fn insert<T: Serialize>(&mut self, key: impl Into<String>, value: T) -> Result<(), CodecError> {
        let value = serde_json::to_value(value).map_err(CodecError::new)?;
        self.0.insert(key.into(), value);
        Ok(())
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

//! A session's value, as a store sees it.

mod room;

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use self::room::Room;
use crate::value::{CodecError, Coding};

/// A session's value as a store sees it: typed inside the process, bytes outside. Cheap to clone.
///
/// A store outside the process keeps the bytes of [`Payload::to_bytes`] and returns them with
/// [`Payload::from_bytes`]. A store inside the process can keep the payload itself.
#[derive(Clone)]
pub struct Payload(Option<Arc<dyn PayloadData>>);

/// A value in one of its two forms: [`TypedValue`] or [`Encoded`].
trait PayloadData: Any + Send + Sync {
    fn to_bytes(&self) -> Result<Arc<[u8]>, CodecError>;
    fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;
    fn memory(&self) -> Result<usize, CodecError>;
    /// How much memory the value takes in its typed form, if it was written so and that is known.
    fn value_memory(&self) -> Option<usize>;
    /// The bytes of a value that is in its encoded form.
    fn bytes(&self) -> Option<&[u8]>;
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// A value with the coding that writes it: what handles and in-process stores share.
pub(crate) struct TypedValue<V> {
    pub(crate) value: V,
    coding: Arc<Coding<V>>,
    /// About how much memory the value takes, once that is known.
    pub(super) memory: OnceLock<usize>,
}

impl<V> TypedValue<V> {
    pub(crate) fn new(value: V, coding: Arc<Coding<V>>) -> Self {
        Self { value, coding, memory: OnceLock::new() }
    }
}

impl<V: PartialEq> PartialEq for TypedValue<V> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Bytes that several requests can share, and the value once one of them has decoded it.
struct Encoded {
    bytes: Arc<[u8]>,
    decoded: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// How much memory the value takes that became these bytes, if that is known.
    memory: Option<usize>,
    room: Room,
    /// True if the coding of the decoded value wrote the bytes, so it knows everything in them.
    is_complete: bool,
}

impl Payload {
    /// No value: the session was allocated and never given one.
    pub const fn unset() -> Self {
        Self(None)
    }

    /// The payload with these bytes, which [`Payload::to_bytes`] wrote.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::encoded(bytes.into(), OnceLock::new(), None, false)
    }

    /// A value that is encoded already.
    pub(super) fn decoded<V: Send + Sync + 'static>(
        bytes: Vec<u8>,
        value: Arc<TypedValue<V>>,
        is_complete: bool,
    ) -> Self {
        let memory = value.memory.get().copied();
        let decoded: Arc<dyn Any + Send + Sync> = value;
        Self::encoded(bytes.into(), OnceLock::from(decoded), memory, is_complete)
    }

    fn encoded(
        bytes: Arc<[u8]>,
        decoded: OnceLock<Arc<dyn Any + Send + Sync>>,
        memory: Option<usize>,
        is_complete: bool,
    ) -> Self {
        let room = Room::unbounded();
        Self(Some(Arc::new(Encoded { bytes, decoded, memory, room, is_complete })))
    }

    pub(crate) fn typed<V: Send + Sync + 'static>(typed_value: Arc<TypedValue<V>>) -> Self {
        Self(Some(typed_value))
    }

    /// This payload without the value that a request has decoded or will decode from its bytes, for
    /// a store that counts the bytes only. A value that is not in bytes stays.
    pub(crate) fn without_decoded(&self) -> Self {
        match self.as_encoded() {
            Some(encoded) => Self::from_bytes(Arc::clone(&encoded.bytes)),
            None => self.clone(),
        }
    }

    /// True if a value is kept that was decoded from the bytes, or written as them.
    pub(crate) fn is_decoded(&self) -> bool {
        self.as_encoded().is_some_and(|encoded| encoded.decoded.get().is_some())
    }

    /// Permits to keep a decoded value of so many bytes.
    pub(crate) fn grant_room(&self, room: usize) {
        if let Some(encoded) = self.as_encoded() {
            encoded.room.grant(room);
        }
    }

    /// How many bytes the decoded value takes, if that was more than its room.
    pub(crate) fn wanted_room(&self) -> Option<usize> {
        self.as_encoded()?.room.wanted()
    }

    fn as_encoded(&self) -> Option<&Encoded> {
        self.0.as_ref()?.as_any().downcast_ref()
    }

    /// True if the session was never given a value.
    pub const fn is_unset(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes to keep outside this process; `None` if there is no value.
    ///
    /// # Errors
    /// [`CodecError`] if the application's codec cannot write the value.
    pub fn to_bytes(&self) -> Result<Option<Arc<[u8]>>, CodecError> {
        self.0.as_ref().map(|data| data.to_bytes()).transpose()
    }

    /// Appends the bytes to `out`, if there is a value.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.0.as_ref().map_or(Ok(()), |data| data.append_to(out))
    }

    /// About how many bytes of memory the value takes as it is held here, by which stores in the
    /// process with a bound count: rather more than less.
    ///
    /// # Errors
    /// [`CodecError`] if the application's codec cannot write the value.
    pub fn memory(&self) -> Result<usize, CodecError> {
        self.0.as_ref().map_or(Ok(0), |data| data.memory())
    }

    /// How much memory the value takes in its typed form, if it was written in this process and
    /// that is known.
    pub(super) fn value_memory(&self) -> Option<usize> {
        self.0.as_ref()?.value_memory()
    }

    /// The bytes, if the value is in its encoded form.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_ref()?.bytes()
    }

    /// The typed value, decoded if necessary; `None` if there is no value.
    pub(crate) fn open<V: Send + Sync + 'static>(
        &self,
        coding: &Arc<Coding<V>>,
    ) -> Result<Option<Arc<TypedValue<V>>>, CodecError> {
        let Some(data) = &self.0 else { return Ok(None) };
        if let Some(value) = data.value_of(coding) {
            return Ok(Some(value));
        }
        let value = match data.as_any().downcast_ref::<Encoded>() {
            Some(encoded) => encoded.open(coding)?,
            // Another `Sessions` of this process wrote it, which can be of another version.
            None => Arc::new(coding.typed(coding.decode(&data.to_bytes()?)?)),
        };
        Ok(Some(value))
    }

    /// True if `coding` wrote the value in this process, so that it knows everything in it.
    pub(super) fn is_known_to<V: Send + Sync + 'static>(&self, coding: &Arc<Coding<V>>) -> bool {
        let Some(data) = &self.0 else { return true };
        let is_complete =
            data.as_any().downcast_ref::<Encoded>().is_none_or(|encoded| encoded.is_complete);
        is_complete && data.value_of(coding).is_some()
    }
}

impl dyn PayloadData {
    /// The value, if `coding` wrote or decoded it.
    fn value_of<V: Send + Sync + 'static>(
        self: &Arc<Self>,
        coding: &Arc<Coding<V>>,
    ) -> Option<Arc<TypedValue<V>>> {
        let any = match self.as_any().downcast_ref::<Encoded>() {
            Some(encoded) => Arc::clone(encoded.decoded.get()?),
            None => Arc::clone(self).into_any(),
        };
        let value = any.downcast::<TypedValue<V>>().ok()?;
        Arc::ptr_eq(&value.coding, coding).then_some(value)
    }
}

impl<V: Send + Sync + 'static> PayloadData for TypedValue<V> {
    fn to_bytes(&self) -> Result<Arc<[u8]>, CodecError> {
        self.coding.encode(&self.value).map(Into::into)
    }

    fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.coding.append(&self.value, out)
    }

    fn memory(&self) -> Result<usize, CodecError> {
        match self.memory.get() {
            Some(memory) => Ok(*memory),
            None => match self.coding.memory(&self.value) {
                Some(memory) => Ok(memory),
                None => self.coding.encode(&self.value).map(|bytes| bytes.len()),
            },
        }
    }

    fn value_memory(&self) -> Option<usize> {
        self.memory.get().copied()
    }

    fn bytes(&self) -> Option<&[u8]> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl PayloadData for Encoded {
    fn to_bytes(&self) -> Result<Arc<[u8]>, CodecError> {
        Ok(Arc::clone(&self.bytes))
    }

    fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(&self.bytes);
        Ok(())
    }

    fn memory(&self) -> Result<usize, CodecError> {
        Ok(self.bytes.len())
    }

    fn value_memory(&self) -> Option<usize> {
        self.memory
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl Encoded {
    /// Decodes the value, for all requests that share these bytes and use the same coding.
    fn open<V: Send + Sync + 'static>(
        &self,
        coding: &Arc<Coding<V>>,
    ) -> Result<Arc<TypedValue<V>>, CodecError> {
        let value = Arc::new(coding.typed(coding.decode(&self.bytes)?));
        if self.room.has_room(|| coding.memory(&value.value)) {
            // If another request was faster, its value stays.
            let _ = self.decoded.set(Arc::<TypedValue<V>>::clone(&value));
        }
        Ok(value)
    }
}

impl PartialEq for Payload {
    /// True if both are the same bytes.
    fn eq(&self, other: &Self) -> bool {
        matches!((self.to_bytes(), other.to_bytes()), (Ok(one), Ok(other)) if one == other)
    }
}

impl Eq for Payload {}

impl Hash for Payload {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_bytes().ok().hash(state);
    }
}

impl fmt::Debug for Payload {
    /// Never shows the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.as_bytes()) {
            (None, _) => f.write_str("Payload(unset)"),
            (Some(_), None) => f.write_str("Payload(typed)"),
            (Some(_), Some(bytes)) => write!(f, "Payload({} bytes)", bytes.len()),
        }
    }
}

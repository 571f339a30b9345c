//! What a session carries, as a store sees it: a value it need not understand.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::value::{CodecError, Coding};

/// A session's value on its way to or from a store.
///
/// It is typed while it stays in this process, and bytes once it left: a store outside the process asks for
/// [`Payload::to_bytes`] and gives back [`Payload::from_bytes`]; a store inside may keep it as it is. Cheap to clone.
#[derive(Clone)]
pub struct Payload(Option<Arc<dyn PayloadData>>);

/// A value in one form or the other.
trait PayloadData: Any + Send + Sync {
    fn to_bytes(&self) -> Result<Arc<[u8]>, CodecError>;
    fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;
    fn measure(&self) -> Result<usize, CodecError>;
    /// The bytes, of a value that is bytes here.
    fn bytes(&self) -> Option<&[u8]>;
}

/// A value beside the coding that writes it: what handles and in-process stores share.
pub(crate) struct TypedValue<V> {
    pub(crate) value: V,
    pub(crate) coding: Arc<Coding<V>>,
}

/// Bytes that several requests may share, and the value once one of them has decoded it.
struct Encoded {
    bytes: Arc<[u8]>,
    opened: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Payload {
    /// No value: the session was allocated and never given one.
    pub const fn unset() -> Self {
        Self(None)
    }

    /// The payload that [`Payload::to_bytes`] made.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(Some(Arc::new(Encoded { bytes: bytes.into(), opened: OnceLock::new() })))
    }

    pub(crate) fn typed<V: Send + Sync + 'static>(typed_value: Arc<TypedValue<V>>) -> Self {
        Self(Some(typed_value))
    }

    /// True if the session was never given a value.
    pub const fn is_unset(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes to keep outside this process; `None` if there is no value.
    ///
    /// # Errors
    /// [`CodecError`] if the value can't be written in the application's codec.
    pub fn to_bytes(&self) -> Result<Option<Arc<[u8]>>, CodecError> {
        self.0.as_ref().map(|content| content.to_bytes()).transpose()
    }

    /// Appends the bytes to others, if there is a value.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.0.as_ref().map_or(Ok(()), |content| content.append_to(out))
    }

    /// How many bytes [`Payload::to_bytes`] gives: the size that bounded stores count.
    ///
    /// # Errors
    /// [`CodecError`] if the value can't be written in the application's codec.
    pub fn measure(&self) -> Result<usize, CodecError> {
        self.0.as_ref().map_or(Ok(0), |content| content.measure())
    }

    /// The bytes, of a value that is bytes here.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_ref()?.bytes()
    }

    /// The typed value: as it is, or decoded; `None` if there is no value.
    pub(crate) fn open<V: Send + Sync + 'static>(
        &self,
        coding: &Arc<Coding<V>>,
    ) -> Result<Option<Arc<TypedValue<V>>>, CodecError> {
        let Some(content) = &self.0 else { return Ok(None) };
        let any: &(dyn Any + Send + Sync) = &**content;
        if any.is::<TypedValue<V>>() {
            let shared: Arc<dyn Any + Send + Sync> = Arc::<dyn PayloadData>::clone(content);
            return Ok(shared.downcast().ok());
        }
        let encoded = any.downcast_ref::<Encoded>().ok_or_else(CodecError::foreign)?;
        encoded.open(coding).map(Some)
    }
}

impl<V: Send + Sync + 'static> PayloadData for TypedValue<V> {
    fn to_bytes(&self) -> Result<Arc<[u8]>, CodecError> {
        self.coding.encode(&self.value).map(Into::into)
    }

    fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.coding.append(&self.value, out)
    }

    fn measure(&self) -> Result<usize, CodecError> {
        self.coding.measure(&self.value)
    }

    fn bytes(&self) -> Option<&[u8]> {
        None
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

    fn measure(&self) -> Result<usize, CodecError> {
        Ok(self.bytes.len())
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }
}

impl Encoded {
    /// The value, decoded at most once for all who share it, unless they decode it differently.
    fn open<V: Send + Sync + 'static>(
        &self,
        coding: &Arc<Coding<V>>,
    ) -> Result<Arc<TypedValue<V>>, CodecError> {
        let opened = self
            .opened
            .get()
            .and_then(|opened| Arc::clone(opened).downcast::<TypedValue<V>>().ok());
        if let Some(opened) = opened.filter(|opened| Arc::ptr_eq(&opened.coding, coding)) {
            return Ok(opened);
        }
        let value = coding.decode(&self.bytes)?;
        let typed_value = Arc::new(TypedValue { value, coding: Arc::clone(coding) });
        let shared: Arc<dyn Any + Send + Sync> = Arc::<TypedValue<V>>::clone(&typed_value);
        // If another was faster, theirs stays.
        let _ = self.opened.set(shared);
        Ok(typed_value)
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

//! What a session carries, as a store sees it: a value it need not understand.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::codec::{CodecError, Coding};

/// A session's value on its way to or from a store.
///
/// It is typed while it stays in this process, and bytes once it left: a store outside the process asks for
/// [`Payload::to_bytes`] and gives back [`Payload::from_bytes`]; a store inside may keep it as it is. Cheap to clone.
#[derive(Clone)]
pub struct Payload(Form);

#[derive(Clone)]
enum Form {
    Unset,
    Typed(Arc<dyn Typed>),
    Bytes(Arc<Encoded>),
}

/// Bytes that several requests may share, and the value once one of them has decoded it.
struct Encoded {
    bytes: Arc<[u8]>,
    opened: OnceLock<Arc<dyn Typed>>,
}

impl Payload {
    /// No value: the session was allocated and never given one.
    pub const fn unset() -> Self {
        Self(Form::Unset)
    }

    /// The payload that [`Payload::to_bytes`] made.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(Form::Bytes(Arc::new(Encoded { bytes: bytes.into(), opened: OnceLock::new() })))
    }

    pub(crate) fn typed<V: Send + Sync + 'static>(holder: Arc<Holder<V>>) -> Self {
        Self(Form::Typed(holder))
    }

    /// True if the session was never given a value.
    pub const fn is_unset(&self) -> bool {
        matches!(self.0, Form::Unset)
    }

    /// The bytes to keep outside this process; `None` if there is no value.
    ///
    /// # Errors
    /// [`CodecError`] if the value can't be written in the application's codec.
    pub fn to_bytes(&self) -> Result<Option<Arc<[u8]>>, CodecError> {
        match &self.0 {
            Form::Unset => Ok(None),
            Form::Typed(value) => value.encode().map(|bytes| Some(bytes.into())),
            Form::Bytes(encoded) => Ok(Some(Arc::clone(&encoded.bytes))),
        }
    }

    /// How many bytes [`Payload::to_bytes`] gives: the size that bounded stores count.
    ///
    /// # Errors
    /// [`CodecError`] if the value can't be written in the application's codec.
    pub fn measure(&self) -> Result<usize, CodecError> {
        match &self.0 {
            Form::Unset => Ok(0),
            Form::Typed(value) => value.measure(),
            Form::Bytes(encoded) => Ok(encoded.bytes.len()),
        }
    }

    /// The bytes, of a value that is bytes here.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Bytes(encoded) => Some(&encoded.bytes),
            Form::Unset | Form::Typed(_) => None,
        }
    }

    /// The typed value: as it is, or decoded; `None` if there is no value.
    pub(crate) fn open<V: Send + Sync + 'static>(
        &self,
        coding: &Arc<Coding<V>>,
    ) -> Result<Option<Arc<Holder<V>>>, CodecError> {
        match &self.0 {
            Form::Unset => Ok(None),
            Form::Bytes(encoded) => encoded.open(coding).map(Some),
            Form::Typed(value) => downcast(value).map(Some).ok_or_else(CodecError::foreign),
        }
    }
}

impl Encoded {
    /// The value, decoded at most once for all who share it, unless they decode it differently.
    fn open<V: Send + Sync + 'static>(&self, coding: &Arc<Coding<V>>) -> Result<Arc<Holder<V>>, CodecError> {
        let opened = self.opened.get().and_then(downcast::<V>);
        if let Some(opened) = opened.filter(|opened| Arc::ptr_eq(&opened.coding, coding)) {
            return Ok(opened);
        }
        let value = coding.decode(&self.bytes)?;
        let holder = Arc::new(Holder { value, coding: Arc::clone(coding) });
        let typed: Arc<dyn Typed> = Arc::<Holder<V>>::clone(&holder);
        // If another was faster, theirs stays.
        let _ = self.opened.set(typed);
        Ok(holder)
    }
}

fn downcast<V: Send + Sync + 'static>(value: &Arc<dyn Typed>) -> Option<Arc<Holder<V>>> {
    let value: Arc<dyn Any + Send + Sync> = Arc::<dyn Typed>::clone(value);
    value.downcast().ok()
}

impl fmt::Debug for Payload {
    /// Never shows the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Unset => f.write_str("Payload(unset)"),
            Form::Typed(_) => f.write_str("Payload(typed)"),
            Form::Bytes(encoded) => write!(f, "Payload({} bytes)", encoded.bytes.len()),
        }
    }
}

/// A value that knows how to write itself.
trait Typed: Any + Send + Sync {
    fn encode(&self) -> Result<Vec<u8>, CodecError>;
    fn measure(&self) -> Result<usize, CodecError>;
}

/// A value beside the coding that writes it: what handles and in-process stores share.
pub(crate) struct Holder<V> {
    pub(crate) value: V,
    pub(crate) coding: Arc<Coding<V>>,
}

impl<V: Send + Sync + 'static> Typed for Holder<V> {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        self.coding.encode(&self.value)
    }

    fn measure(&self) -> Result<usize, CodecError> {
        self.coding.measure(&self.value)
    }
}

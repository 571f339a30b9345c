//! How values become bytes.
//!
//! Outside the process, a payload is:
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 1 | format: see below |
//! | 1 | 1 | schema: the application's version of its value, 0 by default |
//! | 2 | rest | body, as the format defines it |
//!
//! Format `0x01` is JSON, `0x7f` a value that is moving to another store, and `0x80` to `0xff` are
//! for the application's own codecs; the others are reserved.

mod json;
mod length;

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use json::JsonCodec;
use serde_json::error::Category;

/// The format byte of a value that is moving to another store; no codec can use it.
pub(crate) const FENCE: u8 = 0x7f;

/// Writes values of type `V` as bytes, and reads them back.
///
/// The application chooses the codec, never the data: a payload of another format is not decoded.
pub trait Codec<V>: fmt::Debug + Send + Sync + 'static {
    /// The first byte of every payload of this codec: `0x80` to `0xff` for a codec of your own.
    fn format(&self) -> u8;

    /// Appends the value to `body`.
    ///
    /// # Errors
    /// If this codec cannot write the value.
    fn encode(&self, value: &V, body: &mut Vec<u8>) -> Result<(), CodecError>;

    /// The number of bytes that [`encode`](Codec::encode) appends.
    ///
    /// Override it if they can be counted without being kept.
    ///
    /// # Errors
    /// If this codec cannot write the value.
    fn measure(&self, value: &V) -> Result<usize, CodecError> {
        let mut body = Vec::with_capacity(128);
        self.encode(value, &mut body)?;
        Ok(body.len())
    }

    /// Reads a value back from its body.
    ///
    /// # Errors
    /// If the body is not such a value.
    fn decode(&self, body: &[u8]) -> Result<V, CodecError>;
}

/// A payload of another schema or format than the current one, for an upgrade hook to read.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct OldPayload<'a> {
    /// The format byte that it was written with.
    pub format: u8,
    /// The schema version that it was written with.
    pub schema: u8,
    /// Its body.
    pub body: &'a [u8],
}

impl fmt::Debug for OldPayload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OldPayload(format {}, schema {}, {} bytes)",
            self.format,
            self.schema,
            self.body.len()
        )
    }
}

/// Reads a value from an [`OldPayload`].
pub(crate) type Upgrade<V> = dyn Fn(OldPayload<'_>) -> Result<V, CodecError> + Send + Sync;

/// A codec with the application's schema version and upgrade hook.
pub(crate) struct Coding<V> {
    pub(crate) codec: Arc<dyn Codec<V>>,
    pub(crate) schema: u8,
    pub(crate) upgrade: Option<Arc<Upgrade<V>>>,
}

impl<V: 'static> Coding<V> {
    pub(crate) fn encode(&self, value: &V) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::with_capacity(128);
        self.append(value, &mut bytes)?;
        Ok(bytes)
    }

    /// Appends the encoded value to `out`.
    pub(crate) fn append(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(&[self.codec.format(), self.schema]);
        self.codec.encode(value, out)
    }

    /// The length of the encoded value.
    pub(crate) fn measure(&self, value: &V) -> Result<usize, CodecError> {
        self.codec.measure(value).map(|body| body + 2)
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<V, CodecError> {
        let &[format, schema, ref body @ ..] = bytes else {
            return Err(CodecError::from("the payload is too short"));
        };
        if format == self.codec.format() && schema == self.schema {
            return self.codec.decode(body);
        }
        if format == FENCE {
            return Err(CodecError::from("the session is moving to another store").of_version());
        }
        let value = match &self.upgrade {
            Some(upgrade) => upgrade(OldPayload { format, schema, body }),
            None => Err(CodecError::from(
                "the payload has another format or schema; set an upgrade hook with `schema`",
            )),
        };
        value.map_err(CodecError::of_version)
    }
}

/// The error for a value that could not be encoded or decoded; its source says why.
#[derive(Debug)]
pub struct CodecError {
    cause: Box<dyn StdError + Send + Sync>,
    is_of_other_version: bool,
}

impl CodecError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_of_other_version: false }
    }

    /// True if another version of the application wrote the value, or probably did; false if it is
    /// damaged.
    pub(crate) const fn is_of_other_version(&self) -> bool {
        self.is_of_other_version
    }

    pub(crate) fn of_version(self) -> Self {
        Self { is_of_other_version: true, ..self }
    }

    /// What is wrong with the JSON of a `T`, without the part of the value that serde would quote.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub(crate) fn json<T>(error: serde_json::Error) -> Self {
        let error_is_data = error.classify() == Category::Data;
        let what = match error.classify() {
            Category::Io => "the value cannot be written",
            Category::Syntax => "the text is not JSON",
            Category::Data => "the JSON has another shape",
            Category::Eof => "the JSON ends too early",
        };
        let (expected, line, column) = (type_name::<T>(), error.line(), error.column());
        let place =
            if line == 0 { String::new() } else { format!(" (line {line} column {column})") };
        let error = Self::new(format!("expected `{expected}`, but {what}{place}"));
        // Text that is not JSON was never a value of any version.
        if error_is_data { error.of_version() } else { error }
    }

    pub(crate) fn foreign() -> Self {
        Self::from(
            "the store holds a value of another type: give each type a `SessionKind` of its own",
        )
        .of_version()
    }
}

impl From<&str> for CodecError {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot encode or decode a session's value")
    }
}

impl StdError for CodecError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.cause.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(schema: u8, upgrade: Option<Arc<Upgrade<u32>>>) -> Coding<u32> {
        Coding { codec: Arc::new(JsonCodec), schema, upgrade }
    }

    #[test]
    fn a_payload_begins_with_its_format_and_schema() {
        assert_eq!(coding(7, None).encode(&42).unwrap(), [1, 7, b'4', b'2']);
        assert_eq!(coding(7, None).measure(&42).unwrap(), 4);
    }

    #[test]
    fn only_a_payload_of_another_schema_goes_through_the_upgrade_hook() {
        let old = coding(0, None).encode(&42).unwrap();
        assert!(coding(1, None).decode(&old).is_err());
        let upgrade: Arc<Upgrade<u32>> = Arc::new(|old| {
            assert_eq!((old.format, old.schema), (1, 0));
            JsonCodec.decode(old.body).map(|n: u32| n * 10)
        });
        let current = coding(1, Some(upgrade));
        assert_eq!(current.decode(&old).unwrap(), 420);
        assert_eq!(current.decode(&current.encode(&5).unwrap()).unwrap(), 5);
    }

    #[test]
    fn a_payload_of_another_format_is_refused() {
        for bytes in [&b""[..], b"\x01", b"\x80\x0042", b"{}"] {
            assert!(coding(0, None).decode(bytes).is_err());
        }
    }
}

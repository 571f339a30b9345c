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
mod shapes;

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use json::JsonCodec;
#[doc(hidden)]
pub use json::Survey;
pub(crate) use json::to_json;
use serde_json::error::Category;

use self::shapes::Shapes;
use super::payload::{Payload, TypedValue};

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

    /// What a pass over the value tells; `None` if only encoding it does.
    #[doc(hidden)]
    fn survey(&self, value: &V) -> Option<Survey> {
        let _ = value;
        None
    }

    /// Reads a value back from its body.
    ///
    /// # Errors
    /// If the body is not such a value.
    fn decode(&self, body: &[u8]) -> Result<V, CodecError>;

    /// Reads a value that was just written, and learns what the next survey needs.
    ///
    /// # Errors
    /// If the body is not such a value.
    #[doc(hidden)]
    fn read_back(&self, body: &[u8]) -> Result<V, CodecError> {
        self.decode(body)
    }

    /// True if `written` may lack fields of `stored`, the body that it replaces, which
    /// [`decode`](Codec::decode) skipped because another version of the application wrote them.
    ///
    /// By default false: a codec that skips nothing, or keeps nothing, needs no more.
    fn may_lose_fields(&self, stored: &[u8], written: &[u8]) -> bool {
        let _ = (stored, written);
        false
    }

    /// `written`, with the fields of `stored` that are not in `known`: the body that
    /// [`encode`](Codec::encode) writes for the value that was read from `stored`. `None` if there
    /// are none.
    ///
    /// It is asked for only if [`may_lose_fields`](Codec::may_lose_fields) returns true, and used
    /// only if it decodes to the same value as `written`.
    fn keep_fields(&self, stored: &[u8], known: &[u8], written: &[u8]) -> Option<Vec<u8>> {
        let _ = (stored, known, written);
        None
    }
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
    codec: Arc<dyn Codec<V>>,
    schema: u8,
    upgrade: Option<Arc<Upgrade<V>>>,
    /// The most bytes that an encoded value can take.
    max_value: usize,
    /// The shapes of values that were written and read back.
    shapes: Shapes,
}

impl<V> Coding<V> {
    pub(crate) fn new(
        codec: Arc<dyn Codec<V>>,
        schema: u8,
        upgrade: Option<Arc<Upgrade<V>>>,
        max_value: usize,
    ) -> Self {
        Self { codec, schema, upgrade, max_value, shapes: Shapes::default() }
    }

    pub(crate) fn typed(self: &Arc<Self>, value: V) -> TypedValue<V> {
        TypedValue::new(value, Arc::clone(self))
    }
}

/// The bytes before the body.
const HEAD: usize = 2;

impl<V: PartialEq + Send + Sync + 'static> Coding<V> {
    /// The payload with this value, which replaces another one.
    ///
    /// It can be read back: whatever could not be is an error here, and not at the next request.
    pub(crate) fn payload(
        self: &Arc<Self>,
        value: &Arc<TypedValue<V>>,
        replaced: &Payload,
    ) -> Result<Payload, CodecError> {
        let is_known = replaced.is_known_to(self);
        if let Some(survey) = self.codec.survey(&value.value).filter(|_| is_known) {
            if let Some(memory) = self.check(&value.value, survey)? {
                return self.typed_payload(value, memory, replaced);
            }
        }
        let bytes = self.encode(&value.value)?;
        self.check_size(bytes.len())?;
        if !is_known {
            if let Some((bytes, value)) = self.with_kept_fields(replaced, &bytes) {
                return Ok(Payload::decoded(bytes, Arc::new(self.typed(value)), false));
            }
        }
        Ok(Payload::decoded(bytes, Arc::clone(value), true))
    }

    /// The payload with a value of which it is known how much memory it takes.
    ///
    /// What shrinks can keep the memory that it had. So it counts as much as before, and becomes
    /// bytes once that is twice of what it needs: the value that is read from them is a new one.
    fn typed_payload(
        &self,
        value: &Arc<TypedValue<V>>,
        memory: usize,
        replaced: &Payload,
    ) -> Result<Payload, CodecError> {
        let before = replaced.value_memory().unwrap_or_default();
        let _ = value.memory.set(memory.max(before));
        if memory < before / 2 {
            return Ok(Payload::decoded(self.encode(&value.value)?, Arc::clone(value), true));
        }
        Ok(Payload::typed(Arc::clone(value)))
    }

    /// `written` with the fields of `replaced` that another version wrote, if there are any, and
    /// its value.
    fn with_kept_fields(
        self: &Arc<Self>,
        replaced: &Payload,
        written: &[u8],
    ) -> Option<(Vec<u8>, V)> {
        let stored = replaced.to_bytes().ok()??;
        let is_current = stored.get(..HEAD) == written.get(..HEAD);
        if !is_current || !self.codec.may_lose_fields(&stored[HEAD..], &written[HEAD..]) {
            return None;
        }
        let known = self.encode(&replaced.open(self).ok()??.value).ok()?;
        let kept = self.codec.keep_fields(&stored[HEAD..], &known[HEAD..], &written[HEAD..])?;
        let bytes = [&written[..HEAD], &kept].concat();
        self.check_size(bytes.len()).ok()?;
        // A field that this version understands after all must not change the value.
        let value = self.decode(&bytes).ok()?;
        (value == self.decode(written).ok()?).then_some((bytes, value))
    }
}

impl<V: 'static> Coding<V> {
    /// How much memory the value takes, if that can be known; an error if the value could not be
    /// stored and read back. Values of a shape that was read back before are not tried again.
    fn check(&self, value: &V, survey: Survey) -> Result<Option<usize>, CodecError> {
        if survey.length <= self.max_value && self.shapes.contains(survey.shape) {
            return Ok(survey.memory);
        }
        let mut bytes = Vec::with_capacity(survey.length + HEAD);
        self.write(value, &mut bytes)?;
        self.check_size(bytes.len())?;
        Self::of_reading(self.codec.read_back(&bytes[HEAD..]))?;
        self.shapes.insert(survey.shape);
        Ok(match survey.memory {
            // Now the sizes are known of what was read back.
            None => self.codec.survey(value).and_then(|survey| survey.memory),
            known => known,
        })
    }

    fn check_size(&self, size: usize) -> Result<(), CodecError> {
        if size > self.max_value {
            Err(CodecError::too_large(size, self.max_value))
        } else {
            Ok(())
        }
    }

    /// The value as bytes that can be read back.
    pub(crate) fn encode(&self, value: &V) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::with_capacity(128);
        self.append(value, &mut bytes)?;
        Ok(bytes)
    }

    /// Appends the encoded value, which can be read back, to `out`.
    pub(crate) fn append(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = out.len();
        self.write(value, out)?;
        Self::of_reading(self.codec.decode(&out[start + HEAD..]))
    }

    fn write(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(&[self.codec.format(), self.schema]);
        self.codec.encode(value, out)
    }

    /// About how much memory the value takes, if that can be known.
    pub(crate) fn memory(&self, value: &V) -> Option<usize> {
        self.check(value, self.codec.survey(value)?).ok()?
    }

    /// The error of a value that was just written, if it could not be read.
    fn of_reading(read: Result<V, CodecError>) -> Result<(), CodecError> {
        read.map(drop).map_err(|error| {
            CodecError::new(format!(
                "a `{}` was written that cannot be read back: {error}",
                type_name::<V>()
            ))
        })
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

/// The error for a value that could not be encoded or decoded.
///
/// The message says why. It names types and fields, and repeats nothing of the value.
#[derive(Debug)]
pub struct CodecError {
    cause: Box<dyn StdError + Send + Sync>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Other,
    OfOtherVersion,
    TooLarge,
}

impl CodecError {
    /// An error with this cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: cause.into(), kind: Kind::Other }
    }

    /// True if another version of the application wrote the value, or probably did; false if it is
    /// damaged.
    pub(crate) fn is_of_other_version(&self) -> bool {
        self.kind == Kind::OfOtherVersion
    }

    pub(crate) const fn is_too_large(&self) -> bool {
        matches!(self.kind, Kind::TooLarge)
    }

    pub(crate) fn of_version(self) -> Self {
        Self { kind: Kind::OfOtherVersion, ..self }
    }

    pub(crate) fn too_large(size: usize, max: usize) -> Self {
        let reason = format!(
            "the value takes {size} bytes and `max_value` is {max}: keep less in the session, or \
             raise `max_value`"
        );
        Self { kind: Kind::TooLarge, ..Self::new(reason) }
    }

    /// Why a `T` cannot be written as JSON.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub(crate) fn unwritable<T>(error: serde_json::Error) -> Self {
        let error = error.to_string();
        // A `Serialize` of the application's own can quote the value.
        let names_types_only = WRITE_ERRORS.iter().any(|known| error.starts_with(known));
        let reason = if names_types_only { &error } else { "its `Serialize` refuses it" };
        Self::new(format!("cannot write a `{}` as JSON: {reason}", type_name::<T>()))
    }

    /// What is wrong with the JSON of a `T`, without the part of the value that serde would quote.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub(crate) fn json<T>(error: serde_json::Error) -> Self {
        let reason = match error.classify() {
            Category::Data => without_value(&error.to_string()),
            Category::Syntax => "the text is not JSON".to_owned(),
            Category::Eof => "the JSON ends too early".to_owned(),
            Category::Io => "the text cannot be read".to_owned(),
        };
        let (line, column) = (error.line(), error.column());
        let place =
            if line == 0 { String::new() } else { format!(" (line {line} column {column})") };
        let reason = format!("expected a `{}`, but {reason}{place}", type_name::<T>());
        let kind = match error.classify() {
            Category::Data => Kind::OfOtherVersion,
            // Text that is not JSON was never a value of any version.
            _ => Kind::Other,
        };
        Self { kind, ..Self::new(reason) }
    }
}

/// How the errors begin that serde itself gives for a value that cannot be written.
const WRITE_ERRORS: [&str; 6] = [
    "key must be a string",
    "float key must be finite",
    "number out of range",
    "cannot serialize tagged",
    "can only flatten",
    "the enum variant",
];

/// The reason that serde gives, without the value that it quotes.
fn without_value(reason: &str) -> String {
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let names_fields_only = ["missing field", "duplicate field", "invalid length"];
    if names_fields_only.iter().any(|known| reason.starts_with(known)) {
        return reason.to_owned();
    }
    // "invalid type: string \"4111\", expected u32": what was found is named, not shown.
    let found = reason.split(['"', '`', ',']).next().unwrap_or_default().trim_end();
    match reason.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{found}, expected {expected}"),
        None => "the JSON has another shape".to_owned(),
    }
}

impl From<&str> for CodecError {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for CodecError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(schema: u8, upgrade: Option<Arc<Upgrade<u32>>>) -> Coding<u32> {
        Coding::new(Arc::new(JsonCodec), schema, upgrade, 1_000)
    }

    #[test]
    fn a_payload_begins_with_its_format_and_schema() {
        assert_eq!(coding(7, None).encode(&42).unwrap(), [1, 7, b'4', b'2']);
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

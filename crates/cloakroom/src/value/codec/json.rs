//! JSON as a codec.

mod survey;
mod unknown;

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Codec, CodecError};
pub use survey::Survey;
use survey::Unsurveyed;

/// JSON, the default codec: it is readable in a store, and fields can be added and removed between
/// deployments.
///
/// A write keeps the fields that another version of the application put into the stored value, at
/// any depth of its objects, so the nodes of a rolling deployment do not undo each other's work.
/// NaN and the infinities are refused, since JSON cannot hold them. `Some(None)` reads back as
/// `None`, and `Some(())` too.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonCodec;

impl<V: Serialize + DeserializeOwned> Codec<V> for JsonCodec {
    fn format(&self) -> u8 {
        0x01
    }

    fn encode(&self, value: &V, body: &mut Vec<u8>) -> Result<(), CodecError> {
        refuse_unreadable(value)?;
        serde_json::to_writer(body, value).map_err(CodecError::unwritable::<V>)
    }

    fn survey(&self, value: &V) -> Option<Survey> {
        survey::of(value).ok()
    }

    fn read_back(&self, body: &[u8]) -> Result<V, CodecError> {
        survey::read_back(body).map_err(CodecError::json::<V>)
    }

    fn may_lose_fields(&self, stored: &[u8], written: &[u8]) -> bool {
        unknown::may_be_lost(stored, written)
    }

    fn keep_fields(&self, stored: &[u8], known: &[u8], written: &[u8]) -> Option<Vec<u8>> {
        unknown::kept(stored, known, written)
    }

    fn decode(&self, body: &[u8]) -> Result<V, CodecError> {
        serde_json::from_slice(body).map_err(CodecError::json::<V>)
    }
}

/// The nesting up to which `serde_json` reads; a deeper value could be written and never read
/// again.
const MAX_DEPTH: usize = 127;

/// Refuses what `serde_json` would write without an error, and not read back.
fn refuse_unreadable<T: Serialize + ?Sized>(value: &T) -> Result<(), CodecError> {
    match survey::of(value) {
        Ok(_) | Err(Unsurveyed::Unknown) => Ok(()),
        Err(Unsurveyed::TooDeep) => {
            Err(CodecError::from("the value is nested more deeply than 127 levels"))
        }
        Err(Unsurveyed::NotFinite) => Err(CodecError::new(format!(
            "cannot write a `{}` as JSON: a float in it is NaN or infinite",
            type_name::<T>()
        ))),
    }
}

/// `value` as JSON in memory; floats that are not finite are refused.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Value, CodecError> {
    refuse_unreadable(value)?;
    serde_json::to_value(value).map_err(CodecError::unwritable::<T>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_could_not_be_read_back_is_not_written() {
        let nested =
            |depth: usize| (0..depth).fold(Value::Null, |inside, _| Value::Array(vec![inside]));
        for depth in [1, 126, 127, 128, 200] {
            let mut body = Vec::new();
            let written = JsonCodec.encode(&nested(depth), &mut body).is_ok();
            let read = Codec::<Value>::decode(&JsonCodec, &body).is_ok();
            assert_eq!((written, read), (depth <= 127, depth <= 127), "{depth}");
        }
        let wide = serde_json::json!([vec![vec![1]; 300], "[[[[".repeat(100), "\\\"".repeat(10)]);
        assert!(JsonCodec.encode(&wide, &mut Vec::new()).is_ok());
    }

    #[test]
    fn an_error_names_the_expected_type_and_shows_nothing_of_the_value() {
        for (json, reason) in [
            (&b"\"4111, expected 1\""[..], "invalid type: string, expected u32"),
            (b"4111.5", "invalid type: floating point, expected u32"),
            (b"-4111", "invalid value: integer, expected u32"),
            (b"4111x", "the text is not JSON"),
            (b"", "the JSON ends too early"),
        ] {
            let error = Codec::<u32>::decode(&JsonCodec, json).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with(&format!("expected a `u32`, but {reason}")), "{message}");
            assert!(!format!("{error:?} {message}").contains("4111"), "{error:?}");
        }
    }

    #[test]
    fn what_a_type_says_against_being_written_is_not_repeated() {
        struct Quotes;
        impl Serialize for Quotes {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("4111 1111"))
            }
        }
        let message = to_json(&Quotes).unwrap_err().to_string();
        assert!(message.contains("Quotes") && !message.contains("4111"), "{message}");
    }
}

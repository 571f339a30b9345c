//! JSON as a codec.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, CodecError, length};

/// JSON, the default codec: it is readable in a store, and fields can be added and removed between
/// deployments.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonCodec;

impl<V: Serialize + DeserializeOwned> Codec<V> for JsonCodec {
    fn format(&self) -> u8 {
        0x01
    }

    fn encode(&self, value: &V, body: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = body.len();
        serde_json::to_writer(&mut *body, value).map_err(CodecError::json::<V>)?;
        if is_too_deep(&body[start..]) {
            return Err(CodecError::from("the value is nested more deeply than 127 levels"));
        }
        Ok(())
    }

    fn measure(&self, value: &V) -> Result<usize, CodecError> {
        if let Some(length) = length::of(value) {
            return Ok(length);
        }
        let mut counter = Counter(0);
        serde_json::to_writer(&mut counter, value).map_err(CodecError::json::<V>)?;
        Ok(counter.0)
    }

    fn decode(&self, body: &[u8]) -> Result<V, CodecError> {
        serde_json::from_slice(body).map_err(CodecError::json::<V>)
    }
}

/// The nesting up to which `serde_json` reads; a deeper value could be written and never read
/// again.
const MAX_DEPTH: usize = 127;

/// True if arrays and objects are nested more deeply than [`MAX_DEPTH`].
fn is_too_deep(json: &[u8]) -> bool {
    // Almost no value has that many arrays and objects in all.
    if memchr::memchr2_iter(b'[', b'{', json).take(MAX_DEPTH + 1).count() <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    json.iter().any(|byte| {
        match (in_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Counts the bytes that are written to it.
struct Counter(usize);

impl io::Write for Counter {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_value_that_could_not_be_read_back_is_not_written() {
        let nested = |depth: usize| {
            (0..depth)
                .fold(serde_json::Value::Null, |inside, _| serde_json::Value::Array(vec![inside]))
        };
        for depth in [1, 126, 127, 128, 200] {
            let mut body = Vec::new();
            let written = JsonCodec.encode(&nested(depth), &mut body).is_ok();
            let read = Codec::<serde_json::Value>::decode(&JsonCodec, &body).is_ok();
            assert_eq!((written, read), (depth <= 127, depth <= 127), "{depth}");
        }
        let wide = serde_json::json!([vec![vec![1]; 300], "[[[[".repeat(100), "\\\"".repeat(10)]);
        assert!(JsonCodec.encode(&wide, &mut Vec::new()).is_ok());
    }

    #[test]
    fn an_error_names_the_expected_type_and_shows_nothing_of_the_value() {
        let read = Codec::<u32>::decode(&JsonCodec, b"\"4111 1111\"").unwrap_err();
        let cause = read.source().map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("expected `u32`") && !cause.contains("4111"), "{cause}");
        assert!(!format!("{read:?}").contains("4111"));
    }
}

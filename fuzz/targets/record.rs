//! Bytes that are taken for a record, or for its head, are that one's only bytes.
#![no_main]

use cloakroom::{Payload, Stored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(stored) = Stored::from_bytes(bytes) {
        assert_eq!(stored.to_bytes().expect("what was read can be written"), bytes);
    }
    if let Ok(stored) = Stored::from_head(bytes, Payload::unset()) {
        assert_eq!(stored.to_head(), bytes);
    }
});

//! Bytes that are read as a stored entry, or as its head, are written back unchanged.
#![no_main]

use cloakroom::record::Stored;
use cloakroom::value::Payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(stored) = Stored::from_bytes(bytes) {
        assert_eq!(stored.to_bytes().expect("a payload of bytes can be written"), bytes);
    }
    if let Ok(stored) = Stored::from_head(bytes, Payload::unset()) {
        assert_eq!(stored.to_head(), bytes);
    }
});

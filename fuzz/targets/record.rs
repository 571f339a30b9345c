//! Bytes that are taken for a record, or for its head, are that one's only bytes; those of an older version, but for the
//! version and what it lacks.
#![no_main]

use cloakroom::record::Stored;
use cloakroom::value::Payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.first() == Some(&1) {
        if let Ok(stored) = Stored::from_bytes(bytes) {
            let anew = stored.to_bytes().expect("what was read can be written");
            let again = Stored::from_bytes(&anew).expect("what was written can be read");
            assert_eq!(again.to_bytes().expect("what was read can be written"), anew);
        }
        return;
    }
    if let Ok(stored) = Stored::from_bytes(bytes) {
        assert_eq!(stored.to_bytes().expect("what was read can be written"), bytes);
    }
    if let Ok(stored) = Stored::from_head(bytes, Payload::unset()) {
        assert_eq!(stored.to_head(), bytes);
    }
});

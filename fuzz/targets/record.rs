//! Bytes that are read as a stored entry, or as its head, are written back unchanged, and stores
//! can touch and end a session in place.
#![no_main]

use cloakroom::Timestamp;
use cloakroom::record::{EndReason, Ending, Stored};
use cloakroom::value::Payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(stored) = Stored::from_bytes(bytes) {
        assert_eq!(stored.to_bytes().expect("a payload of bytes can be written"), bytes);
        if let Stored::Live(record) = stored {
            let ending = Ending::new(EndReason::Ended, Timestamp::EPOCH, Timestamp::NEVER);
            let tombstone = Stored::Ended(record.ended(ending)).to_head();
            let kept = tombstone.strip_prefix(&ending.to_bytes()[..]).expect("it begins with it");
            assert!(bytes[75..].starts_with(kept));
            Stored::from_bytes(&tombstone).expect("a tombstone can be read");

            let touched = record.with_idle_deadline(Timestamp::NEVER);
            let touched = Stored::Live(touched).to_bytes().expect("the payload is unchanged");
            let deadline = Timestamp::NEVER.as_millis().to_be_bytes();
            assert_eq!(touched, [&bytes[..2], &deadline, &bytes[10..]].concat());
        }
    }
    if let Ok(stored) = Stored::from_head(bytes, Payload::unset()) {
        assert_eq!(stored.to_head(), bytes);
    }
});

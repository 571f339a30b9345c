//! Any number of hostile `Cookie` headers, one per line: every key that is read is in them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|headers: &[u8]| {
    cloakroom::fuzzing::cookie(headers);
});

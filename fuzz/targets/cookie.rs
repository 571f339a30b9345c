//! Any number of hostile cookie headers, one a line: a key that is adopted stands in them letter by letter.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|headers: &[u8]| {
    cloakroom::fuzzing::cookie(headers);
});

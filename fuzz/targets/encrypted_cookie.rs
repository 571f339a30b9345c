//! Hostile cookies, and hostile text in ours: nothing opens, and nothing that is read has a second text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    cloakroom::fuzzing::sealed(data);
});

//! Hostile cookies, and hostile text in ours: nothing opens, and what is parsed has no other text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    cloakroom::fuzzing::encrypted_cookie(data);
});

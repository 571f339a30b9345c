//! No proof of a device is accepted that was not signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cloakroom::fuzzing::device_proof(data));

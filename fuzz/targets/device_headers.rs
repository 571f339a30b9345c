//! What is read from the headers of device binding is in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cloakroom::fuzzing::device_headers(data));

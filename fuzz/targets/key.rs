//! A text that is parsed as a key is that key's only text.
#![no_main]

use cloakroom::Key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok(key) = Key::from_text(text) {
        assert_eq!(key.expose().as_bytes(), text);
    }
});

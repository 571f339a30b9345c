//! What is measured: each case is made ready once, and then done over and over.

use crate::{Failure, records, texts};

/// One thing that one contender does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) whose: &'static str,
    pub(crate) ready: fn() -> Result<Ready, Failure>,
}

/// A case that is ready to be done.
pub(crate) struct Ready {
    /// How long the text or the bytes are.
    pub(crate) bytes: usize,
    run: Box<dyn FnMut()>,
}

impl Ready {
    /// Does `act` each time; what it returns was really made.
    pub(crate) fn new<T>(bytes: usize, mut act: impl FnMut() -> T + 'static) -> Self {
        Self { bytes, run: Box::new(move || drop(std::hint::black_box(act()))) }
    }

    pub(crate) fn run(&mut self, times: u32) {
        for _ in 0..times {
            (self.run)();
        }
    }
}

const fn case(what: &'static str, whose: &'static str, ready: fn() -> Result<Ready, Failure>) -> Case {
    Case { what, whose, ready }
}

/// All cases; those of one kind stand together, ours first.
pub(crate) const ALL: [Case; 22] = [
    case("record to bytes", "cloakroom", records::ours_to_bytes),
    case("record to bytes", "limit", records::limit_to_bytes),
    case("record to bytes", "tower-sessions, MessagePack", records::rmp_to_bytes),
    case("record to bytes", "tower-sessions, JSON", records::json_to_bytes),
    case("record from bytes, value as it is", "cloakroom", records::ours_from_bytes),
    case("record from bytes, value as it is", "limit", records::limit_from_bytes),
    case("record from bytes, with its value", "cloakroom", records::ours_with_value),
    case("record from bytes, with its value", "limit", records::limit_with_value),
    case("record from bytes, with its value", "tower-sessions, MessagePack", records::rmp_with_value),
    case("record from bytes, with its value", "tower-sessions, JSON", records::json_with_value),
    case("key to text", "cloakroom", texts::key_to_text),
    case("key to text", "tower-sessions", texts::id_to_text),
    case("key from text", "cloakroom", texts::key_from_text),
    case("key from text", "tower-sessions", texts::id_from_text),
    case("key to verifier (SHA-256)", "cloakroom", texts::verifier),
    case("response headers of a session", "cloakroom", texts::response_headers),
    case("Set-Cookie alone", "tower-sessions", texts::set_cookie),
    case("Cookie header without a key, whole visit", "cloakroom", texts::visit_without_key),
    case("Cookie header without a key, parsed", "tower-sessions", texts::jar_without_key),
    case("Cookie header with a key nobody has, whole visit", "cloakroom", texts::visit_with_key),
    case("Cookie header with a key nobody has, parsed", "tower-sessions", texts::jar_with_key),
    case("no Cookie header, whole visit", "cloakroom", texts::visit_without_header),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_made_ready_and_done_twice() {
        for case in ALL {
            let mut ready = (case.ready)().unwrap();
            ready.run(2);
            assert!(ready.bytes > 0 || case.what.starts_with("no Cookie"), "{case:?}");
        }
    }
}

//! Values that can't be read, and a system without randomness.

use std::io;

use cloakroom::sealed::{SealErrorKind, Sealed, SealedSessions, SealedVacancy};
use cloakroom::{Codec, Entropy, Json};
use cloakroom_testkit::ManualClock;
use http::{HeaderMap, HeaderValue};

use super::{MINUTE, Visitor, builder, cookie_of, ring, sent, sessions, visitor, with};

#[test]
fn an_undecodable_value_is_told_apart_and_kept_until_something_is_written() {
    let clock = ManualClock::new();
    let old: SealedSessions<u32> = builder(ring(), &clock).build().unwrap();
    let mut session = old.open(&HeaderMap::new());
    session.set(42).unwrap();
    let cookie = sent(&session).unwrap();

    let mut request = with(&cookie);
    request.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    let lost = sessions(&clock).open(&request);
    assert_eq!((lost.vacancy(), sent(&lost)), (Some(SealedVacancy::Undecodable), None));

    let upgraded = builder(ring(), &clock)
        .schema(1, |old| {
            let number: u32 = Json.decode(old.body)?;
            Ok(visitor(&number.to_string()))
        })
        .build()
        .unwrap();
    assert_eq!(upgraded.open(&with(&cookie)).name, "42");
}

#[test]
fn without_randomness_nothing_is_sealed_and_what_was_is_still_good() {
    #[derive(Debug)]
    struct Dry;

    impl Entropy for Dry {
        fn fill(&self, _: &mut [u8]) -> io::Result<()> {
            Err(io::Error::other("dry"))
        }
    }

    let clock = ManualClock::new();
    let cookie = cookie_of(&sessions(&clock), "alice");
    let dry = SealedSessions::builder(ring()).clock(clock.clone()).entropy(Dry).build().unwrap();
    clock.advance(10 * MINUTE);
    let mut session: Sealed<Visitor> = dry.open(&with(&cookie));
    assert_eq!(session.set(visitor("bob")).unwrap_err().kind(), SealErrorKind::Unavailable);
    assert_eq!((session.name.as_str(), sent(&session)), ("alice", None));
}

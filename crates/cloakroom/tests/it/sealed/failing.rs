//! Values that can't be read, and a system without randomness.

use std::io;

use cloakroom::encrypted_cookie::{
    EncryptErrorKind, EncryptedSession, EncryptedSessions, NoEncryptedSession,
};
use cloakroom::key::Entropy;
use cloakroom::value::{Codec, JsonCodec};
use cloakroom_testkit::ManualClock;
use http::{HeaderMap, HeaderValue};

use super::{MINUTE, Visitor, builder, cookie_of, ring, sent, sessions, visitor, with};

#[test]
fn an_undecodable_value_is_told_apart_and_kept_until_something_is_written() {
    let clock = ManualClock::new();
    let old: EncryptedSessions<u32> = builder(ring(), &clock).build().unwrap();
    let mut session = old.open(&HeaderMap::new());
    session.set(42).unwrap();
    let cookie = sent(&session).unwrap();

    let mut request = with(&cookie);
    request.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    let lost = sessions(&clock).open(&request);
    assert_eq!((lost.no_session(), sent(&lost)), (Some(NoEncryptedSession::Unreadable), None));

    let upgraded = builder(ring(), &clock)
        .schema(1, |old| {
            let number: u32 = JsonCodec.decode(old.body)?;
            Ok(visitor(&number.to_string()))
        })
        .build()
        .unwrap();
    assert_eq!(upgraded.open(&with(&cookie)).value().name, "42");
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
    let dry = EncryptedSessions::builder(ring()).clock(clock.clone()).entropy(Dry).build().unwrap();
    clock.advance(10 * MINUTE);
    let mut session: EncryptedSession<Visitor> = dry.open(&with(&cookie));
    assert_eq!(session.set(visitor("bob")).unwrap_err().kind(), EncryptErrorKind::Unavailable);
    assert_eq!((session.value().name.as_str(), sent(&session)), ("alice", None));
}

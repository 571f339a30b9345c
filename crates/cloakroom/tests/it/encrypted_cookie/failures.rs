//! Values that cannot be decoded, and a system without randomness.

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
fn an_undecodable_value_is_reported_as_unreadable_and_its_cookie_kept() {
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
fn without_randomness_nothing_is_encrypted_and_existing_cookies_stay_valid() {
    #[derive(Debug)]
    struct NoEntropy;

    impl Entropy for NoEntropy {
        fn fill(&self, _: &mut [u8]) -> io::Result<()> {
            Err(io::Error::other("no randomness"))
        }
    }

    let clock = ManualClock::new();
    let cookie = cookie_of(&sessions(&clock), "alice");
    let sessions_without_entropy =
        EncryptedSessions::builder(ring()).clock(clock.clone()).entropy(NoEntropy).build().unwrap();
    clock.advance(10 * MINUTE);
    let mut session: EncryptedSession<Visitor> = sessions_without_entropy.open(&with(&cookie));
    assert_eq!(session.set(visitor("bob")).unwrap_err().kind(), EncryptErrorKind::Unavailable);
    assert_eq!((session.value().name.as_str(), sent(&session)), ("alice", None));
}

//! Hostile cookies, and what they can reveal.

use cloakroom::CookiePolicy;
use cloakroom::encrypted_cookie::{
    EncryptedSessions, EncryptedSessionsBuilder, NoEncryptedSession,
};
use cloakroom_testkit::ManualClock;
use http::HeaderMap;
use proptest::prelude::*;

use super::{
    Admin, HOUR, Visitor, builder, cookie_of, key, no_session, response, ring, sessions, visitor,
    with,
};

#[test]
fn a_session_opens_only_under_its_own_kind_and_cookie_name() {
    let clock = ManualClock::new();
    let visitors = sessions(&clock);
    let admins: EncryptedSessions<Visitor, Admin> =
        EncryptedSessions::builder(ring()).clock(clock.clone()).build().unwrap();
    // The visitors' text, in the admins' cookie.
    let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    let text = value(&cookie_of(&visitors, "alice"));
    assert_eq!(
        admins.open(&with(&format!("__Host-id-admin={text}"))).no_session(),
        Some(NoEncryptedSession::Unopened)
    );

    // The same name: once by the policy, once by the kind.
    let named = builder(ring(), &clock).cookie(CookiePolicy::host("id-admin")).build().unwrap();
    let cookie = cookie_of(&named, "alice");
    assert_eq!(admins.open(&with(&cookie)).no_session(), Some(NoEncryptedSession::Unopened));
    assert_eq!(
        no_session(&visitors, &format!("__Host-id={}", value(&cookie))),
        Some(NoEncryptedSession::Unopened)
    );
}

#[test]
fn forged_cookies_do_not_hide_a_valid_one_and_at_most_sixteen_are_tried() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let good = cookie_of(&sessions, "alice");
    // Well-formed, distinct and with a known key id, so that each has to be tried.
    let forged = |number: usize| {
        let mut text = good.clone().into_bytes();
        text[60] = b"ABCDEFGHIJKLMNOPQRST"[number];
        String::from_utf8(text).unwrap()
    };
    let forged: Vec<_> = (0..20).map(forged).filter(|text| *text != good).collect();
    let among = |many: usize| {
        let all: Vec<_> = forged.iter().take(many).chain([&good]).cloned().collect();
        no_session(&sessions, &all.join("; "))
    };
    assert_eq!((among(15), among(16)), (None, Some(NoEncryptedSession::Unopened)));
    // Garbage and repetitions do not count as tries.
    let garbage = format!("__Host-id=; __Host-id=x; __Host-id={}; ", "A".repeat(3000)).repeat(20);
    assert_eq!(
        no_session(&sessions, &format!("{garbage}{}{good}", format!("{}; ", forged[0]).repeat(9))),
        None
    );
}

#[test]
fn the_most_telling_reason_is_reported() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let cookie = cookie_of(&sessions, "alice");
    clock.advance(HOUR);
    let cookies = format!("__Host-id=x; {cookie}; __Host-id=y");
    assert_eq!(no_session(&sessions, &cookies), Some(NoEncryptedSession::Expired));
}

#[test]
fn a_truncated_or_extended_cookie_opens_nothing() {
    let sessions = sessions(&ManualClock::new());
    let cookie = cookie_of(&sessions, "alice");
    for length in "__Host-id=".len()..cookie.len() {
        assert_eq!(no_session(&sessions, &cookie[..length]), Some(NoEncryptedSession::Unopened));
    }
    for more in ["=", "A", "AAAA", "\"", "%3D"] {
        assert_eq!(
            no_session(&sessions, &format!("{cookie}{more}")),
            Some(NoEncryptedSession::Unopened)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_cookie_with_any_byte_changed_opens_nothing(
        at in any::<prop::sample::Index>(),
        byte in 0x21..=0x7E_u8,
    ) {
        let sessions = sessions(&ManualClock::new());
        let good = cookie_of(&sessions, "alice");
        let mut bytes = good.clone().into_bytes();
        let start = "__Host-id=".len();
        let at = start + at.index(bytes.len() - start);
        prop_assume!(bytes[at] != byte && byte != b';');
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(no_session(&sessions, &changed), Some(NoEncryptedSession::Unopened));
    }

    #[test]
    fn hostile_bytes_open_nothing(
        kept in 0..20_usize,
        well_formed in "[A-Za-z0-9_-]{0,300}",
        bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b'='), any::<u8>()], 0..40),
    ) {
        let sessions = sessions(&ManualClock::new());
        // If version and key id are kept, the key is tried on the rest.
        let start = &cookie_of(&sessions, "alice")[.."__Host-id=".len() + kept];
        let value = [start.as_bytes(), well_formed.as_bytes(), &bytes].concat();
        let session = sessions.open(&[("cookie", value)]);
        prop_assert_eq!(session.no_session(), Some(NoEncryptedSession::Unopened));
    }
}

#[test]
fn nothing_that_is_printed_reveals_a_key_or_a_value() {
    let clock = ManualClock::new();
    let sessions = sessions(&clock);
    let cookie = cookie_of(&sessions, "alice-in-chains");
    let session = sessions.open(&with(&cookie));
    let error =
        sessions.open(&HeaderMap::new()).set(visitor(&"alice-in-chains".repeat(300))).unwrap_err();
    let built: EncryptedSessionsBuilder<Visitor> = builder(ring(), &clock);
    let printed =
        format!("{:?} {:?} {session:?} {sessions:?} {built:?} {error:?} {error}", key(1), ring());
    for secret in ["alice", "2526", "37, 38", &cookie["__Host-id=".len() + 8..][..12]] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    assert!(!format!("{:?}", response(&session)).contains("alice"));
    let text = &cookie["__Host-id=".len()..];
    assert!(!text.contains("alice"));
}

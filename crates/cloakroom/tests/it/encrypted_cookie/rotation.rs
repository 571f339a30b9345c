//! Key rotation.

use cloakroom::Lifetime;
use cloakroom::encrypted_cookie::{EncryptedSessions, KeyRing, NoEncryptedSession};
use cloakroom_testkit::ManualClock;

use super::{
    HOUR, MINUTE, Visitor, builder, cookie_of, key, no_session, ring, sent, sessions, visitor, with,
};

#[test]
fn keys_can_be_rotated_without_ending_any_session() {
    let clock = ManualClock::new();
    let rings = [
        KeyRing::new(key(1)),
        KeyRing::new(key(1)).with_next_key(key(2)),
        KeyRing::new(key(2)).with_old_key(key(1)),
        KeyRing::new(key(3)).with_old_key(key(2)).with_old_key(key(1)),
        KeyRing::new(key(3)),
    ];
    let [first, with_next_key, second, third, last] =
        rings.map(|ring| builder(ring, &clock).build().unwrap());
    let by_one = cookie_of(&first, "alice");
    assert_eq!(sent(&with_next_key.open(&with(&by_one))), None, "the current key encrypted it");
    let by_next_key = with(&cookie_of(&second, "bob"));
    assert_eq!(with_next_key.open(&by_next_key).value().name, "bob", "the next key decrypts");
    assert_eq!(
        sent(&with_next_key.open(&by_next_key)),
        None,
        "and its sessions are left as they are"
    );

    let by_two = sent(&second.open(&with(&by_one))).expect("encrypted again with the current key");
    let by_three = sent(&third.open(&with(&by_two))).expect("encrypted again with the current key");
    for cookie in [&by_one, &by_two, &by_three] {
        assert_eq!(third.open(&with(cookie)).value().name, "alice");
    }
    assert_eq!(sent(&third.open(&with(&by_three))), None);
    assert_eq!(last.open(&with(&by_three)).value().name, "alice");
    assert_eq!(last.open(&with(&by_three)).issued_at(), Some(ManualClock::START));
}

#[test]
fn a_session_of_a_removed_key_does_not_open() {
    let clock = ManualClock::new();
    let cookie = cookie_of(&sessions(&clock), "alice");
    let removed = builder(KeyRing::new(key(2)), &clock).build().unwrap();
    assert_eq!(no_session(&removed, &cookie), Some(NoEncryptedSession::Unopened));
}

#[test]
fn encrypting_again_does_not_move_the_absolute_deadline() {
    let clock = ManualClock::new();
    let old = builder(ring(), &clock).lifetime(Lifetime::absolute(HOUR)).build().unwrap();
    let mut cookie = cookie_of(&old, "alice");
    let ring = KeyRing::new(key(2)).with_old_key(key(1));
    let new: EncryptedSessions<Visitor> =
        builder(ring, &clock).lifetime(Lifetime::absolute(HOUR)).build().unwrap();
    clock.advance(30 * MINUTE);
    cookie = sent(&new.open(&with(&cookie))).unwrap();
    let mut session = new.open(&with(&cookie));
    session.set(visitor("bob")).unwrap();
    cookie = sent(&session).unwrap();
    clock.advance(30 * MINUTE);
    assert_eq!(no_session(&new, &cookie), Some(NoEncryptedSession::Expired));
}

//! Keys that follow one another.

use cloakroom::Lifetime;
use cloakroom::encrypted_cookie::{EncryptedSessions, KeyRing, NoEncryptedSession};
use cloakroom_testkit::ManualClock;

use super::{
    HOUR, MINUTE, Visitor, builder, cookie_of, key, no_session, ring, sent, sessions, visitor, with,
};

#[test]
fn three_keys_follow_one_another_without_anybody_noticing() {
    let clock = ManualClock::new();
    let rings = [
        KeyRing::new(key(1)),
        KeyRing::new(key(1)).with_next_key(key(2)),
        KeyRing::new(key(2)).with_old_key(key(1)),
        KeyRing::new(key(3)).with_old_key(key(2)).with_old_key(key(1)),
        KeyRing::new(key(3)),
    ];
    let [first, with_old_key, second, third, last] =
        rings.map(|ring| builder(ring, &clock).build().unwrap());
    let by_one = cookie_of(&first, "alice");
    assert_eq!(sent(&with_old_key.open(&with(&by_one))), None, "the current key sealed it");
    let to_come = with(&cookie_of(&second, "bob"));
    assert_eq!(with_old_key.open(&to_come).value().name, "bob", "a key that is to come");
    assert_eq!(sent(&with_old_key.open(&to_come)), None, "and what it sealed is left as it is");

    let by_two = sent(&second.open(&with(&by_one))).expect("sealed anew by the key in force");
    let by_three = sent(&third.open(&with(&by_two))).expect("sealed anew by the key in force");
    for cookie in [&by_one, &by_two, &by_three] {
        assert_eq!(third.open(&with(cookie)).value().name, "alice");
    }
    assert_eq!(sent(&third.open(&with(&by_three))), None);
    assert_eq!(last.open(&with(&by_three)).value().name, "alice");
    assert_eq!(last.open(&with(&by_three)).issued_at(), Some(ManualClock::START));
}

#[test]
fn what_a_removed_key_sealed_is_vacant() {
    let clock = ManualClock::new();
    let cookie = cookie_of(&sessions(&clock), "alice");
    let removed = builder(KeyRing::new(key(2)), &clock).build().unwrap();
    assert_eq!(no_session(&removed, &cookie), Some(NoEncryptedSession::Unopened));
}

#[test]
fn sealing_anew_moves_no_deadline_that_is_absolute() {
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

//! What each decision about a device says, at its edges.

use super::*;
use crate::key::{DeviceKey, Key, KindTag, PublicId, Secret};
use crate::policy::{Lifetime, Principal};
use crate::protocol::{KeyStatus, NoSession, begin, former_family, judge, replace_secret};
use crate::record::Revision;
use crate::value::Payload;

const LIFE: Duration = Duration::from_secs(600);
const ID: PublicId = PublicId::from_bytes([1; 16]);
const SEED: [u8; 16] = [5; 16];
const CHALLENGER: Challenger<'static> = Challenger { id: ID, server_key: None };

/// So many seconds after the start of a slot.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_200_000_000 + seconds * 1_000)
}

fn verifier(number: u8) -> Verifier {
    Key::new(ID, Secret::from_bytes([number; 16])).verifier(KindTag::of(""))
}

fn device_key(number: u8) -> DeviceKey {
    DeviceKey::es256([number; 32], [1; 32])
}

/// A user has signed in at second 0, with secret 1.
fn offered() -> Record {
    let lifetime = Lifetime::default();
    let (alice, revision) = (Principal::new("alice").ok(), Revision::new(1, 1));
    let kind = KindTag::of("");
    let record = begin(kind, verifier(1), lifetime, alice, Payload::unset(), revision, at(0));
    offer_binding(&record, SEED, at(0))
}

/// The same, bound to device 1 at second 0, with secret 2.
fn bound() -> Record {
    register_device(&offered(), &device_key(1), verifier(2), LIFE, at(0)).unwrap()
}

fn confirmed() -> Record {
    confirm_device(&bound(), at(0))
}

const PROOF_NEEDED: KeyStatus = KeyStatus::Invalid(NoSession::ProofNeeded);

#[test]
fn a_challenge_is_good_in_its_slot_in_the_next_and_by_skewed_clocks_in_the_one_before() {
    let purpose = ChallengeFor::Refresh(3);
    let challenge = CHALLENGER.now(&SEED, purpose, at(0));
    let is_good = |now| CHALLENGER.is_recent(&SEED, purpose, &challenge, now);
    let before = Timestamp::from_millis(at(0).as_millis() - 1);
    let long_before = Timestamp::from_millis(at(0).as_millis() - 600_001);
    assert!([before, at(0), at(599), at(1_199)].into_iter().all(is_good));
    assert!(![long_before, at(1_200)].into_iter().any(is_good));
}

#[test]
fn challenges_differ_by_session_seed_server_key_purpose_and_count() {
    let other_id = Challenger { id: PublicId::from_bytes([2; 16]), server_key: None };
    let with_key = Challenger { id: ID, server_key: Some(&[7; 32]) };
    let of =
        |challenger: Challenger<'_>, seed, purpose| challenger.now(seed, purpose, at(0)).text();
    let all = [
        of(CHALLENGER, &SEED, ChallengeFor::Refresh(0)),
        of(CHALLENGER, &SEED, ChallengeFor::Refresh(1)),
        of(CHALLENGER, &SEED, ChallengeFor::Registration),
        of(CHALLENGER, &[6; 16], ChallengeFor::Refresh(0)),
        of(other_id, &SEED, ChallengeFor::Refresh(0)),
        of(with_key, &SEED, ChallengeFor::Refresh(0)),
    ];
    for (index, text) in all.iter().enumerate() {
        assert!(!all[..index].contains(text));
        assert_eq!(Challenge::parse(text).unwrap().text(), *text);
    }
    assert_ne!(CHALLENGER.authorization(&SEED), with_key.authorization(&SEED));
    assert_ne!(CHALLENGER.authorization(&SEED), CHALLENGER.authorization(&[6; 16]));
}

#[test]
fn an_authorization_names_its_session_and_is_read_back_from_its_text_only() {
    let authorization = CHALLENGER.authorization(&SEED);
    let text = authorization.text();
    assert_eq!((text.len(), authorization.id()), (43, ID));
    assert_eq!(Authorization::parse(&text), Some(authorization));
    for other in ["", &text[1..], &format!("{text}A"), &format!("{text}="), &text.replace('A', "!")]
    {
        assert_eq!(Authorization::parse(other), None, "{other}");
    }
}

#[test]
fn a_browser_is_asked_once_for_some_minutes_and_by_the_key_of_the_sign_in_only() {
    let is_asked = |record: &Record, now| registration(record, CHALLENGER, now).is_some();
    assert!(is_asked(&offered(), at(0)) && is_asked(&offered(), at(599)));
    assert!(!is_asked(&offered(), at(600)), "some minutes");
    assert!(!is_asked(&bound(), at(0)), "once");
    assert!(!is_asked(&replace_secret(&offered(), verifier(3), at(1)), at(1)), "another key");
    let ahead = offer_binding(&offered(), SEED, at(11));
    assert!(!is_asked(&ahead, at(0)), "the clock was set back");
    let authorization = CHALLENGER.authorization(&SEED);
    assert!(is_authorized(&bound(), CHALLENGER, &authorization, at(0)), "its answer was lost");
    assert!(!is_authorized(&confirmed(), CHALLENGER, &authorization, at(0)));
    assert!(!is_authorized(&offered(), CHALLENGER, &CHALLENGER.authorization(&[6; 16]), at(0)));
}

#[test]
fn the_first_registration_counts_and_repeating_it_gains_no_time() {
    let challenge = CHALLENGER.now(&SEED, ChallengeFor::Registration, at(0));
    let can = |record: &Record, key, now| {
        can_register(record, CHALLENGER, &device_key(key), &challenge, at(now))
    };
    assert!(can(&offered(), 1, 300) && can(&offered(), 2, 300));
    assert!(can(&bound(), 1, 29) && !can(&bound(), 1, 30), "as long as a proof");
    assert!(!can(&bound(), 2, 29) && !can(&bound(), 2, 300));
    let again = register_device(&bound(), &device_key(1), verifier(3), LIFE, at(300)).unwrap();
    let device = again.device().unwrap();
    assert_eq!(device.until(&verifier(3)), Some(at(600)));
    assert_eq!(device.until(&verifier(2)), Some(at(600)));
}

#[test]
fn until_the_binding_is_confirmed_and_a_minute_longer_the_usual_secret_opens_the_session() {
    let opens = |record: &Record, now| judge(record, &verifier(1), now) == KeyStatus::Valid;
    assert!(opens(&bound(), at(0)) && opens(&bound(), at(1_000)));
    let confirmed = confirm_device(&bound(), at(100));
    assert!(opens(&confirmed, at(100)) && opens(&confirmed, at(159)));
    assert_eq!(judge(&confirmed, &verifier(1), at(160)), PROOF_NEEDED);
    assert_eq!(judge(&confirmed, &verifier(1), at(80)), PROOF_NEEDED, "set back");
    assert_eq!(judge(&confirmed, &verifier(9), at(100)), PROOF_NEEDED, "one it never had, or had");
    assert_eq!(bound_until(&confirmed, &verifier(1), at(100)), Some(at(160)));
    assert_eq!(bound_until(&bound(), &verifier(1), at(100)), None);
}

#[test]
fn a_bound_secret_opens_the_session_until_its_deadline_whatever_the_clock_says() {
    let status = |now| judge(&confirmed(), &verifier(2), now);
    assert_eq!(status(at(609)), KeyStatus::Valid, "the clocks of nodes can differ");
    assert_eq!(status(at(610)), PROOF_NEEDED);
    let day_before = Timestamp::from_millis(at(0).as_millis() - 86_400_000);
    assert_eq!(status(day_before), PROOF_NEEDED, "the clock was set back by a day");
}

#[test]
fn a_proof_that_is_repeated_leads_to_no_later_deadline() {
    let accepted =
        accept_proof(&confirmed(), ChallengeStatus::Current, verifier(3), LIFE, at(400)).unwrap();
    let again =
        accept_proof(&accepted, ChallengeStatus::Previous, verifier(4), LIFE, at(420)).unwrap();
    let device = again.device().unwrap();
    assert_eq!((device.proofs, device.proved_at), (1, at(400)));
    assert_eq!(device.until(&verifier(4)), Some(at(1_000)));
    let challenge = CHALLENGER.now(&SEED, ChallengeFor::Refresh(0), at(400));
    let status = |now| judge_challenge(&device, CHALLENGER, &challenge, now);
    assert_eq!(status(at(429)), ChallengeStatus::Previous);
    assert_eq!(status(at(430)), ChallengeStatus::Stale);
    assert_eq!(status(at(389)), ChallengeStatus::Stale, "the clock was set back");
}

#[test]
fn the_oldest_secret_gives_way_unless_it_may_be_on_its_way() {
    let mut record = confirmed();
    for (number, now) in [(3, 1), (4, 2), (5, 3)] {
        let status = ChallengeStatus::Current;
        record = accept_proof(&record, status, verifier(number), LIFE, at(now)).unwrap();
    }
    let fifth = |now| accept_proof(&record, ChallengeStatus::Current, verifier(6), LIFE, at(now));
    assert_eq!(fifth(59), None);
    let given_way = fifth(60).unwrap();
    assert_eq!(given_way.device().unwrap().until(&verifier(2)), None);
    assert_eq!(judge(&given_way, &verifier(2), at(60)), KeyStatus::Superseded);
    assert_eq!(judge(&given_way, &verifier(2), at(120)), PROOF_NEEDED);
    let late = fifth(700).unwrap();
    assert_eq!(late.device().unwrap().secrets().len(), 1, "those that are over are gone");
}

#[test]
fn renewing_a_bound_session_keeps_its_deadline_and_ends_its_other_secrets() {
    let record =
        accept_proof(&confirmed(), ChallengeStatus::Current, verifier(3), LIFE, at(30)).unwrap();
    for (presented, until) in [(2, 600), (3, 630), (1, 60)] {
        let renewed = renew_bound(&record, &verifier(presented), verifier(7), at(40)).unwrap();
        let device = renewed.device().unwrap();
        assert_eq!(device.secrets(), [BoundSecret::new(verifier(7), at(until))]);
        assert_eq!(renewed.credentials().family(), verifier(7).family());
        for old in [1, 2, 3] {
            assert_eq!(judge(&renewed, &verifier(old), at(40)), KeyStatus::Superseded, "{old}");
        }
        let old_family = former_family(&renewed, &verifier(2));
        assert_eq!(old_family, Some(record.credentials().family()));
    }
    let renewed = renew_bound(&bound(), &verifier(1), verifier(7), at(40)).unwrap();
    assert_eq!(renewed.device(), bound().device(), "not confirmed: the usual secret alone");
    assert_eq!(judge(&renewed, &verifier(1), at(40)), KeyStatus::Superseded);
    assert_eq!(judge(&renewed, &verifier(7), at(40)), KeyStatus::Valid);
    assert_eq!(renew_bound(&record, &verifier(1), verifier(7), at(60)), None, "no longer good");
}

#[test]
fn only_a_confirmed_binding_without_an_open_secret_needs_a_proof() {
    assert!(is_open_without_proof(&offered(), at(9_000)));
    assert!(is_open_without_proof(&bound(), at(9_000)));
    assert!(is_open_without_proof(&confirmed(), at(609)));
    assert!(!is_open_without_proof(&confirmed(), at(610)));
    let released = release_device(&confirmed(), at(10));
    assert!(released.device().is_none() && is_open_without_proof(&released, at(9_000)));
}

#[test]
fn confirming_is_a_use_only_if_a_request_does_it() {
    assert_eq!(confirm_device(&bound(), at(300)).idle_deadline(), bound().idle_deadline());
    let used = confirm_device_by_use(&bound(), at(300));
    assert!(used.idle_deadline() > bound().idle_deadline());
}

//! Each entry has exactly one byte form, and no other bytes are read as an entry.

mod frozen_v1;
mod versions;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::key::{Key, KindTag, Nonce, PublicId, Secret};
use crate::protocol;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key(secret: u8) -> Key {
    Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([secret; 16]))
}

/// The kind of [`record`].
fn kind() -> KindTag {
    KindTag::of("admin")
}

/// A record with an entry in every field.
fn record() -> Record {
    let (kind, lifetime) = (kind(), Lifetime::default());
    let revision = Revision::new(1, 0xDEAD_BEEF);
    let payload = Payload::from_bytes(b"\x01\x00{}".as_slice());
    let verifier = key(1).verifier(kind);
    let record = protocol::begin(kind, verifier, lifetime, None, payload, revision, NOW);
    let alice = Principal::new("alice").unwrap();
    let record = protocol::sign_in(&record, &alice, key(2).verifier(kind), None, NOW);
    let nonce = Nonce::from_bytes([9; 16]);
    let (record, _) = protocol::start_renewal(&record, &key(2), kind, nonce, NOW);
    let record = protocol::retire(&protocol::confirm_successor(&record, NOW), NOW);
    let next = key(2).with_secret(key(2).secret().next(&nonce));
    let record = protocol::start_renewal(&record, &next, kind, nonce, NOW).0;
    let client =
        ClientInfo::new().with_label("desk").with_user_agent("Mozilla/5.0").with_address(ADDRESS);
    record.edited(|fields| (fields.assurance, fields.client) = (Assurance::new(2), client))
}

const ADDRESS: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn all() -> Vec<Stored> {
    // A tombstone keeps no key family.
    let credentials = record().credentials().clone().with_family(None);
    let ended = record().edited(|fields| fields.credentials = credentials);
    let ending = protocol::end(EndReason::KeyReused, NOW);
    let kind = KindTag::DEFAULT;
    let plain = Lifetime::absolute(Duration::from_secs(60 * 60)).until_browser_closes();
    let unset = protocol::begin(
        kind,
        key(1).verifier(kind),
        plain,
        None,
        Payload::unset(),
        Revision::new(u64::MAX, 0),
        Timestamp::EPOCH,
    );
    let area = [2, 1, 0, 0, 3, 0, 0, 1, 7, 0, 0, 0];
    let extended =
        |record: Record| record.edited(|fields| fields.extensions = Extensions::from_area(&area));
    vec![
        Stored::Live(record()),
        Stored::Live(unset),
        Stored::Live(extended(record())),
        Stored::Ended(extended(ended.clone()).ended(ending)),
        Stored::Ended(ended.ended(ending)),
    ]
}

/// A store that ends sessions in place relies on it.
#[test]
fn a_tombstone_is_the_bytes_of_its_ending_and_a_part_of_the_records_bytes() {
    let ending = protocol::end(EndReason::Revoked, NOW);
    for stored in all() {
        let Stored::Live(record) = &stored else { continue };
        let (alive, stone) =
            (stored.to_bytes().unwrap(), Stored::Ended(record.ended(ending)).to_bytes().unwrap());
        let (begins, rest) = stone.split_at(18);
        assert_eq!(begins, ending.to_bytes());
        assert_eq!(rest, &alive[75..75 + rest.len()]);
    }
}

#[test]
fn an_entry_is_read_back_from_its_bytes() {
    for stored in all() {
        let bytes = stored.to_bytes().unwrap();
        let back = Stored::from_bytes(&bytes).unwrap();
        assert_eq!(format!("{back:?}"), format!("{stored:?}"));
        let (back_credentials, credentials) = (back.credentials(), stored.credentials());
        assert_eq!(
            (back_credentials.current, back_credentials.retired()),
            (credentials.current, credentials.retired())
        );
        assert_eq!(back.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn an_entry_is_read_back_from_its_head_and_its_payload() {
    for stored in all() {
        let payload = match &stored {
            Stored::Live(record) => record.payload().clone(),
            Stored::Ended(_) => Payload::unset(),
        };
        let (head, bytes) = (stored.to_head(), stored.to_bytes().unwrap());
        assert!(bytes.starts_with(&head));
        let back = Stored::from_head(&head, payload.clone()).unwrap();
        assert_eq!(back.to_bytes().unwrap(), bytes);
        assert!(Stored::from_head(&head[..head.len() - 1], payload.clone()).is_err());
        assert!(Stored::from_head(&bytes, payload).is_err() || head == bytes);
    }
}

#[test]
fn the_last_use_follows_from_the_idle_deadline() {
    let used = record().with_idle_deadline(NOW.after(Duration::from_secs(40 * 60)));
    assert_eq!(used.last_seen(), Some(NOW.after(Duration::from_secs(10 * 60))));
    let untimed = protocol::extend(&used, Duration::from_secs(60 * 60), NOW);
    assert_eq!(untimed.last_seen(), None);
}

#[test]
fn an_entry_of_another_format_version_is_refused() {
    for stored in all() {
        let mut bytes = stored.to_bytes().unwrap();
        for version in [0, 2, 3, 255] {
            bytes[0] = version;
            assert!(Stored::from_bytes(&bytes).is_err(), "version {version}");
        }
    }
}

#[test]
fn a_key_family_lasts_through_timed_renewals_and_ends_with_a_fresh_secret() {
    let renewed = record();
    let first = key(2).verifier(kind()).family();
    assert_eq!(renewed.credentials().family(), first, "renewed once, with a second one under way");
    let fresh = protocol::replace_secret(&renewed, key(3).verifier(kind()), NOW);
    assert_eq!(fresh.credentials().family(), key(3).verifier(kind()).family());
    assert_ne!(fresh.credentials().family(), first);
}

#[test]
fn a_store_can_overwrite_the_idle_deadline_in_place() {
    let mut bytes = Stored::Live(record()).to_bytes().unwrap();
    let later = NOW.after(Duration::from_secs(7 * 60 * 60));
    bytes[2..10].copy_from_slice(&later.as_millis().to_be_bytes());
    let Stored::Live(touched) = Stored::from_bytes(&bytes).unwrap() else { panic!("it is live") };
    assert_eq!(touched.idle_deadline(), later);
    assert_eq!(touched.revision(), record().revision());
}

#[test]
fn an_entry_that_was_cut_short_or_extended_is_refused() {
    for stored in all() {
        let bytes = stored.to_bytes().unwrap();
        // The payload has no length of its own: the engine must notice what is missing from it.
        let fixed = bytes.len()
            - 4 * usize::from(matches!(&stored, Stored::Live(r) if !r.payload().is_unset()));
        for length in 0..fixed {
            assert!(
                Stored::from_bytes(&bytes[..length]).is_err(),
                "read {length} of {} bytes",
                bytes.len()
            );
        }
    }
    let Some(Stored::Ended(_)) = all().pop() else { panic!("the last one is ended") };
    let mut grown = all().pop().map(|ended| ended.to_bytes().unwrap()).unwrap_or_default();
    grown.push(0);
    assert!(Stored::from_bytes(&grown).is_err());
}

#[test]
fn the_kind_of_a_session_is_read_back_and_the_default_kind_takes_one_byte() {
    let with = |kind| Stored::Live(record().edited(|fields| fields.kind = kind));
    let [default, other] = [KindTag::DEFAULT, kind()].map(|kind| with(kind).to_head());
    assert_eq!(other.len(), default.len() + 16);
    for kind in [KindTag::DEFAULT, kind()] {
        let back = Stored::from_bytes(&with(kind).to_bytes().unwrap()).unwrap();
        assert!(matches!(back, Stored::Live(record) if record.kind() == kind));
    }
    let mut spelled_out = other;
    let at = spelled_out.len() - 16;
    spelled_out[at..].copy_from_slice(KindTag::DEFAULT.as_bytes());
    assert!(Stored::from_head(&spelled_out, Payload::unset()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes_that_are_read_as_an_entry_are_written_back_unchanged(
        which in 0_usize..5,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in 0_usize..3,
    ) {
        let mut bytes = all()[which].to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut);
        if let Ok(stored) = Stored::from_bytes(&bytes) {
            prop_assert_eq!(stored.to_bytes().unwrap(), bytes);
        }
    }
}

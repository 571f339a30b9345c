//! An older node keeps what it does not know, or refuses the record.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::key::{Key, KindTag, Nonce, PublicId, Secret};
use crate::policy::{Assurance, Lifetime, Principal};
use crate::protocol;
use crate::record::{DecodeError, EndReason, Record, Revision, Stored};
use crate::time::Timestamp;
use crate::value::Payload;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key(secret: u8) -> Key {
    Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([secret; 16]))
}

fn kind() -> KindTag {
    KindTag::of("")
}

fn alice() -> Principal {
    Principal::new("alice").unwrap()
}

/// The record of a user who has signed in, with these bytes as its area.
fn record(area: &[u8]) -> Record {
    let payload = Payload::from_bytes(b"\x01\x00{}".as_slice());
    let verifier = key(1).verifier(kind());
    let revision = Revision::new(1, 2);
    let lifetime = Lifetime::default();
    let begun = protocol::begin(kind(), verifier, lifetime, None, payload, revision, NOW);
    protocol::sign_in(&begun, &alice(), key(2).verifier(kind()), None, NOW)
        .edited(|fields| fields.extensions = Extensions::from_area(area))
}

fn ended(record: &Record) -> Stored {
    Stored::Ended(record.ended(protocol::end(EndReason::SignedOut, NOW)))
}

/// A live and an ended session with this area.
fn both(area: &[u8]) -> [Stored; 2] {
    [Stored::Live(record(area)), ended(&record(area))]
}

fn read_back(stored: &Stored) -> Result<Stored, DecodeError> {
    Stored::from_bytes(&stored.to_bytes().unwrap())
}

fn area_of(stored: &Stored) -> &[u8] {
    match stored {
        Stored::Live(record) => record.0.extensions.as_area(),
        Stored::Ended(tombstone) => tombstone.extensions().as_area(),
    }
}

fn entry(tag: u8, critical: u8, bytes: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[tag, critical, high, low], bytes].concat()
}

fn area(entries: &[Vec<u8>]) -> Vec<u8> {
    [vec![u8::try_from(entries.len()).unwrap()], entries.concat()].concat()
}

#[track_caller]
fn assert_refused(area: &[u8], because: &str) {
    for stored in both(area) {
        let error = read_back(&stored).unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
    }
}

#[test]
fn a_record_without_extensions_spends_one_byte_on_them() {
    for (without, with) in both(&[0]).iter().zip(both(&area(&[entry(3, 0, b"abc")]))) {
        let (without, with) = (without.to_bytes().unwrap(), with.to_bytes().unwrap());
        assert_eq!(with.len(), without.len() + 4 + 3);
        let at = without.iter().zip(&with).position(|(a, b)| a != b).unwrap();
        assert_eq!(without[at], 0);
    }
    assert!(Extensions::default().0.is_none(), "no allocation");
}

#[test]
fn as_many_and_as_large_extensions_as_permitted_are_read_back() {
    let most: Vec<_> = (0..16).map(|tag| entry(tag * 17, 0, &[tag])).collect();
    let largest = area(&[entry(0, 0, b""), entry(1, 0, &[7; MAX_BYTES - 1 - 4 - 4])]);
    assert_eq!(largest.len(), MAX_BYTES);
    for area in [area(&most), largest, area(&[entry(255, 0, b"")])] {
        for stored in both(&area) {
            assert_eq!(area_of(&read_back(&stored).unwrap()), area);
        }
    }
}

#[test]
fn more_or_larger_extensions_than_permitted_are_refused() {
    let many: Vec<_> = (0..17).map(|tag| entry(tag, 0, b"")).collect();
    assert_refused(&area(&many), "too large");
    assert_refused(&area(&[entry(1, 0, &[7; MAX_BYTES - 4])]), "too large");
}

#[test]
fn extensions_out_of_order_or_with_equal_tags_are_refused() {
    assert_refused(&area(&[entry(2, 0, b"a"), entry(1, 0, b"b")]), "not in order");
    assert_refused(&area(&[entry(2, 0, b"a"), entry(2, 0, b"b")]), "not in order");
}

#[test]
fn an_extension_that_is_neither_critical_nor_not_is_refused() {
    assert_refused(&area(&[entry(2, 2, b"a")]), "a flag is neither 0 nor 1");
}

#[test]
fn an_extension_that_is_longer_than_the_record_is_refused() {
    let mut long = area(&[entry(1, 0, b"a")]);
    long[3..5].copy_from_slice(&u16::MAX.to_be_bytes());
    assert_refused(&long, "too short");
}

#[test]
fn an_unknown_critical_extension_makes_the_record_unreadable() {
    let critical = area(&[entry(1, 0, b"a"), entry(7, 1, b"b"), entry(9, 1, b"c")]);
    assert_refused(&critical, "critical extension 7 needs a newer version of cloakroom");
    let damaged = area(&[entry(7, 1, b"b"), entry(7, 1, b"b")]);
    assert_refused(&damaged, "not in order");
}

#[test]
fn debug_output_does_not_show_what_extensions_hold() {
    for stored in both(&area(&[entry(1, 0, b"PRIVATE")])) {
        let shown = format!("{stored:?}");
        assert!(shown.contains("Extensions(1)"), "{shown}");
        assert!(!shown.contains("PRIVATE") && !shown.contains(&format!("{:?}", b"PRIVATE")));
    }
}

/// Every way in which a node makes a record out of another.
const CHANGES: &[fn(&Record, Timestamp) -> Record] = &[
    |record, now| protocol::used(record, now),
    |record, now| protocol::replace_secret(record, key(3).verifier(kind()), now),
    |record, now| protocol::sign_in(record, &alice(), key(4).verifier(kind()), None, now),
    |record, now| protocol::extend(record, Duration::from_secs(90), now),
    |record, now| protocol::give_lifetime(record, Lifetime::one_week(), now),
    |record, now| protocol::start_renewal(record, &key(2), kind(), nonce(), now).0,
    |record, now| {
        let current = protocol::extend_cookie(record, &key(2), kind(), nonce(), now);
        current.map_or_else(|| record.clone(), |(record, _)| record)
    },
    |record, now| protocol::confirm_successor(record, now),
    |record, now| protocol::retire(record, now),
    |record, _| protocol::force_renewal(record, key(5).verifier(kind()).family()),
    |record, now| record.clone().with_idle_deadline(now),
    |record, _| record.clone().with_encoded_payload().unwrap(),
    |record, _| record.fenced().unwrap(),
    |record, _| record.clone().unfenced(),
    |record, _| record.moved_marker(),
    |record, _| {
        record.clone().edited(|fields| {
            fields.revision = fields.revision.next(3);
            fields.payload = Payload::unset();
            fields.assurance = Assurance::new(1);
        })
    },
    |record, _| match read_back(&Stored::Live(record.clone())) {
        Ok(Stored::Live(record)) => record,
        other => panic!("{other:?}"),
    },
];

fn nonce() -> Nonce {
    Nonce::from_bytes([9; 16])
}

fn unknown_entries() -> impl Strategy<Value = BTreeMap<u8, Vec<u8>>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..48);
    prop::collection::btree_map(10_u8.., bytes, 0..=MAX_COUNT)
}

/// The entries that a later version could have added.
fn unknown(area: &[u8]) -> Vec<Vec<u8>> {
    let extensions = Extensions::from_area(area);
    let entries = extensions.entries().filter(|(tag, ..)| *tag >= 10);
    entries.map(|(tag, critical, bytes)| entry(tag, critical, bytes)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn unknown_extensions_survive_every_change_and_the_end(
        entries in unknown_entries(),
        changes in prop::collection::vec((0..CHANGES.len(), 0_u64..100_000_000), 1..20),
    ) {
        let entries: Vec<_> = entries.iter().map(|(tag, bytes)| entry(*tag, 0, bytes)).collect();
        let area = area(&entries);
        let (mut record, mut now) = (record(&area), NOW);
        for (change, millis) in changes {
            now = now.after(Duration::from_millis(millis));
            record = CHANGES[change](&record, now);
            prop_assert_eq!(&unknown(record.0.extensions.as_area()), &entries);
            let tombstone = read_back(&ended(&record)).unwrap();
            prop_assert_eq!(&unknown(area_of(&tombstone)), &entries);
        }
    }

    #[test]
    fn an_area_of_any_bytes_is_read_back_unchanged_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        for stored in both(&bytes) {
            let bytes = stored.to_bytes().unwrap();
            if let Ok(back) = Stored::from_bytes(&bytes) {
                prop_assert_eq!(back.to_bytes().unwrap(), bytes);
            }
        }
    }
}

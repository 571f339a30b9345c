//! Records as bytes: one text for each, and nothing else is read as one.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::key::{Key, KindTag, Nonce, PublicId, Secret};
use crate::protocol;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key(secret: u8) -> Key {
    Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([secret; 16]))
}

/// A record that has been through everything.
fn record() -> Record {
    let kind = KindTag::of("");
    let revision = Revision::new(1, 0xDEAD_BEEF);
    let payload = Payload::from_bytes(b"\x01\x00{}".as_slice());
    let record =
        protocol::begin(key(1).verifier(kind), Lifetime::default(), None, payload, revision, NOW);
    let alice = Principal::new("alice").unwrap();
    let record = protocol::sign_in(&record, &alice, key(2).verifier(kind), NOW);
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
    // A family ends with its session.
    let credentials = record().credentials().clone().with_family(None);
    let ended = record().edited(|fields| fields.credentials = credentials);
    let ended = ended.ended(protocol::end(EndReason::KeyReused, NOW));
    let kind = KindTag::of("");
    let plain = Lifetime::absolute(Duration::from_secs(60 * 60)).until_browser_closes();
    let unset = protocol::begin(
        key(1).verifier(kind),
        plain,
        None,
        Payload::unset(),
        Revision::new(u64::MAX, 0),
        Timestamp::EPOCH,
    );
    vec![Stored::Live(record()), Stored::Live(unset), Stored::Ended(ended)]
}

/// What a store may do that ends sessions where they lie.
#[test]
fn a_tombstone_is_its_ending_and_a_part_of_the_records_bytes() {
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
fn a_record_survives_its_bytes() {
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
fn a_record_survives_being_kept_in_two_parts() {
    for stored in all() {
        let payload = match &stored {
            Stored::Live(record) => record.payload().clone(),
            Stored::Ended(_) => Payload::unset(),
        };
        let (head, absolute_timeout) = (stored.to_head(), stored.to_bytes().unwrap());
        assert!(
            absolute_timeout.starts_with(&head),
            "what may be overwritten in place is where it was"
        );
        assert_eq!(
            Stored::from_head(&head, payload.clone()).unwrap().to_bytes().unwrap(),
            absolute_timeout
        );
        assert!(Stored::from_head(&head[..head.len() - 1], payload.clone()).is_err());
        assert!(Stored::from_head(&absolute_timeout, payload).is_err() || head == absolute_timeout);
    }
}

#[test]
fn when_a_session_was_last_seen_follows_from_its_idle_deadline() {
    let used = record().with_idle_deadline(NOW.after(Duration::from_secs(40 * 60)));
    assert_eq!(used.last_seen(), Some(NOW.after(Duration::from_secs(10 * 60))));
    let untimed = protocol::extend(&used, Duration::from_secs(60 * 60), NOW);
    assert_eq!(untimed.last_seen(), None);
}

#[test]
fn a_record_of_the_first_version_is_read_and_lacks_what_came_later() {
    let mut bytes = Stored::Live(bare()).to_bytes().unwrap();
    let payload = bytes.len() - b"\x01\x01\x00{}".len();
    bytes.drain(payload - 4 - 17..payload);
    bytes[0] = 1;
    let Stored::Live(read) = Stored::from_bytes(&bytes).unwrap() else { panic!("it is live") };
    assert_eq!((read.revision(), read.principal()), (record().revision(), record().principal()));
    assert_eq!((read.assurance(), read.client()), (Assurance::default(), &ClientInfo::default()));
    assert!(!read.payload().is_unset());
    let mut ended =
        Stored::Ended(record().ended(protocol::end(EndReason::Ended, NOW))).to_bytes().unwrap();
    ended[0] = 1;
    assert!(matches!(Stored::from_bytes(&ended), Ok(Stored::Ended(_))));
}

#[test]
fn a_record_of_the_second_version_is_read_and_has_the_lineage_of_its_verifier() {
    let mut bytes = Stored::Live(bare()).to_bytes().unwrap();
    let payload = bytes.len() - b"\x01\x01\x00{}".len();
    bytes.drain(payload - 17..payload);
    bytes[0] = 2;
    let Stored::Live(read) = Stored::from_bytes(&bytes).unwrap() else { panic!("it is live") };
    assert_eq!(read.credentials().family(), read.credentials().current.family());
    assert_ne!(read.credentials().family(), record().credentials().family());
}

#[test]
fn a_lineage_lasts_through_timed_renewals_and_a_fresh_secret_begins_another() {
    let renewed = record();
    let begun = key(2).verifier(KindTag::of("")).family();
    assert_eq!(renewed.credentials().family(), begun, "renewed once, and once more under way");
    let fresh = protocol::replace_secret(&renewed, key(3).verifier(KindTag::of("")), NOW);
    assert_eq!(fresh.credentials().family(), key(3).verifier(KindTag::of("")).family());
    assert_ne!(fresh.credentials().family(), begun);
}

fn bare() -> Record {
    record().edited(|fields| {
        (fields.assurance, fields.client) = (Assurance::default(), ClientInfo::default())
    })
}

#[test]
fn a_store_may_overwrite_the_idle_deadline_in_place() {
    let mut bytes = Stored::Live(record()).to_bytes().unwrap();
    let later = NOW.after(Duration::from_secs(7 * 60 * 60));
    bytes[2..10].copy_from_slice(&later.as_millis().to_be_bytes());
    let Stored::Live(touched) = Stored::from_bytes(&bytes).unwrap() else { panic!("it is live") };
    assert_eq!(touched.idle_deadline(), later);
    assert_eq!(touched.revision(), record().revision());
}

#[test]
fn a_record_cut_short_or_grown_is_none() {
    for stored in all() {
        let bytes = stored.to_bytes().unwrap();
        // The payload has no length of its own: what is cut from it is the engine's to notice.
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_as_a_record_is_written_back_to_the_letter(
        which in 0_usize..3, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0_usize..3,
    ) {
        let mut bytes = all()[which].to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut);
        match Stored::from_bytes(&bytes) {
            Ok(stored) if bytes[0] == 3 => prop_assert_eq!(stored.to_bytes().unwrap(), bytes),
            // An older version is written anew in today's, and longer.
            _ => {}
        }
    }
}

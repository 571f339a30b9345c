//! Two versions of the library share a store.

use super::frozen_v1::{Entry, Extension, Kept, Unreadable, read, write};
use super::*;
use crate::key::DeviceKey;

fn bytes_of(stored: &Stored) -> Vec<u8> {
    stored.to_bytes().unwrap()
}

/// What a later version would write for each of [`all`]: with these extensions.
fn of_a_later_version(extensions: &[Extension]) -> impl Iterator<Item = Entry> {
    all().into_iter().map(|stored| {
        let mut entry = read(&bytes_of(&stored)).unwrap();
        kept(&mut entry).extensions = extensions.to_vec();
        entry
    })
}

fn kept(entry: &mut Entry) -> &mut Kept {
    match entry {
        Entry::Live(live) => &mut live.kept,
        Entry::Ended { kept, .. } => kept,
    }
}

fn extension(tag: u8, is_critical: bool, bytes: &[u8]) -> Extension {
    Extension { tag, is_critical, bytes: bytes.to_vec() }
}

#[track_caller]
fn assert_kept(kept: &Kept, credentials: &Credentials, principal: Option<&Principal>) {
    assert_eq!(kept.verifier, *credentials.current.as_bytes());
    assert_eq!(kept.renew_at, credentials.renew_at.as_millis());
    assert_eq!(kept.cookie_until, credentials.cookie_until.as_millis());
    let successor = credentials.successor().map(|successor| {
        let seen = successor.seen.unwrap_or(Timestamp::EPOCH).as_millis();
        (*successor.verifier.as_bytes(), *successor.nonce.as_bytes(), seen)
    });
    assert_eq!(kept.successor, successor);
    let retired = credentials
        .retired()
        .iter()
        .map(|retired| (retired.prefix, retired.at.as_millis(), retired.how == Retirement::SignIn));
    assert_eq!(kept.retired, retired.collect::<Vec<_>>());
    assert_eq!(kept.principal, principal.map_or("", Principal::as_str));
}

#[test]
fn the_first_release_reads_every_field_of_todays_entries() {
    let millis = |span: Option<Duration>| span.map_or(0, |span| span.as_millis());
    for stored in all() {
        let bytes = bytes_of(&stored);
        let old = read(&bytes).unwrap();
        assert_eq!(write(&old), bytes);
        match (old, stored) {
            (Entry::Live(old), Stored::Live(record)) => {
                assert_kept(&old.kept, record.credentials(), record.principal());
                assert_eq!(old.idle_deadline, record.idle_deadline().as_millis());
                assert_eq!(old.absolute_deadline, record.absolute_deadline().as_millis());
                let (count, token) = old.revision;
                assert_eq!(Revision::new(count, token), record.revision());
                assert_eq!(old.created, record.created().as_millis());
                let authenticated_at = record.authenticated_at().unwrap_or(Timestamp::EPOCH);
                assert_eq!(old.authenticated_at, authenticated_at.as_millis());
                let lifetime = record.lifetime();
                let (idle, renewal) = (lifetime.idle_timeout(), lifetime.renewal_timeout());
                let timeouts = [idle, Some(lifetime.absolute_timeout()), renewal].map(millis);
                assert_eq!(old.lifetime.map(u128::from), timeouts);
                let flags =
                    u8::from(lifetime.outlives_browser()) + 2 * u8::from(lifetime.is_explicit());
                assert_eq!(old.lifetime_flags, flags);
                assert_eq!(old.assurance, record.assurance().level());
                let client = record.client();
                let address = client.address().map(|address| address.to_string());
                let client = [client.label(), client.user_agent(), address.as_deref()];
                assert_eq!(old.client, client.map(Option::unwrap_or_default));
                let family = record.credentials().stored_family();
                assert_eq!(old.family, family.map(|family| *family.as_bytes()));
                let kind = Some(record.kind()).filter(|kind| *kind != KindTag::DEFAULT);
                assert_eq!(old.kind, kind.map(|kind| *kind.as_bytes()));
                assert_eq!(old.payload.as_deref(), record.payload().as_bytes());
            }
            (Entry::Ended { at, keep_until, kept, .. }, Stored::Ended(tombstone)) => {
                assert_kept(&kept, tombstone.credentials(), tombstone.principal());
                assert_eq!(at, tombstone.ending().at().as_millis());
                assert_eq!(keep_until, tombstone.ending().keep_until().as_millis());
            }
            (old, stored) => panic!("{old:?} was read from {stored:?}"),
        }
    }
}

#[test]
fn the_first_release_keeps_an_extension_that_is_not_critical() {
    let extensions = [extension(0, false, b"new"), extension(250, false, &[0; 500])];
    for later in of_a_later_version(&extensions) {
        let mut old = read(&write(&later)).unwrap();
        if let Entry::Live(live) = &mut old {
            // Every field that the old node knows can change.
            live.revision.0 ^= 1;
            live.idle_deadline = NOW.as_millis();
            live.payload = Some(b"\x01\x00[]".to_vec());
            live.kept.retired.clear();
            live.kept.successor = None;
            live.kept.verifier = [5; 32];
        }
        let written = write(&old);
        let mut back = read(&bytes_of(&Stored::from_bytes(&written).unwrap())).unwrap();
        assert_eq!(kept(&mut back).extensions, extensions);
        assert_eq!(back, old);
    }
}

#[test]
fn the_first_release_and_this_one_refuse_a_critical_extension() {
    let extensions = [extension(0, false, b"new"), extension(250, true, b"")];
    for later in of_a_later_version(&extensions) {
        let bytes = write(&later);
        assert_eq!(read(&bytes), Err(Unreadable::Critical(250)));
        let error = Stored::from_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains("critical extension 250"), "{error}");
    }
}

/// It would open a bound session with the key of the sign-in, and forget an offer at worst.
#[test]
fn the_first_release_keeps_an_offer_to_bind_and_refuses_a_bound_session() {
    let (device, life) = (DeviceKey::es256([1; 32], [2; 32]), Duration::from_secs(600));
    let offered = protocol::offer_binding(&record(), [7; 16], NOW);
    let bytes = bytes_of(&Stored::Live(offered.clone()));
    assert_eq!(write(&read(&bytes).unwrap()), bytes);
    assert_eq!(bytes_of(&Stored::from_bytes(&bytes).unwrap()), bytes);
    let secret = key(8).verifier(kind());
    let bound = protocol::register_device(&offered, &device, secret, life, NOW).unwrap();
    for record in [protocol::confirm_device(&bound, NOW), bound] {
        let bytes = bytes_of(&Stored::Live(record.clone()));
        assert_eq!(read(&bytes), Err(Unreadable::Critical(4)));
        let Stored::Live(read) = Stored::from_bytes(&bytes).unwrap() else { panic!("ended") };
        assert_eq!(read.device(), record.device());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_first_release_reads_what_this_one_reads(
        which in 0_usize..5,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = bytes_of(&all()[which]);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if Stored::from_bytes(&bytes).is_ok() {
            prop_assert_eq!(write(&read(&bytes).unwrap()), bytes);
        }
    }
}

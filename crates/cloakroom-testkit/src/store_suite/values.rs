//! Unusual values are read back as they were written.

use cloakroom::record::Revision;
use cloakroom::store::{IndexLogin, Indexed, Page, Swap};
use cloakroom::value::Payload;
use cloakroom::{Principal, PublicId, SessionMap, Store, Timestamp};

use super::{ABSOLUTE, NOW, assert_same, begin, id, insert, live, record};
use crate::{TestSessions, block_on};

/// Writes a payload with `insert` and with `replace`, and reads it back each time.
fn assert_kept(store: &impl Store, n: u8, payload: &Payload) {
    let written = payload.to_bytes().unwrap();
    let inserted = begin(1, None, payload.clone(), Revision::new(1, 1));
    insert(store, id(n), &inserted);
    assert!(
        live(store, id(n)).payload().to_bytes().unwrap() == written,
        "payload {n} came back changed"
    );
    let cleared = begin(1, None, Payload::unset(), Revision::new(2, 2));
    let replaced = begin(1, None, payload.clone(), Revision::new(3, 3));
    for (seen, next) in [(&inserted, &cleared), (&cleared, &replaced)] {
        let swap = store.replace(id(n), seen, next.clone(), NOW).wait().unwrap();
        assert!(matches!(swap, Swap::Done));
    }
    assert!(
        live(store, id(n)).payload().to_bytes().unwrap() == written,
        "payload {n} came back changed"
    );
}

/// Zero bytes, bytes that are not UTF-8, and text with a meaning in some language.
pub fn any_payload_is_read_back_byte_by_byte(store: impl Store) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 7] =
        [b"\0", b"a\0b\0", b"\xFF\xFE\xC0\x80", b"\r\n", b"'); --\"\\", b"{\"a\":1}", &every_byte];
    for (n, payload) in (1..).zip(payloads) {
        assert_kept(&store, n, &Payload::from_bytes(payload));
    }
}

/// A large session may be slow, but works.
pub fn a_payload_of_one_mebibyte_is_read_back(store: impl Store) {
    let large: Vec<u8> = (0..1 << 20).map(|n: u32| n.to_le_bytes()[(n % 3) as usize]).collect();
    assert_kept(&store, 1, &Payload::from_bytes(large));
}

/// A session that was never given a value is not one with an empty value.
pub fn no_value_differs_from_an_empty_value(store: impl Store) {
    assert_kept(&store, 1, &Payload::from_bytes(&b""[..]));
    assert_kept(&store, 2, &Payload::unset());
    assert!(!live(&store, id(1)).payload().is_unset());
    assert!(live(&store, id(2)).payload().is_unset());
}

/// All 64 bits of count and token, also where the engine's numbers are signed or floating.
pub fn any_revision_is_kept_and_compared(store: impl Store) {
    let numbers = [0, 1, (1 << 53) + 1, i64::MAX.unsigned_abs(), 1 << 63, u64::MAX];
    let revision = |token: u64| Revision::new(token.rotate_left(1), token);
    for (n, token) in (1..).zip(numbers) {
        let (ours, next) = (revision(token), revision(token ^ 0b110));
        let of_revision = |revision| begin(1, None, Payload::unset(), revision);
        insert(&store, id(n), &of_revision(ours));
        assert_eq!(live(&store, id(n)).revision(), ours);
        let next = of_revision(next);
        let neighbour = Revision::new(ours.count(), ours.token() ^ 1);
        let swap = store.replace(id(n), &of_revision(neighbour), next.clone(), NOW).wait().unwrap();
        assert!(matches!(swap, Swap::Stale(_)));
        assert!(!store.touch(id(n), neighbour, Timestamp::NEVER).wait().unwrap());
        assert!(store.touch(id(n), ours, Timestamp::NEVER).wait().unwrap());
        // The touch has moved a deadline since.
        let swap = store.replace(id(n), &of_revision(ours), next.clone(), NOW).wait().unwrap();
        assert!(matches!(swap, Swap::Done));
        assert_eq!(live(&store, id(n)).revision(), next.revision());
    }
}

/// To the millisecond, up to `Timestamp::NEVER`.
pub fn any_deadline_is_kept(store: impl Store) {
    let now = NOW.as_millis();
    let moments =
        [now + 1, now + 2, (1 << 53) + 1, i64::MAX.unsigned_abs(), 1 << 63, u64::MAX - 1, u64::MAX]
            .map(Timestamp::from_millis);
    for (n, moment) in (1..).zip(moments) {
        let kept = record(1).with_idle_deadline(moment);
        insert(&store, id(n), &kept);
        assert_same(&live(&store, id(n)), &kept);
    }
    for (n, moment) in (101..).zip(moments) {
        insert(&store, id(n), &record(1).with_idle_deadline(moments[0]));
        store.touch(id(n), record(1).revision(), moment).wait().unwrap();
        assert_eq!(live(&store, id(n)).idle_deadline(), moment);
    }
}

/// Quotes, wildcards and all of Unicode. Two names that look alike are different.
pub fn any_name_is_a_principal(store: impl Store) {
    let long = "\u{1F9E5}".repeat(63) + "abc";
    assert_eq!(long.len(), Principal::MAX_LEN);
    let almost_as_long = &long[..long.len() - 1];
    let names = [
        "'",
        "''",
        "\"",
        "%",
        "_",
        "\\",
        "a:b",
        "{a}",
        "*",
        " ",
        "a",
        "a ",
        "A",
        "\u{E9}",
        "e\u{301}",
        &long,
        almost_as_long,
    ];
    let names: Vec<Principal> = names.iter().map(|name| Principal::new(name).unwrap()).collect();
    for (n, name) in (1..).zip(&names) {
        let session = begin(1, Some(name.clone()), Payload::unset(), Revision::new(1, 1));
        let login = IndexLogin::new(name.clone(), id(n), session.kind(), NOW.after(ABSOLUTE));
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
        insert(&store, id(n), &session);
    }
    for (n, name) in (1..).zip(&names) {
        let ids: Vec<PublicId> = store.sessions_of(name, None, Page::first(100)).wait().unwrap();
        assert_eq!(ids, [id(n)], "{name:?}");
        assert_eq!(live(&store, id(n)).principal(), Some(name));
    }
}

/// Through the session manager: the value that one handler wrote is the value that another reads.
pub fn a_typed_value_comes_back_equal(store: impl Store) {
    let test: TestSessions<SessionMap> = TestSessions::new(store);
    let mut value = SessionMap::default();
    value.insert("text", "na\u{EF}ve \u{1F9E5} \0 \u{10FFFF}").unwrap();
    value.insert("numbers", (i64::MIN, u64::MAX, 0.1_f64)).unwrap();
    value.insert("nested", [[Some(true)], [None]]).unwrap();
    block_on(async {
        let session = test.sessions.generate(value.clone()).await.unwrap();
        let read = test.sessions.of_key(session.key().unwrap()).await.unwrap();
        assert_eq!(read.value(), &value);
    });
}

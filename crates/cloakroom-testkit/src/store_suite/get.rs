//! `get`: the entry under an id.

use std::time::Duration;

use cloakroom::store::Swap;
use cloakroom::{PublicId, Store};

use super::{ABSOLUTE, IDLE, NOW, assert_same, get, id, insert, live, record};

/// Absence is an answer, not an error.
pub fn an_id_that_was_never_inserted_is_absent(store: impl Store) {
    insert(&store, id(1), &record(1));
    assert!(get(&store, id(2)).is_none());
}

/// No bit of an id is ignored.
pub fn ids_that_differ_in_one_bit_are_different(store: impl Store) {
    let base = [0b0100_0001; 16];
    insert(&store, PublicId::from_bytes(base), &record(1));
    let neighbours: Vec<PublicId> = (0..16)
        .flat_map(|byte| [0x01, 0x20, 0x80].map(|bit| (byte, bit)))
        .map(|(byte, bit)| {
            let mut bytes = base;
            bytes[byte] ^= bit;
            PublicId::from_bytes(bytes)
        })
        .collect();
    for neighbour in &neighbours {
        assert!(get(&store, *neighbour).is_none(), "{neighbour} is another session's id");
    }
    for (mark, neighbour) in (2..).zip(&neighbours) {
        insert(&store, *neighbour, &record(mark));
    }
    for (mark, neighbour) in (2..).zip(&neighbours) {
        assert_same(&live(&store, *neighbour), &record(mark));
    }
}

/// Zero bytes, quotes and line ends are bytes like others.
pub fn any_sixteen_bytes_are_an_id(store: impl Store) {
    let mut leading_zeros = [0; 16];
    leading_zeros[15] = 1;
    let mut trailing_zeros = [0; 16];
    trailing_zeros[0] = 1;
    let ids = [
        [0; 16],
        leading_zeros,
        trailing_zeros,
        [0xFF; 16],
        *b"'; DROP TABLE --",
        *b"\r\n*1\r\n$4\r\nPING\r\n",
    ];
    for (mark, bytes) in (1..).zip(ids) {
        insert(&store, PublicId::from_bytes(bytes), &record(mark));
    }
    for (mark, bytes) in (1..).zip(ids) {
        assert_same(&live(&store, PublicId::from_bytes(bytes)), &record(mark));
    }
}

/// A store decides nothing by deadlines; its caller does.
pub fn an_expired_record_is_read_and_written_until_it_is_swept(store: impl Store) {
    let past = record(1).with_idle_deadline(NOW);
    insert(&store, id(1), &past);
    assert_same(&live(&store, id(1)), &past);
    let later = NOW.after(IDLE).after(Duration::from_secs(1));
    assert!(store.touch(id(1), past.revision(), later).wait().unwrap());
    assert!(matches!(store.replace(id(1), &past, record(2), NOW).wait().unwrap(), Swap::Done));
    assert_eq!(store.sweep(NOW.after(ABSOLUTE), 10).wait().unwrap(), 1);
    assert!(get(&store, id(1)).is_none());
}

//! A full store finds room as soon as something has expired, whatever is asked first, and drops no
//! session whose key was presented once.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn alice() -> Principal {
    Principal::new("alice").unwrap()
}

/// A full store: a session that lasts for 399 days, and others that expire after a minute. 398 days
/// later.
fn full_of_garbage(encoded: bool) -> (MemoryStore, Timestamp) {
    let bytes = 1000 * (OVERHEAD + 100);
    let store = MemoryStore::bounded(1000, bytes);
    let store = if encoded { store.with_encoded_values() } else { store };
    insert_visited(&store, id(0), record(1, 399 * DAY, NOW));
    for number in 1..1000 {
        let number = id(number);
        let inserted = store.insert(number, record_of(80)).wait();
        if !is_full(inserted) {
            store.get(number).wait().unwrap();
        }
    }
    assert!(is_full(store.insert(id(1000), record_of(5000)).wait()));
    (store, NOW.after(398 * DAY))
}

#[test]
fn a_full_store_of_expired_sessions_takes_a_new_session() {
    for encoded in [false, true] {
        let (store, now) = full_of_garbage(encoded);
        let new = record(80, Duration::from_secs(60), now);
        assert_eq!(store.insert(id(2000), new).wait().unwrap(), Inserted::Done);
    }
}

#[test]
fn a_full_store_of_expired_sessions_lets_a_live_one_grow() {
    for encoded in [false, true] {
        let (store, now) = full_of_garbage(encoded);
        let grown = record(30_000, 399 * DAY, NOW);
        let swap = store.replace(id(0), &seen(1), grown, now).wait();
        assert!(matches!(swap, Ok(Swap::Done)), "{swap:?}");
        assert!(store.health().wait().is_ok());
    }
}

#[test]
fn a_full_store_of_expired_sessions_indexes_a_sign_in() {
    for encoded in [false, true] {
        let (store, now) = full_of_garbage(encoded);
        let login = IndexLogin::new(alice(), id(2000), KindTag::DEFAULT, Timestamp::NEVER);
        assert_eq!(store.index_login(login.with_now(now)).wait().unwrap(), Indexed::Done);
    }
}

#[test]
fn a_large_store_finds_its_only_expired_session_before_it_refuses() {
    let store = MemoryStore::bounded(20_000, usize::MAX);
    for number in 0..20_000 {
        let life = Duration::from_secs(if number == 12_345 { 60 } else { 600 });
        insert_visited(&store, id(number), record(1, life, NOW));
    }
    let later = record(1, Duration::from_secs(60), NOW.after(Duration::from_secs(61)));
    assert_eq!(store.insert(id(20_000), later).wait().unwrap(), Inserted::Done);
    assert!(store.get(id(12_345)).wait().unwrap().is_none());
}

#[test]
fn health_reports_a_store_that_is_full_of_live_sessions() {
    let store = MemoryStore::bounded(3, usize::MAX);
    (0..3).for_each(|number| insert_visited(&store, id(number), record_of(1)));
    assert!(store.health().wait().is_ok(), "no one was refused");
    assert!(is_full(store.insert(id(3), record_of(1)).wait()));
    assert!(is_full(store.health().wait()));
    store.end(id(0), ending()).wait().unwrap();
    assert!(store.health().wait().is_ok());
}

#[test]
fn a_value_larger_than_the_store_removes_nothing_and_leaves_it_healthy() {
    let store = MemoryStore::bounded(10, 10_000);
    for number in 0..3 {
        let _ = store.insert(id(number), record_of(1)).wait().unwrap();
    }
    assert!(is_full(store.insert(id(3), record_of(20_000)).wait()));
    assert_eq!(store.len(), 3);
    assert!(store.health().wait().is_ok());
}

#[test]
fn sessions_to_which_no_client_came_back_give_way_oldest_first() {
    for encoded in [false, true] {
        let store = MemoryStore::bounded(10, usize::MAX);
        let store = if encoded { store.with_encoded_values() } else { store };
        let at = |number| NOW.after(Duration::from_millis(number));
        for number in 0..10 {
            let record = record(1, DAY, at(number));
            let _ = store.insert(id(number), record).wait().unwrap();
        }
        let present = |number| store.shard(id(number)).with(id(number), |slot| slot.is_some());
        assert!(store.get(id(0)).wait().unwrap().is_some());
        for number in 10..13 {
            let record = record(1, DAY, at(number));
            assert_eq!(store.insert(id(number), record).wait().unwrap(), Inserted::Done);
        }
        let gone: Vec<u64> = (0..13).filter(|number| !present(*number)).collect();
        assert_eq!(gone, [1, 2, 3]);
        assert_eq!(store.len(), 10);
    }
}

#[test]
fn a_session_that_someone_signed_in_on_stays() {
    for encoded in [false, true] {
        let store = MemoryStore::bounded(1, usize::MAX);
        let store = if encoded { store.with_encoded_values() } else { store };
        let signed_in = record_of(1).edited(|fields| fields.principal = Some(alice()));
        let _ = store.insert(id(0), signed_in).wait().unwrap();
        assert!(is_full(store.insert(id(1), record_of(1)).wait()));
    }
}

/// The response that creates a session can write it a second time.
#[test]
fn a_session_that_grows_in_its_first_request_does_not_make_room_with_itself() {
    let store = MemoryStore::bounded(10, 2 * (OVERHEAD + 100));
    let _ = store.insert(id(0), record_of(100)).wait().unwrap();
    let _ = store.insert(id(1), record_of(100)).wait().unwrap();
    let swap = store.replace(id(0), &seen(1), record_of(300), NOW).wait();
    assert!(matches!(swap, Ok(Swap::Done)));
    assert!(store.get(id(0)).wait().unwrap().is_some());
    assert!(store.get(id(1)).wait().unwrap().is_none());
}

#[test]
fn the_index_counts_and_is_released() {
    let store = MemoryStore::new();
    for number in 0..100 {
        let name = Principal::new(format!("{number:0>200}")).unwrap();
        let until = NOW.after(DAY);
        let login = IndexLogin::new(name.clone(), id(number), KindTag::DEFAULT, until);
        let before = store.bytes();
        assert_eq!(store.index_login(login.clone()).wait().unwrap(), Indexed::Done);
        let grown = store.bytes() - before;
        assert!((200..600).contains(&grown), "{grown}");
        assert_eq!(store.index_login(login).wait().unwrap(), Indexed::Done);
        assert_eq!(store.bytes() - before, grown, "the same entry counts once");
        store.revoke_before(&name, NOW, until).wait().unwrap();
        assert_eq!(store.bytes() - before, 2 * grown);
    }
    store.sweep(NOW.after(2 * DAY), 10).wait().unwrap();
    assert_eq!(store.bytes(), 0);
}

/// Ten thousand zeros are 20 KB in bytes and 320 KB as a value.
#[test]
fn what_a_request_decodes_is_not_kept() {
    let coding = Arc::new(Coding::new(Arc::new(JsonCodec), 0, None, usize::MAX));
    let zeros = serde_json::Value::from(vec![0; 10_000]);
    let payload = Payload::from_bytes(coding.encode(&zeros).unwrap());
    let store = MemoryStore::new();
    let _ = store.insert(id(0), record_of(1).edited(|fields| fields.payload = payload)).wait();
    let decoded = || {
        let Some(Stored::Live(record)) = store.get(id(0)).wait().unwrap() else { panic!("lost") };
        record.payload().open(&coding).unwrap().unwrap()
    };
    let (first, second) = (decoded(), decoded());
    assert_eq!(first.value, second.value);
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1));
}

//! Tests of the store decorators, the generator, the clock and the round-trip check.

use std::thread;
use std::time::Duration;

use cloakroom::key::{Entropy, OsEntropy};
use cloakroom::{MemoryStore, SessionMap, Store};
use cloakroom_testkit::{
    Fault, FaultyStore, ManualClock, Operation, SeededEntropy, SpyStore, StepStore, TestSessions,
    assert_round_trips, block_on,
};
use serde::{Deserialize, Serialize};

#[test]
fn a_fault_hits_its_operation_once() {
    let store = FaultyStore::new(MemoryStore::new());
    let test: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let session = block_on(test.sessions.generate(SessionMap::default())).unwrap();
    let key = session.key().unwrap().clone();
    store.fail_on(Operation::End, Fault::NotSent);
    assert!(block_on(test.sessions.of_key(&key)).is_ok());
    assert!(block_on(test.sessions.revoke(key.id())).is_err());
    assert!(block_on(test.sessions.of_key(&key)).is_ok());
    assert!(block_on(test.sessions.revoke(key.id())).is_ok());
    store.fail_all(Some(Fault::LostBefore));
    assert!(block_on(test.sessions.health()).is_err() && block_on(test.sessions.health()).is_err());
    store.fail_all(None);
    assert!(block_on(test.sessions.health()).is_ok());
}

#[test]
fn an_operation_whose_answer_is_lost_has_happened_or_not_as_the_fault_says() {
    let store = FaultyStore::new(MemoryStore::new());
    let test: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let session = block_on(test.sessions.generate(SessionMap::default())).unwrap();
    for (fault, happened) in [(Fault::LostBefore, false), (Fault::LostAfter, true)] {
        store.fail_next(fault);
        let error = block_on(test.sessions.revoke(session.id().unwrap())).unwrap_err();
        assert!(error.may_have_happened());
        assert_eq!(block_on(test.sessions.of_key(session.key().unwrap())).is_err(), happened);
    }
}

#[test]
fn a_held_operation_waits_while_others_pass() {
    let store = StepStore::new(SpyStore::new(MemoryStore::new()));
    let test: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let mut session = block_on(test.sessions.generate(SessionMap::default())).unwrap();
    let key = session.key().unwrap().clone();
    let held = store.hold(Operation::Replace);
    thread::scope(|scope| {
        let writer = scope.spawn(|| block_on(session.update(|map| map.insert("late", true))));
        while !held.has_arrived() {
            thread::yield_now();
        }
        block_on(test.sessions.revoke(key.id())).unwrap();
        held.release();
        assert!(writer.join().unwrap().is_err(), "the write came after the end");
    });
    let second = store.hold_nth(1);
    block_on(store.health()).unwrap();
    assert!(!second.has_arrived());
    second.release();
    block_on(store.health()).unwrap();
    assert!(second.has_arrived());
}

#[test]
fn a_seed_repeats_its_bytes_and_never_a_block() {
    let draw = |source: &SeededEntropy| {
        let mut block = [0; 16];
        source.fill(&mut block).unwrap();
        block
    };
    let (one, same) = (SeededEntropy::new(7), SeededEntropy::new(7));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..1_000 {
        let block = draw(&one);
        assert_eq!(block, draw(&same));
        assert!(seen.insert(block));
    }
    let replayed = SeededEntropy::from_blocks(vec![[1; 16], [1; 16]]);
    replayed.fill(&mut [0; 8]).unwrap();
    assert_eq!([draw(&replayed), draw(&replayed)], [[1; 16], [1; 16]]);
    assert_ne!(draw(&replayed), [1; 16]);
}

#[test]
fn clones_of_a_clock_show_the_same_time() {
    let clock = ManualClock::new();
    let other = clock.clone();
    let before = clock.now();
    other.advance(Duration::from_secs(1));
    assert_eq!(clock.now().since(before), Duration::from_secs(1));
    clock.set(before);
    assert_eq!(other.now(), before);
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lossy {
    kept: u8,
    #[serde(skip)]
    lost: u8,
}

#[test]
fn a_value_that_survives_its_codec_passes() {
    assert_round_trips([Lossy::default(), Lossy { kept: 3, lost: 0 }]);
}

#[test]
#[should_panic(expected = "sample 1 comes back different")]
fn a_value_that_loses_data_is_named_by_its_position() {
    assert_round_trips([Lossy::default(), Lossy { kept: 0, lost: 3 }]);
}

#[test]
fn test_sessions_with_another_policy_still_use_their_clock() {
    let test: TestSessions<SessionMap> =
        TestSessions::with(MemoryStore::new(), |builder| builder.entropy(OsEntropy));
    let session = block_on(test.sessions.generate(SessionMap::default())).unwrap();
    test.clock.advance(Duration::from_secs(12 * 60 * 60));
    assert!(block_on(test.sessions.of_key(session.key().unwrap())).is_err());
    assert_eq!(test.events()[0], format!("Created {{ id: {:?} }}", session.id().unwrap()));
}

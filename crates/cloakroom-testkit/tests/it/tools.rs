//! The decorators, the generator and the round-trip check do what they say.

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
fn a_fault_hits_the_operation_it_was_meant_for_once() {
    let store = FaultyStore::new(MemoryStore::new());
    let world: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let session = block_on(world.sessions.generate(SessionMap::default())).unwrap();
    let key = session.key().unwrap().clone();
    store.fail_on(Operation::End, Fault::NotSent);
    assert!(block_on(world.sessions.of_key(&key)).is_ok());
    assert!(block_on(world.sessions.revoke(key.id())).is_err());
    assert!(block_on(world.sessions.of_key(&key)).is_ok());
    assert!(block_on(world.sessions.revoke(key.id())).is_ok());
    store.fail_all(Some(Fault::LostBefore));
    assert!(
        block_on(world.sessions.health()).is_err() && block_on(world.sessions.health()).is_err()
    );
    store.fail_all(None);
    assert!(block_on(world.sessions.health()).is_ok());
}

#[test]
fn an_answer_that_was_lost_after_the_deed_leaves_the_deed_done() {
    let store = FaultyStore::new(MemoryStore::new());
    let world: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let session = block_on(world.sessions.generate(SessionMap::default())).unwrap();
    for (fault, happened) in [(Fault::LostBefore, false), (Fault::LostAfter, true)] {
        store.fail_next(fault);
        let error = block_on(world.sessions.revoke(session.id().unwrap())).unwrap_err();
        assert!(error.may_have_happened());
        assert_eq!(block_on(world.sessions.of_key(session.key().unwrap())).is_err(), happened);
    }
}

#[test]
fn an_operation_that_is_held_waits_while_others_pass() {
    let store = StepStore::new(SpyStore::new(MemoryStore::new()));
    let world: TestSessions<SessionMap> = TestSessions::new(store.clone());
    let mut session = block_on(world.sessions.generate(SessionMap::default())).unwrap();
    let key = session.key().unwrap().clone();
    let held = store.hold(Operation::Replace);
    thread::scope(|scope| {
        let writer = scope.spawn(|| block_on(session.update(|map| map.insert("late", true))));
        while !held.has_arrived() {
            thread::yield_now();
        }
        block_on(world.sessions.revoke(key.id())).unwrap();
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
fn a_seed_gives_the_same_bytes_again_and_never_a_block_twice() {
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
    let replaying = SeededEntropy::from_blocks(vec![[1; 16], [1; 16]]);
    replaying.fill(&mut [0; 8]).unwrap();
    assert_eq!([draw(&replaying), draw(&replaying)], [[1; 16], [1; 16]]);
    assert_ne!(draw(&replaying), [1; 16]);
}

#[test]
fn a_clock_shows_what_it_was_turned_to_to_everybody() {
    let clock = ManualClock::new();
    let other = clock.clone();
    let before = clock.now();
    other.advance(Duration::from_secs(1));
    assert_eq!(clock.now().since(before), Duration::from_secs(1));
    clock.set(before);
    assert_eq!(other.now(), before);
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Forgetful {
    kept: u8,
    #[serde(skip)]
    lost: u8,
}

#[test]
fn a_value_that_survives_passes() {
    assert_round_trips([Forgetful::default(), Forgetful { kept: 3, lost: 0 }]);
}

#[test]
#[should_panic(expected = "sample 1 comes back different")]
fn a_value_that_loses_something_is_named_by_its_position() {
    assert_round_trips([Forgetful::default(), Forgetful { kept: 0, lost: 3 }]);
}

#[test]
fn a_world_may_be_given_another_policy_and_still_turns_its_clock() {
    let world: TestSessions<SessionMap> =
        TestSessions::with(MemoryStore::new(), |builder| builder.entropy(OsEntropy));
    let session = block_on(world.sessions.generate(SessionMap::default())).unwrap();
    world.clock.advance(Duration::from_secs(12 * 60 * 60));
    assert!(block_on(world.sessions.of_key(session.key().unwrap())).is_err());
    assert_eq!(world.events()[0], format!("Created {{ id: {:?} }}", session.id().unwrap()));
}

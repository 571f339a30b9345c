//! Joined writes whose answers were lost: none of their changes is made twice.

use std::task::Poll;

use cloakroom::Store;
use cloakroom::store::Swap;

use super::{
    Write, chained, count_of, finish, increment, open, open_all, poll, poll_all, start, unknown,
};

/// They are made again, and wait for one another: the last one finds its own record.
#[test]
fn a_joined_write_that_happened_is_acknowledged_to_all_although_its_answer_was_lost() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 5);
    let mut tasks = chained(&engine, &mut sessions);
    engine.lose_an_answer();
    let mut counts: Vec<u64> =
        finish(&engine, &mut tasks).into_iter().map(|count| count.unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3, 4, 5]);
    assert_eq!(count_of(&test, &key), 5);
}

/// What is made again alone finds a later record, which hides whether it happened.
#[test]
fn a_joined_write_whose_answer_was_lost_is_unknown_at_worst_and_never_made_twice() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 5);
    let mut tasks = chained(&engine, &mut sessions);
    engine.lose_an_answer();
    let mut results = Vec::new();
    while !tasks.is_empty() {
        // One after the other, each before the next has asked again.
        if let Poll::Ready(result) = poll(tasks[0].as_mut()) {
            results.push(result);
            drop(tasks.remove(0));
        }
        engine.carry_out();
    }
    let acknowledged: Vec<u64> = results.iter().flatten().copied().collect();
    assert_eq!(acknowledged, [5]);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(error.may_have_happened(), "{error}");
    }
    assert_eq!(count_of(&test, &key), 5);
}

/// As an executor does it: who is woken first goes first.
#[test]
fn a_lost_answer_leaves_no_change_of_several_tasks_unknown() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for happened in [true, false] {
        let (test, engine, key) = start();
        let test = std::rc::Rc::new(test);
        let settle = async || {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        };
        let results = tokio::task::LocalSet::new().block_on(&runtime, async {
            let tasks: Vec<_> = (0..5)
                .map(|_| {
                    let mut session = open(&test, &key);
                    tokio::task::spawn_local(async move { increment(&mut session).await })
                })
                .collect();
            settle().await;
            for _ in 0..5 {
                assert!(engine.carry_out());
                settle().await;
            }
            if happened {
                engine.lose_an_answer();
            } else {
                engine.fail(&unknown());
            }
            settle().await;
            while engine.carry_out() {
                settle().await;
            }
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await.unwrap());
            }
            results
        });
        let mut counts: Vec<u64> = results.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3, 4, 5], "happened: {happened}");
        assert_eq!(count_of(&test, &key), 5);
    }
}

/// It lost as a part of what had happened already, not to another write.
#[test]
fn a_repeated_write_that_was_joined_to_one_that_happened_is_not_made_twice() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 2);
    let mut other = open(&test, &key);
    let mut first = chained(&engine, &mut sessions);
    let mut in_flight = engine.batch().unwrap();
    // Planned on the first, and waits behind it.
    let mut second = increment(&mut other);
    assert!(poll(second.as_mut()).is_pending());
    // The first happens, and its answer is lost.
    assert!(matches!(engine.replace(&in_flight), Ok(Swap::Done)));
    in_flight.answer(0, Err(unknown()));
    // The second leaves, and the server is slow with it.
    let mut late = engine.batch().unwrap();
    let Write { seen, record, now } = late.op(0);
    let (id, seen, record, now) = (late.id(0), seen.clone(), record.clone(), *now);
    // Both are asked for again, and become one.
    assert!(poll_all(&mut first).is_empty());
    late.answer(0, Err(unknown()));
    assert!(poll(second.as_mut()).is_pending());
    assert!(engine.carry_out());
    assert_eq!(poll_all(&mut first).remove(0).unwrap(), 2);
    assert!(poll(second.as_mut()).is_pending(), "it is asked for once more");
    // Now the server gets to it.
    drop(engine.store.replace(id, &seen, record, now).wait());
    assert_eq!(finish(&engine, &mut vec![second]).remove(0).unwrap(), 3);
    assert_eq!(count_of(&test, &key), 3);
}

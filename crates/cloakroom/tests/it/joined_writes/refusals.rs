//! What is refused among changes that wait, and what that does to the others.

use std::time::Duration;

use cloakroom::policy::Lifetime;
use cloakroom::record::Stored;
use cloakroom::store::{StoreError, StoreErrorKind};
use cloakroom::stores::batch::Reply;
use cloakroom::{ErrorKind, Principal, SessionMap, Store};
use cloakroom_testkit::{TestSessions, block_on};

use super::{
    Task, chained, count_of, finish, increment, open, open_all, poll, poll_all, queued, start,
};

#[test]
fn if_a_joined_write_is_not_sent_none_of_its_changes_happened() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 5);
    let mut tasks = chained(&engine, &mut sessions);
    engine.fail(&StoreError::not_sent(StoreErrorKind::Unavailable));
    let results = poll_all(&mut tasks);
    assert_eq!(results.len(), 4);
    for result in results {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(count_of(&test, &key), 1);
    // What was about to be written is forgotten.
    let mut later = open(&test, &key);
    assert_eq!(finish(&engine, &mut vec![increment(&mut later)]).remove(0).unwrap(), 2);
}

/// A change that finds nothing to do, and one that is refused, look at what the store has.
#[test]
fn nothing_is_decided_by_a_change_that_never_came_to_be() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 4);
    let (chain, deciding) = sessions.split_at_mut(2);
    let mut tasks = chained(&engine, chain);
    // Increment 2 is on its way; these see it.
    let [keeper, refuses] = deciding else { unreachable!() };
    let seen = |map: &SessionMap| map.get::<u64>("count").ok().flatten().unwrap_or(0);
    let mut decisions: Vec<Task<'_, u64>> = vec![
        Box::pin(async move { keeper.update(|map| seen(map)).await }),
        Box::pin(async move {
            let tried = refuses.try_update(|map| match seen(map) {
                1 => map.insert("count", 10).map(|()| 10).map_err(|_| 0),
                count => Err(count),
            });
            Ok(match tried.await? {
                Ok(count) | Err(count) => count,
            })
        }),
    ];
    let early = poll_all(&mut decisions);
    assert_eq!(early.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1]);
    engine.fail(&StoreError::not_sent(StoreErrorKind::Unavailable));
    assert_eq!(poll_all(&mut tasks).len(), 1);
    let late = finish(&engine, &mut decisions);
    assert_eq!(late.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [10]);
    assert_eq!(count_of(&test, &key), 10);
}

/// The sign-in is confirmed after its write: until then, nothing is planned on it.
#[test]
fn a_refused_sign_in_is_taken_back_although_a_change_waits_for_it() {
    let (test, engine, key) = start();
    let alice = Principal::new("alice").unwrap();
    let mut sessions = open_all(&test, &key, 2);
    let mut signing_in = open(&test, &key);
    let mut tasks = chained(&engine, &mut sessions);
    let mut login: Task<'_, ()> = Box::pin(async { signing_in.login(&alice).await });
    assert!(poll(login.as_mut()).is_pending());
    let (id, sessions) = (key.id(), &test.sessions);
    tasks.push(Box::pin(async move {
        sessions.update(id, |map| map.insert("note", 1)).await.map(|_| 0)
    }));
    assert!(poll_all(&mut tasks).is_empty());
    let now = test.clock.now().after(Duration::from_secs(1));
    let until = now.after(Duration::from_secs(9_999));
    engine.store.revoke_before(&alice, now, until).wait().unwrap();
    let mut logins = vec![login];
    let mut refused = Vec::new();
    while engine.carry_out() {
        refused.extend(poll_all(&mut logins));
        poll_all(&mut tasks);
    }
    assert!(matches!(refused[..], [Err(_)]) && tasks.is_empty());
    let Ok(Some(Stored::Live(record))) = engine.store.get(id).wait() else { panic!("it lives") };
    assert_eq!(record.principal(), None);
}

/// Such as "set the flag unless it is set".
#[test]
fn changes_that_find_nothing_to_do_do_not_write() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 2);
    let mut flags = open_all(&test, &key, 64);
    let mut counting = chained(&engine, &mut sessions);
    let before = engine.carried_out.get();
    let mut tasks: Vec<Task<'_, ()>> = flags
        .iter_mut()
        .map(|session| -> Task<'_, ()> {
            Box::pin(session.update(|map| {
                if !map.get::<bool>("flag").ok().flatten().unwrap_or(false) {
                    map.insert("flag", true).unwrap();
                }
            }))
        })
        .collect();
    poll_all(&mut tasks);
    while engine.carry_out() {
        poll_all(&mut counting);
        poll_all(&mut tasks);
    }
    assert!(tasks.is_empty());
    let writes = engine.carried_out.get() - before;
    assert!(writes <= 5, "{writes} writes");
}

#[test]
fn a_change_that_does_not_fit_takes_no_other_with_it() {
    let (test, engine, key) = start();
    let mut sessions = open_all(&test, &key, 3);
    let mut large = open(&test, &key);
    let mut tasks = chained(&engine, &mut sessions);
    tasks.push(Box::pin(async {
        large.update(|map| map.insert("large", "x".repeat(10_000))).await?.unwrap();
        Ok(0)
    }));
    let mut results = poll_all(&mut tasks);
    while let Some(mut batch) = engine.batch() {
        let payload = batch.op(0).record.payload().to_bytes().unwrap();
        let answer = match payload {
            Some(bytes) if bytes.len() > 5_000 => Err(StoreError::not_sent(StoreErrorKind::Full)),
            _ => engine.replace(&batch).map(Reply::from),
        };
        batch.answer(0, answer);
        results.extend(poll_all(&mut tasks));
    }
    assert!(tasks.is_empty());
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1, "{results:?}");
    assert_eq!(count_of(&test, &key), 3);
}

/// What a writer left long ago has old deadlines; only the store says that a session has expired.
#[test]
fn what_was_left_long_ago_refuses_no_one() {
    const MINUTE: Duration = Duration::from_secs(60);
    let (store, engine) = queued();
    let lifetime = Lifetime::absolute(600 * MINUTE).with_idle_timeout(30 * MINUTE);
    let test = TestSessions::<SessionMap>::with(store, |builder| builder.lifetime(lifetime));
    let key =
        block_on(test.sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone();
    let mut long = open(&test, &key);
    let mut sessions = open_all(&test, &key, 3);
    let mut tasks = chained(&engine, &mut sessions);
    // It has passed its turn on, and is never polled again.
    let stuck = tasks.remove(0);
    assert!(engine.carry_out());
    assert_eq!(poll_all(&mut tasks).len(), 1);
    test.clock.advance(20 * MINUTE);
    drop(open(&test, &key)); // is a use
    test.clock.advance(20 * MINUTE);
    assert_eq!(count_of(&test, &key), 3);
    assert_eq!(finish(&engine, &mut vec![increment(&mut long)]).remove(0).unwrap(), 4);
    drop(stuck);
}

//! Turns among the sign-ins and writers of one process: no operation waits for itself, and one that
//! is dropped passes its turn on. One that is never polled again holds up no one for long.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::store::Operation;
use cloakroom::time::SystemClock;
use cloakroom::{Error, Key, MemoryStore, Principal, Session, SessionLimit, SessionMap, Store};
use cloakroom_testkit::{SeededEntropy, SpyStore, StepStore, TestSessions, block_on};

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

fn alice() -> Principal {
    Principal::new("alice").unwrap()
}

fn with_limit(store: impl Store, limit: SessionLimit) -> TestSessions {
    TestSessions::with(store, |builder| builder.limit(limit))
}

fn begin(test: &TestSessions) -> Key {
    block_on(test.sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone()
}

fn open(test: &TestSessions, key: &Key) -> Session<SessionMap> {
    block_on(test.sessions.request_session().session(&test.request(key))).unwrap()
}

fn sends_key(session: &Session<SessionMap>) -> bool {
    session.headers().iter().any(|(name, _)| name == "set-cookie")
}

/// The result of a future on a store that answers at once, which has nothing to wait for.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let result = match poll(Box::pin(future).as_mut()) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    };
    result.expect("it waits, and no one else is there")
}

fn poll<T, F: Future<Output = T> + ?Sized>(future: Pin<&mut F>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a few times, which is enough for an operation that no one holds up.
fn poll_often<T>(task: &mut Task<'_, T>) -> Poll<T> {
    for _ in 0..100 {
        if let Poll::Ready(result) = poll(task.as_mut()) {
            return Poll::Ready(result);
        }
    }
    Poll::Pending
}

/// A double click: the second login finds its key replaced, and is given the same new one.
#[test]
fn a_login_with_a_superseded_key_completes_at_a_limit() {
    let test = with_limit(MemoryStore::new(), SessionLimit::end_oldest(3));
    let key = begin(&test);
    let (mut first, mut second) = (open(&test, &key), open(&test, &key));
    ready(first.login(&alice())).unwrap();
    ready(second.login(&alice())).unwrap();
    assert_eq!((first.id(), first.key()), (second.id(), second.key()));
    // The turn is free again.
    ready(open(&test, &begin(&test)).login(&alice())).unwrap();
}

#[test]
fn a_login_whose_session_has_ended_completes_at_a_limit() {
    let test = with_limit(MemoryStore::new(), SessionLimit::reject_new(1));
    let key = begin(&test);
    let mut session = open(&test, &key);
    block_on(test.sessions.revoke(key.id())).unwrap();
    ready(session.login(&alice())).unwrap();
    assert_ne!(session.id(), Some(key.id()));
}

#[test]
fn a_login_whose_first_id_is_taken_completes_at_a_limit() {
    let blocks = [1, 2, 1, 3, 4, 5].map(|block| [block; 16]).to_vec();
    let test = TestSessions::<SessionMap>::with(MemoryStore::new(), |builder| {
        builder.limit(SessionLimit::reject_new(1)).entropy(SeededEntropy::from_blocks(blocks))
    });
    let taken = begin(&test);
    let empty = http::HeaderMap::new();
    let mut session = block_on(test.sessions.request_session().session(&empty)).unwrap();
    ready(session.login(&alice())).unwrap();
    assert!(session.id().is_some_and(|id| id != taken.id()));
}

/// The key that the response was to send is no longer valid: it must not replace the cookie of the
/// login that won.
#[test]
fn a_login_that_lost_a_race_to_another_principal_does_not_send_the_replaced_key() {
    let test = with_limit(MemoryStore::new(), SessionLimit::reject_new(1));
    let key = begin(&test);
    test.clock.advance(Duration::from_secs(15 * 60));
    let (mut slow, mut fast) = (open(&test, &key), open(&test, &key));
    assert!(sends_key(&slow), "the key was renewed");
    ready(fast.login(&Principal::new("bob").unwrap())).unwrap();
    ready(slow.login(&alice())).unwrap();
    assert!(slow.id() != Some(key.id()) && sends_key(&slow));
    assert_eq!(fast.id(), Some(key.id()));
    assert!(block_on(test.sessions.of_key(fast.key().unwrap())).is_ok(), "nothing of bob's ends");
}

/// Whether it is dropped while it waits, or once it holds the turn.
#[test]
fn a_login_that_is_dropped_passes_its_turn_on() {
    let (steps, who) = (StepStore::new(MemoryStore::new()), alice());
    let test = with_limit(steps.clone(), SessionLimit::end_oldest(9));
    let mut sessions: Vec<_> = (0..4).map(|_| open(&test, &begin(&test))).collect();
    let held = steps.hold(Operation::Replace);
    let mut logins: Vec<Task<'_, Result<(), Error>>> = sessions
        .iter_mut()
        .map(|session| -> Task<'_, _> { Box::pin(session.login(&who)) })
        .collect();
    for login in &mut logins {
        assert!(poll_often(login).is_pending());
    }
    assert!(held.has_arrived());
    drop(logins.remove(1)); // while it waits
    drop(logins.remove(0)); // which gives the turn to the next
    drop(logins.remove(0)); // before it was polled again
    let Poll::Ready(result) = poll_often(&mut logins[0]) else { panic!("the turn is lost") };
    result.unwrap();
}

#[test]
fn a_writer_that_is_dropped_passes_its_turn_on() {
    let steps = StepStore::new(MemoryStore::new());
    let test = TestSessions::new(steps.clone());
    let key = begin(&test);
    let mut sessions: Vec<_> = (0..4).map(|_| open(&test, &key)).collect();
    block_on(open(&test, &key).set_label("changed meanwhile")).unwrap();
    let mut writes: Vec<Task<'_, Result<(), Error>>> = sessions
        .iter_mut()
        .map(|session| -> Task<'_, _> { Box::pin(session.set_label("late")) })
        .collect();
    // The first has lost its race after two polls, and is held up with the turn.
    assert!((0..2).all(|_| poll(writes[0].as_mut()).is_pending()));
    let held = steps.hold(Operation::Replace);
    for write in &mut writes {
        assert!(poll_often(write).is_pending());
    }
    assert!(held.has_arrived());
    drop(writes.remove(1)); // while it waits
    drop(writes.remove(0)); // which gives the turn to the next
    drop(writes.remove(0)); // before it was polled again
    let Poll::Ready(result) = poll_often(&mut writes[0]) else { panic!("the turn is lost") };
    result.unwrap();
}

/// An arm of a `select!` that is neither taken nor dropped, for instance.
#[test]
fn a_writer_that_is_never_polled_again_does_not_hold_up_the_others() {
    let steps = StepStore::new(MemoryStore::new());
    let test = TestSessions::new(steps.clone());
    let key = begin(&test);
    let mut sessions: Vec<_> = (0..4).map(|_| open(&test, &key)).collect();
    block_on(open(&test, &key).set_label("changed meanwhile")).unwrap();
    let mut writes: Vec<Task<'_, Result<(), Error>>> = sessions
        .iter_mut()
        .map(|session| -> Task<'_, _> { Box::pin(session.set_label("late")) })
        .collect();
    // The first has lost its race, and has the turn. The second waits for it.
    assert!((0..2).all(|_| poll(writes[0].as_mut()).is_pending()));
    let held = steps.hold(Operation::Replace);
    for write in &mut writes {
        assert!(poll_often(write).is_pending());
    }
    assert!(held.has_arrived());
    // The third passes its turn to the second, which is never polled again either.
    for write in &mut writes[2..] {
        assert!(poll(write.as_mut()).is_pending());
        test.clock.advance(Duration::from_secs(2));
        let Poll::Ready(result) = poll_often(write) else { panic!("it waits for ever") };
        result.unwrap();
    }
}

/// Those who come later do not overtake those who wait, and no one tries what is known to be
/// outdated: 1,280 changes by 64 writers take at most 64 writes more.
#[test]
fn the_writers_of_a_hot_session_are_served_in_order_by_one_write_each() {
    const WRITERS: usize = 64;
    const ROUNDS: usize = 20;
    let spy = SpyStore::new(MemoryStore::new());
    let test = TestSessions::<SessionMap>::new(StepStore::new(spy.clone()));
    let key = begin(&test);
    spy.reset();
    let (done, longest_wait) = (Cell::new(0), Cell::new(0));
    let write = async |writer: usize| {
        for round in 0..ROUNDS {
            let request = test.sessions.request_session();
            let mut session = request.session(&test.request(&key)).await.unwrap();
            let began = done.get();
            session.set_label(&format!("{writer} {round}")).await.unwrap();
            done.set(done.get() + 1);
            longest_wait.set(longest_wait.get().max(done.get() - began));
        }
    };
    let mut writers: Vec<Task<'_, ()>> =
        (0..WRITERS).map(|writer| -> Task<'_, _> { Box::pin(write(writer)) }).collect();
    while !writers.is_empty() {
        writers.retain_mut(|writer| poll(writer.as_mut()).is_pending());
    }
    let calls = spy.calls().replace;
    assert_eq!(done.get(), WRITERS * ROUNDS);
    assert!(calls <= WRITERS * ROUNDS + WRITERS, "{calls} writes");
    assert!(longest_wait.get() <= 2 * WRITERS, "{longest_wait:?} others went first");
}

#[test]
fn a_login_that_is_never_polled_again_does_not_hold_up_the_others() {
    let (steps, who) = (StepStore::new(MemoryStore::new()), alice());
    let test = with_limit(steps.clone(), SessionLimit::end_oldest(9));
    let mut sessions: Vec<_> = (0..3).map(|_| open(&test, &begin(&test))).collect();
    let held = steps.hold(Operation::Replace);
    let mut logins: Vec<Task<'_, Result<(), Error>>> = sessions
        .iter_mut()
        .map(|session| -> Task<'_, _> { Box::pin(session.login(&who)) })
        .collect();
    for login in &mut logins {
        assert!(poll_often(login).is_pending());
    }
    assert!(held.has_arrived());
    test.clock.advance(Duration::from_secs(2));
    let Poll::Ready(result) = poll_often(&mut logins[2]) else { panic!("it waits for ever") };
    result.unwrap();
    // The turn is the second one's now, and then free.
    let Poll::Ready(result) = poll_often(&mut logins[1]) else { panic!("the turn is lost") };
    result.unwrap();
}

#[test]
fn a_handle_that_is_never_polled_again_does_not_hold_up_the_request_s_others() {
    let steps = StepStore::new(MemoryStore::new());
    let test = TestSessions::<SessionMap>::new(steps.clone());
    let (key, request) = (begin(&test), test.sessions.request_session());
    let headers = test.request(&key);
    let held = steps.hold(Operation::Get);
    let mut stuck: Task<'_, _> = Box::pin(request.session(&headers));
    assert!(poll_often(&mut stuck).is_pending() && held.has_arrived());
    let mut other: Task<'_, Result<Session<SessionMap>, Error>> =
        Box::pin(request.session(&headers));
    assert!(poll_often(&mut other).is_pending());
    test.clock.advance(Duration::from_secs(2));
    let Poll::Ready(opened) = poll_often(&mut other) else { panic!("it waits for ever") };
    assert!(opened.unwrap().exists());
}

/// Here the real time passes: no one but the alarm polls the second again.
#[test]
fn who_waits_for_a_login_that_is_never_polled_again_is_woken() {
    let (steps, who) = (StepStore::new(MemoryStore::new()), alice());
    let test = TestSessions::<SessionMap>::with(steps.clone(), |builder| {
        builder.limit(SessionLimit::end_oldest(9)).clock(SystemClock)
    });
    let (mut first, mut second) = (open(&test, &begin(&test)), open(&test, &begin(&test)));
    let held = steps.hold(Operation::Replace);
    let mut stuck: Task<'_, _> = Box::pin(first.login(&who));
    assert!(poll_often(&mut stuck).is_pending() && held.has_arrived());
    block_on(second.login(&who)).unwrap();
}

/// A login that was overtaken by another one writes a second time. It has its turn then, and must
/// not wait for itself when it loses a race again.
#[test]
fn a_login_that_is_overtaken_and_loses_again_completes() {
    let (steps, who) = (StepStore::new(MemoryStore::new()), alice());
    let test = TestSessions::new(steps.clone());
    let key = begin(&test);
    let (mut slow, mut fast) = (open(&test, &key), open(&test, &key));
    let held = steps.hold(Operation::Replace);
    let mut login: Task<'_, Result<(), Error>> = Box::pin(slow.login(&who));
    assert!(poll_often(&mut login).is_pending() && held.has_arrived());
    test.clock.advance(Duration::from_secs(1));
    block_on(fast.login(&who)).unwrap();
    let mut newer = open(&test, &key_of(&fast));
    block_on(newer.set_label("changed meanwhile")).unwrap();
    test.clock.advance(Duration::from_secs(61));
    held.release();
    // Those of its own process wait for the login.
    let elsewhere = TestSessions::<SessionMap>::with(steps.clone(), |builder| {
        builder.clock(test.clock.clone())
    });
    for _ in 0..3 {
        let held = steps.hold(Operation::Replace);
        if poll_often(&mut login).is_ready() {
            return;
        }
        assert!(held.has_arrived(), "the login waits, and not for the store");
        block_on(open(&elsewhere, &key_of(&fast)).set_label("and again")).unwrap();
        held.release();
    }
    let Poll::Ready(result) = poll_often(&mut login) else { panic!("the login waits for itself") };
    result.unwrap();
}

fn key_of(session: &Session<SessionMap>) -> Key {
    session.key().unwrap().clone()
}

/// If the id of the request's first key is taken, its handles share the next key as well.
#[test]
fn two_handles_begin_one_session_after_their_first_id_was_taken() {
    let blocks = [1, 2, 1, 3, 4, 5].map(|block| [block; 16]).to_vec();
    let steps = StepStore::new(MemoryStore::new());
    let test = TestSessions::<SessionMap>::with(steps.clone(), |builder| {
        builder.entropy(SeededEntropy::from_blocks(blocks))
    });
    let _taken = begin(&test);
    let (request, empty) = (test.sessions.request_session(), http::HeaderMap::new());
    let mut one = block_on(request.session(&empty)).unwrap();
    let mut other = block_on(request.session(&empty)).unwrap();
    let held = steps.hold_nth(2); // an insertion, a read, and another insertion
    {
        let mut begun: Task<'_, _> = Box::pin(one.start());
        assert!(poll_often(&mut begun).is_pending() && held.has_arrived());
        block_on(other.start()).unwrap();
        held.release();
        block_on(begun).unwrap();
    }
    assert_eq!(one.id(), other.id());
}

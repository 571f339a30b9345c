//! Logins on several nodes, interleaved step by step in pseudorandom orders.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::store::{Operation, Page};
use cloakroom::{Key, Lifetime, Login, Principal, SessionLimit, Store, Timestamp};

use super::{Counter, TestSessions, key_of, open};
use crate::{StepStore, block_on};

/// How many orders are tried.
const SEEDS: u64 = 60;
const CLIENTS: usize = 5;

type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// `SplitMix64`: draws which task is polled next, and which is dropped.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) % sides as u64)
            .expect("less than the number of sides")
    }
}

/// Polls the tasks in random order until all are done.
///
/// With `drop_one_in`, about one in so many polls drops its task.
fn interleave(mut tasks: Vec<Task<'_>>, dice: &mut Dice, drop_one_in: Option<usize>) {
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        let which = dice.roll(tasks.len());
        let drops = drop_one_in.is_some_and(|polls| dice.roll(polls) == 0);
        let is_done = matches!(tasks[which].as_mut().poll(&mut context), Poll::Ready(()));
        if is_done || drops {
            drop(tasks.swap_remove(which));
        } else {
            std::thread::yield_now();
        }
    }
}

/// Signs in on a new session, and adds its key to `answered` if `login` succeeds.
async fn sign_in(node: &TestSessions, login: Login, answered: &Mutex<Vec<Key>>) {
    let mut session = node
        .sessions
        .request_session()
        .session(&http::HeaderMap::new())
        .await
        .expect("no store call");
    if session.login(login).await.is_ok() {
        answered.lock().expect("no thread panicked").push(key_of(&session));
    }
}

fn principal(seed: u64) -> Principal {
    Principal::new(format!("user-{seed}")).expect("a valid name")
}

/// How many of the keys open a session. Each such session must be listed.
fn open_count(node: &TestSessions, who: &Principal, keys: &[Key]) -> usize {
    block_on(async {
        let listed = node.sessions.list(who, Page::first(100)).await.expect("the store is up");
        let mut open_count = 0;
        for key in keys {
            if open(node, key).await.exists() {
                assert!(
                    listed.iter().any(|session| session.id() == key.id()),
                    "a session is not listed"
                );
                open_count += 1;
            }
        }
        open_count
    })
}

/// The limit is never exceeded. If two logins both complete, at least one session remains; of three
/// or more at one instant each may end the next.
pub fn a_limit_holds_however_logins_interleave_and_are_dropped(store: impl Store) {
    let steps = StepStore::new(store);
    for seed in 0..SEEDS {
        let (who, mut dice) = (principal(seed), Dice(seed));
        let (ends_oldest, drops) = (dice.roll(2) == 0, dice.roll(3) == 0);
        let (clients, most) =
            ([2, CLIENTS][dice.roll(2)], 1 + u8::try_from(dice.roll(2)).expect("small"));
        let limit = if ends_oldest {
            SessionLimit::end_oldest(most)
        } else {
            SessionLimit::reject_new(most)
        };
        let nodes: Vec<TestSessions> = (0..clients)
            .map(|_| TestSessions::with(steps.clone(), |builder| builder.limit(limit)))
            .collect();
        let answered = Mutex::new(Vec::new());
        let tasks = nodes
            .iter()
            .map(|node| -> Task<'_> { Box::pin(sign_in(node, Login::of(&who), &answered)) });
        interleave(tasks.collect(), &mut dice, drops.then_some(40));

        let keys = answered.into_inner().expect("no thread panicked");
        let open_count = open_count(&nodes[0], &who, &keys);
        assert!(open_count <= usize::from(most), "seed {seed}: {open_count} at a limit of {most}");
        if !drops && clients == 2 {
            assert!(open_count >= 1, "seed {seed}: no session left at a limit of {most}");
        }
    }
}

/// No session from before it is live in the end, whether its login was answered before, during or
/// after.
pub fn a_revocation_is_complete_however_logins_interleave(store: impl Store) {
    let steps = StepStore::new(store);
    for seed in 0..SEEDS {
        let (who, mut dice) = (principal(seed), Dice(seed));
        let nodes: Vec<TestSessions> =
            (0..CLIENTS).map(|_| TestSessions::new(steps.clone())).collect();
        let checked = nodes[0].sessions.now();
        let changed = checked.after(Duration::from_millis(1));
        for node in &nodes {
            node.clock.advance(Duration::from_millis(1));
        }
        let (early, late) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(Vec::new()));
        let mut tasks: Vec<Task<'_>> = Vec::new();
        for node in &nodes[1..] {
            tasks.push(Box::pin(sign_in(
                node,
                Login::of(&who).with_authenticated_at(checked),
                &early,
            )));
        }
        tasks.push(Box::pin(sign_in(&nodes[0], Login::of(&who), &late)));
        tasks.push(Box::pin(revoke(&nodes[0], &who, changed)));
        interleave(tasks, &mut dice, None);

        let early = early.lock().expect("no thread panicked").clone();
        assert_eq!(open_count(&nodes[0], &who, &early), 0, "seed {seed}");
        let late = late.into_inner().expect("no thread panicked");
        assert_eq!(open_count(&nodes[0], &who, &late), 1, "seed {seed}: the later login stays");
    }
}

async fn revoke(node: &TestSessions, who: &Principal, before: Timestamp) {
    node.sessions.revoke_issued_before(who, before).await.expect("the store is up");
}

/// The entry in the principal index lasts as long as the session that is written, not as the one
/// that was read.
pub fn a_session_given_a_longer_lifetime_during_a_sign_in_stays_listed(store: impl Store) {
    let (hour, steps) = (Duration::from_secs(60 * 60), StepStore::new(store));
    let test = TestSessions::with(steps.clone(), |builder| {
        builder.lifetime(Lifetime::absolute(hour).without_renewal_timeout())
    });
    let (key, who) =
        (key_of(&block_on(test.sessions.generate(Counter::of(1))).unwrap()), principal(0));
    let (mut signing_in, mut other) =
        block_on(async { (open(&test, &key).await, open(&test, &key).await) });
    let held = steps.hold(Operation::Replace);
    let mut login = Box::pin(signing_in.login(&who));
    let mut context = Context::from_waker(Waker::noop());
    while !held.has_arrived() {
        assert!(login.as_mut().poll(&mut context).is_pending());
    }
    let longer = Lifetime::absolute(5 * hour).without_renewal_timeout();
    block_on(other.set_lifetime(longer)).unwrap();
    held.release();
    block_on(login).unwrap();
    test.clock.advance(2 * hour);
    while block_on(test.sessions.sweep(10)).unwrap() == 10 {}
    assert_eq!(block_on(test.sessions.revoke_all(&who)).unwrap(), 1);
}

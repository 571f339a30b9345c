//! Logins of several nodes, a step of one and a step of another, in orders drawn by a seed.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::store::Page;
use cloakroom::{Key, Login, Principal, SessionLimit, Store, Timestamp};

use super::{TestSessions, key_of, open};
use crate::{StepStore, block_on};

/// Orders that are tried.
const SEEDS: u64 = 60;
const CLIENTS: usize = 5;

type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// `SplitMix64`: which task goes on, and which breaks off.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) % sides as u64).expect("less than the sides")
    }
}

/// Polls tasks in the order of the dice until all are done; one in so many polls drops its task instead.
fn interleave(mut tasks: Vec<Task<'_>>, dice: &mut Dice, break_off: Option<usize>) {
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        let which = dice.roll(tasks.len());
        let breaks = break_off.is_some_and(|polls| dice.roll(polls) == 0);
        let is_done = matches!(tasks[which].as_mut().poll(&mut context), Poll::Ready(()));
        if is_done || breaks {
            drop(tasks.swap_remove(which));
        } else {
            std::thread::yield_now();
        }
    }
}

/// Signs somebody in on a new session, and notes the key if that was answered.
async fn sign_in(node: &TestSessions, login: Login, answered: &Mutex<Vec<Key>>) {
    let mut session = node
        .sessions
        .request_session()
        .session(&http::HeaderMap::new())
        .await
        .expect("no store call");
    if session.login(login).await.is_ok() {
        answered.lock().expect("no thread broke").push(key_of(&session));
    }
}

fn principal(seed: u64) -> Principal {
    Principal::new(format!("user-{seed}")).expect("a valid name")
}

/// How many of the keys open a session, each of which must be listed.
fn living(node: &TestSessions, who: &Principal, keys: &[Key]) -> usize {
    block_on(async {
        let listed = node.sessions.list(who, Page::first(100)).await.expect("the store is up");
        let mut living = 0;
        for key in keys {
            if open(node, key).await.exists() {
                assert!(
                    listed.iter().any(|session| session.id() == key.id()),
                    "a session is not listed"
                );
                living += 1;
            }
        }
        living
    })
}

/// Never more than the limit. Of two nodes whose logins went to their end somebody is signed in; of three at one instant each
/// may displace the next.
pub fn a_limit_holds_however_logins_interleave_and_break_off(store: impl Store) {
    let steps = StepStore::new(store);
    for seed in 0..SEEDS {
        let (who, mut dice) = (principal(seed), Dice(seed));
        let (displaces, breaks) = (dice.roll(2) == 0, dice.roll(3) == 0);
        let (clients, most) =
            ([2, CLIENTS][dice.roll(2)], 1 + u8::try_from(dice.roll(2)).expect("small"));
        let limit =
            if displaces { SessionLimit::end_oldest(most) } else { SessionLimit::reject_new(most) };
        let nodes: Vec<TestSessions> = (0..clients)
            .map(|_| TestSessions::with(steps.clone(), |builder| builder.limit(limit)))
            .collect();
        let answered = Mutex::new(Vec::new());
        let tasks = nodes
            .iter()
            .map(|node| -> Task<'_> { Box::pin(sign_in(node, Login::of(&who), &answered)) });
        interleave(tasks.collect(), &mut dice, breaks.then_some(40));

        let keys = answered.into_inner().expect("no thread broke");
        let living = living(&nodes[0], &who, &keys);
        assert!(living <= usize::from(most), "seed {seed}: {living} at a limit of {most}");
        if !breaks && clients == 2 {
            assert!(living >= 1, "seed {seed}: nobody at a limit of {most}");
        }
    }
}

/// No session of before lives once all are done, whether its login was answered before, during or after.
pub fn a_revocation_is_complete_however_logins_interleave_and_break_off(store: impl Store) {
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
            tasks.push(Box::pin(sign_in(node, Login::of(&who).checked_at(checked), &early)));
        }
        tasks.push(Box::pin(sign_in(&nodes[0], Login::of(&who), &late)));
        tasks.push(Box::pin(revoke(&nodes[0], &who, changed)));
        interleave(tasks, &mut dice, None);

        let early = early.lock().expect("no thread broke").clone();
        assert_eq!(living(&nodes[0], &who, &early), 0, "seed {seed}");
        let late = late.into_inner().expect("no thread broke");
        assert_eq!(living(&nodes[0], &who, &late), 1, "seed {seed}: who signed in after lives on");
    }
}

async fn revoke(node: &TestSessions, who: &Principal, before: Timestamp) {
    node.sessions.revoke_issued_before(who, before).await.expect("the store is up");
}

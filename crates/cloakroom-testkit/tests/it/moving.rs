//! Sessions on their way from one store to another.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::record::{EndReason, Stored};
use cloakroom::store::{Brought, Call, Operation, Page, StoreError, bring};
use cloakroom::stores::MigratingStore;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{
    Error, ErrorKind, Io, Key, MemoryStore, Principal, SessionMap, Sessions, Store, decorate_store,
};
use cloakroom_testkit::{StepStore, block_on};

type Place = Arc<StepStore<MemoryStore>>;

/// Two nodes, of which one moves sessions and one does not yet; each call is the other's.
pub(crate) type InTurn = Turns<Place>;

#[derive(Debug)]
pub(crate) struct Turns<S> {
    nodes: [MigratingStore<S, S>; 2],
    turn: AtomicUsize,
}

impl Turns<Place> {
    pub(crate) fn new() -> Self {
        let [old, new] = [(); 2].map(|()| Arc::new(StepStore::new(MemoryStore::new())));
        let nodes = [
            MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)),
            MigratingStore::start(old, new),
        ];
        Self { nodes, turn: AtomicUsize::new(0) }
    }
}

impl<S: Store> Turns<S> {
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        operation: impl FnOnce(&'a MigratingStore<S, S>) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        // Ids are drawn: no two nodes begin a session under one.
        let node = match (call.operation, call.id) {
            (Operation::Insert, Some(id)) => usize::from(id.as_bytes()[15]),
            _ => self.turn.fetch_add(1, Ordering::Relaxed),
        };
        operation(&self.nodes[node % 2])
    }
}

decorate_store!(Turns);

fn places() -> [Place; 2] {
    [(); 2].map(|()| Arc::new(StepStore::new(MemoryStore::new().encoded())))
}

fn on(store: impl Store) -> Sessions<SessionMap> {
    Sessions::new(store).unwrap()
}

fn begin(sessions: &Sessions<SessionMap>) -> Key {
    block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone()
}

fn add_one(sessions: &Sessions<SessionMap>, key: &Key) -> Result<(), Error> {
    block_on(async {
        let mut session = sessions.of_key(key).await?;
        session
            .update(|map| {
                let n = map.get::<u64>("n").ok().flatten().unwrap_or_default();
                map.insert("n", n + 1).unwrap();
            })
            .await
    })
}

#[test]
fn nothing_is_lost_while_nodes_of_both_kinds_write_and_another_moves_all() {
    const EACH: u64 = 40;
    let [old, new] = places();
    let before = on(Arc::clone(&old));
    let keys: Vec<Key> = (0..20).map(|_| begin(&before)).collect();
    let (here, there) = (Arc::clone(&old), Arc::clone(&new));
    let waiting = on(MigratingStore::prepare(here, there));
    let moving = Arc::new(MigratingStore::start(old, Arc::clone(&new)));
    let moves = on(Arc::clone(&moving));
    std::thread::scope(|scope| {
        for sessions in [&waiting, &moves, &waiting] {
            scope.spawn(|| {
                for _ in 0..EACH {
                    for key in &keys {
                        add_one(sessions, key).unwrap();
                    }
                }
            });
        }
        scope.spawn(|| while block_on(moving.move_all()).unwrap() > 0 {});
    });
    assert_eq!(block_on(moving.move_all()).unwrap(), 0);
    let after = on(new);
    for key in &keys {
        assert_eq!(
            block_on(after.of_key(key)).unwrap().value().get::<u64>("n").unwrap(),
            Some(3 * EACH)
        );
    }
}

/// Wherever a node stops, another completes the move: nobody is signed out, and what ends stays over.
#[test]
fn a_move_that_stops_anywhere_is_completed_by_who_comes_next() {
    for (polls, ends) in (0..24).flat_map(|polls| [(polls, false), (polls, true)]) {
        let [old, new] = places();
        let key = begin(&on(Arc::clone(&old)));
        {
            let stopped = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
            let mut moving = pin!(stopped.get(key.id()));
            let mut context = Context::from_waker(Waker::noop());
            // Each operation halts before and after it is done.
            let _ = (0..polls).find(|_| moving.as_mut().poll(&mut context).is_ready());
        }
        let next = on(MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)));
        if ends {
            block_on(next.revoke(key.id())).unwrap();
        } else {
            add_one(&next, &key).unwrap();
        }
        let moving = MigratingStore::start(old, Arc::clone(&new));
        while block_on(moving.move_all()).unwrap() > 0 {}
        let sessions = on(new);
        match block_on(sessions.of_key(&key)) {
            Ok(session) => {
                assert!(
                    !ends && session.value().get::<u64>("n").unwrap() == Some(1),
                    "stopped at {polls}"
                );
            }
            Err(error) => {
                assert!(ends && error.kind() == ErrorKind::NotFound, "stopped at {polls}: {error}");
            }
        }
    }
}

#[test]
fn a_session_keeps_its_principal_and_an_ended_one_its_reason() {
    let [old, new] = places();
    let before = on(Arc::clone(&old));
    let alice = Principal::new("alice").unwrap();
    let mut session = block_on(before.generate(SessionMap::default())).unwrap();
    block_on(session.login(&alice)).unwrap();
    let (key, gone) = (session.key().unwrap().clone(), begin(&before));
    block_on(before.revoke(gone.id())).unwrap();
    let moving = MigratingStore::start(old, Arc::clone(&new));
    assert_eq!(block_on(moving.move_all()).unwrap(), 1);
    let ids = block_on(new.sessions_of(&alice, Page::first(9))).unwrap();
    assert_eq!(ids, [key.id()]);
    let Some(Stored::Ended(tombstone)) = block_on(moving.get(gone.id())).unwrap() else {
        panic!("it was ended")
    };
    assert_eq!(tombstone.ending().reason(), EndReason::Revoked);
}

/// Whoever signed in on a node that does not move yet is in the new directory too, when the old store is gone.
#[test]
fn who_signs_in_on_a_session_that_moves_meanwhile_is_listed_and_can_be_revoked() {
    let alice = Principal::new("alice").unwrap();
    for polls in 0..40 {
        let [old, new] = places();
        let key = begin(&on(Arc::clone(&old)));
        let waiting = on(MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)));
        let moving = MigratingStore::start(old, Arc::clone(&new));
        let mut session = block_on(waiting.of_key(&key)).unwrap();
        let login = async {
            let mut login = pin!(session.login(&alice));
            for _ in 0..polls {
                if polled(login.as_mut()).await.is_some() {
                    return;
                }
            }
            while moving.move_all().await.unwrap() > 0 {}
            login.await.unwrap();
        };
        block_on(login);
        while block_on(moving.move_all()).unwrap() > 0 {}
        let after = on(new);
        assert_eq!(block_on(after.revoke_all(&alice)).unwrap(), 1, "moved at {polls}");
        assert!(block_on(after.of_key(session.key().unwrap())).is_err(), "moved at {polls}");
    }
}

/// A store that sessions have left is no store to copy from: what is left there of them brings nothing back.
#[test]
fn what_is_left_of_a_session_that_has_moved_never_takes_its_place() {
    let [old, new] = places();
    let key = begin(&on(Arc::clone(&old)));
    let moving = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
    assert_eq!(block_on(moving.move_all()).unwrap(), 1);
    let after = on(Arc::clone(&new));
    add_one(&after, &key).unwrap();
    let entry = block_on(old.get(key.id())).unwrap().unwrap();
    assert_eq!(block_on(bring(&new, key.id(), entry)).unwrap(), Brought::Nothing);
    assert_eq!(block_on(after.of_key(&key)).unwrap().value().get::<u64>("n").unwrap(), Some(1));
}

/// Wherever a move stopped: once the session was ended, and its tombstone is gone too, nothing brings it back.
#[test]
fn a_move_that_stopped_brings_no_session_back_that_ended_since() {
    for polls in 0..24 {
        let [old, new] = places();
        let key = begin(&on(Arc::clone(&old)));
        let moving = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
        {
            let mut stopped = pin!(moving.get(key.id()));
            let mut context = Context::from_waker(Waker::noop());
            let _ = (0..polls).find(|_| stopped.as_mut().poll(&mut context).is_ready());
        }
        let sessions = on(MigratingStore::start(Arc::clone(&old), Arc::clone(&new)));
        block_on(sessions.revoke(key.id())).unwrap();
        // As after a day, but the old store has swept nothing.
        let tomorrow = SystemClock.now().after(Duration::from_secs(48 * 60 * 60));
        assert_eq!(block_on(new.sweep(tomorrow, 10)).unwrap(), 1, "stopped at {polls}");
        while block_on(moving.move_all()).unwrap() > 0 {}
        assert!(block_on(sessions.of_key(&key)).is_err(), "stopped at {polls}");
        assert!(block_on(on(new).of_key(&key)).is_err(), "stopped at {polls}");
    }
}

/// Its answer, if it is there at once.
async fn polled<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        })
    })
    .await
}

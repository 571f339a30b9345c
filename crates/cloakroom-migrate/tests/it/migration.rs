//! What a migration guarantees, wherever it is interrupted.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::record::{EndReason, Stored};
use cloakroom::store::Page;
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{
    Error, ErrorKind, Key, MemoryStore, Principal, PublicId, SessionKind, SessionMap, Sessions,
    Store, block_on,
};
use cloakroom_migrate::{Imported, MigratingStore, import_entry};
use cloakroom_testkit::StepStore;

type Engine = Arc<StepStore<MemoryStore>>;

/// An old and a new store, in which each operation is pending once before and once after it is
/// done.
fn old_and_new() -> [Engine; 2] {
    [(); 2].map(|()| Arc::new(StepStore::new(MemoryStore::new().with_encoded_values())))
}

fn sessions_on(store: impl Store) -> Sessions<SessionMap> {
    Sessions::new(store).unwrap()
}

fn create(sessions: &Sessions<SessionMap>) -> Key {
    block_on(sessions.generate(SessionMap::default())).unwrap().key().unwrap().clone()
}

/// Adds one to the number in the session's value.
fn increment(sessions: &Sessions<SessionMap>, key: &Key) -> Result<(), Error> {
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

fn number(sessions: &Sessions<SessionMap>, key: &Key) -> Option<u64> {
    block_on(sessions.of_key(key)).unwrap().value().get("n").unwrap()
}

fn migrate_all(store: &MigratingStore<Engine, Engine>) {
    while block_on(store.migrate_all()).unwrap() > 0 {}
}

/// Begins to move the session, and drops the move after it was polled so often.
fn interrupted_move(store: &MigratingStore<Engine, Engine>, id: PublicId, polls: usize) {
    let mut moving = pin!(store.get(id));
    let mut context = Context::from_waker(Waker::noop());
    let _ = (0..polls).find(|_| moving.as_mut().poll(&mut context).is_ready());
}

#[test]
fn no_write_is_lost_while_nodes_of_both_deployments_write_and_another_migrates_all() {
    const UPDATES: u64 = 40;
    let [old, new] = old_and_new();
    let before = sessions_on(Arc::clone(&old));
    let keys: Vec<Key> = (0..20).map(|_| create(&before)).collect();
    let prepared = sessions_on(MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)));
    let store = Arc::new(MigratingStore::start(old, Arc::clone(&new)));
    let started = sessions_on(Arc::clone(&store));
    std::thread::scope(|scope| {
        for sessions in [&prepared, &started, &prepared] {
            scope.spawn(|| {
                for _ in 0..UPDATES {
                    for key in &keys {
                        increment(sessions, key).unwrap();
                    }
                }
            });
        }
        scope.spawn(|| migrate_all(&store));
    });
    assert_eq!(block_on(store.migrate_all()).unwrap(), 0);
    let after = sessions_on(new);
    for key in &keys {
        assert_eq!(number(&after, key), Some(3 * UPDATES));
    }
}

#[test]
fn an_interrupted_move_is_completed_by_the_next_caller() {
    for (polls, ends) in (0..24).flat_map(|polls| [(polls, false), (polls, true)]) {
        let [old, new] = old_and_new();
        let key = create(&sessions_on(Arc::clone(&old)));
        let interrupted = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
        interrupted_move(&interrupted, key.id(), polls);
        let next = sessions_on(MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)));
        if ends {
            block_on(next.revoke(key.id())).unwrap();
        } else {
            increment(&next, &key).unwrap();
        }
        migrate_all(&MigratingStore::start(old, Arc::clone(&new)));
        let sessions = sessions_on(new);
        match block_on(sessions.of_key(&key)) {
            Ok(session) => {
                let n = session.value().get::<u64>("n").unwrap();
                assert!(!ends && n == Some(1), "interrupted at {polls}");
            }
            Err(error) => {
                let is_gone = error.kind() == ErrorKind::NotFound;
                assert!(ends && is_gone, "interrupted at {polls}: {error}");
            }
        }
    }
}

#[test]
fn a_session_keeps_its_principal_and_an_ended_one_its_reason() {
    let [old, new] = old_and_new();
    let before = sessions_on(Arc::clone(&old));
    let alice = Principal::new("alice").unwrap();
    let mut session = block_on(before.generate(SessionMap::default())).unwrap();
    block_on(session.login(&alice)).unwrap();
    let (key, ended) = (session.key().unwrap().clone(), create(&before));
    block_on(before.revoke(ended.id())).unwrap();
    let store = MigratingStore::start(old, Arc::clone(&new));
    assert_eq!(block_on(store.migrate_all()).unwrap(), 1);
    let ids = block_on(new.sessions_of(&alice, None, Page::first(9))).unwrap();
    assert_eq!(ids, [key.id()]);
    let Some(Stored::Ended(tombstone)) = block_on(store.get(ended.id())).unwrap() else {
        panic!("the session was ended")
    };
    assert_eq!(tombstone.ending().reason(), EndReason::Revoked);
}

#[test]
fn a_session_keeps_its_kind() {
    struct Admin;
    impl SessionKind for Admin {
        const NAME: &'static str = "admin";
    }
    let [old, new] = old_and_new();
    let (visitors, admins): (_, Sessions<SessionMap, Admin>) =
        (sessions_on(Arc::clone(&old)), Sessions::new(Arc::clone(&old)).unwrap());
    let alice = Principal::new("alice").unwrap();
    let mut visitor = block_on(visitors.generate(SessionMap::default())).unwrap();
    block_on(visitor.login(&alice)).unwrap();
    let mut admin = block_on(admins.generate(SessionMap::default())).unwrap();
    block_on(admin.login(&alice)).unwrap();
    migrate_all(&MigratingStore::start(old, Arc::clone(&new)));
    for (name, id) in [("", visitor.id()), ("admin", admin.id())] {
        let kind = Some(KindTag::of(name));
        let listed = block_on(new.sessions_of(&alice, kind, Page::first(9))).unwrap();
        assert_eq!(listed, Vec::from_iter(id), "{name}");
    }
}

/// Also if the sign-in runs on a node that does not move sessions yet.
#[test]
fn a_sign_in_on_a_session_that_moves_meanwhile_is_indexed_in_the_new_store() {
    let alice = Principal::new("alice").unwrap();
    for polls in 0..40 {
        let [old, new] = old_and_new();
        let key = create(&sessions_on(Arc::clone(&old)));
        let prepared = sessions_on(MigratingStore::prepare(Arc::clone(&old), Arc::clone(&new)));
        let started = MigratingStore::start(old, Arc::clone(&new));
        let mut session = block_on(prepared.of_key(&key)).unwrap();
        let login = async {
            let mut login = pin!(session.login(&alice));
            for _ in 0..polls {
                if poll_once(login.as_mut()).await.is_some() {
                    return;
                }
            }
            while started.migrate_all().await.unwrap() > 0 {}
            login.await.unwrap();
        };
        block_on(login);
        migrate_all(&started);
        let after = sessions_on(new);
        assert_eq!(block_on(after.revoke_all(&alice)).unwrap(), 1, "moved at {polls}");
        assert!(block_on(after.of_key(session.key().unwrap())).is_err(), "moved at {polls}");
    }
}

#[test]
fn importing_the_marker_of_a_session_that_has_moved_changes_nothing() {
    let [old, new] = old_and_new();
    let key = create(&sessions_on(Arc::clone(&old)));
    let store = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
    assert_eq!(block_on(store.migrate_all()).unwrap(), 1);
    let after = sessions_on(Arc::clone(&new));
    increment(&after, &key).unwrap();
    let marker = block_on(old.get(key.id())).unwrap().unwrap();
    assert_eq!(block_on(import_entry(&new, key.id(), marker)).unwrap(), Imported::Skipped);
    assert_eq!(number(&after, &key), Some(1));
}

/// Also after the tombstone was swept from the new store.
#[test]
fn an_interrupted_move_never_revives_a_session_that_was_ended() {
    for polls in 0..24 {
        let [old, new] = old_and_new();
        let key = create(&sessions_on(Arc::clone(&old)));
        let store = MigratingStore::start(Arc::clone(&old), Arc::clone(&new));
        interrupted_move(&store, key.id(), polls);
        let sessions = sessions_on(MigratingStore::start(Arc::clone(&old), Arc::clone(&new)));
        block_on(sessions.revoke(key.id())).unwrap();
        // A day later; the old store has not been swept.
        let later = SystemClock.now().after(Duration::from_secs(48 * 60 * 60));
        assert_eq!(block_on(new.sweep(later, 10)).unwrap(), 1, "interrupted at {polls}");
        migrate_all(&store);
        assert!(block_on(sessions.of_key(&key)).is_err(), "interrupted at {polls}");
        assert!(block_on(sessions_on(new).of_key(&key)).is_err(), "interrupted at {polls}");
    }
}

/// The future's output, if it is ready after one poll.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

//! How many sessions a principal may have, and from when on.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{Operation, Page};
use cloakroom::{
    Error, ErrorKind, Key, Login, NoSession, SessionLimit, Sessions, Store, Timestamp,
};

use super::{Tally, World, alice, assert_dead, assert_kind, bob, key_of, visit};
use crate::{Fault, FaultyStore, StepStore, block_on};

/// Clients that sign in at once.
const CLIENTS: usize = 50;

async fn sign_in(world: &World) -> Result<Key, Error> {
    let mut session = world.sessions.request_session().session(&http::HeaderMap::new()).await?;
    session.login(&alice()).await?;
    Ok(key_of(&session))
}

/// How many of the keys open a session of Alice's.
async fn living(world: &World, keys: &[Key]) -> usize {
    let mut living = 0;
    for key in keys {
        living += usize::from(visit(world, key).await.principal() == Some(&alice()));
    }
    living
}

async fn listed(sessions: &Sessions<Tally>) -> usize {
    sessions.list(&alice(), Page::first(1_000)).await.unwrap().len()
}

/// On two nodes that share the store, and each of those that remain is listed.
pub fn of_many_logins_at_a_limit_exactly_as_many_remain(store: impl Store) {
    let store = Arc::new(store);
    let limit = SessionLimit::end_oldest(3);
    let nodes = [(); 2].map(|()| World::with(Arc::clone(&store), |builder| builder.limit(limit)));
    let (gate, nodes) = (Barrier::new(CLIENTS), &nodes);
    let keys: Vec<Key> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let gate = &gate;
                scope.spawn(move || {
                    gate.wait();
                    block_on(sign_in(&nodes[client % 2])).expect("a login makes room for itself")
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    block_on(async {
        assert_eq!((living(&nodes[0], &keys).await, listed(&nodes[1].sessions).await), (3, 3));
    });
}

/// And nobody else's session does.
pub fn at_a_limit_the_first_signed_in_makes_room_and_is_told_why(store: impl Store) {
    let world = World::with(store, |builder| builder.limit(SessionLimit::end_oldest(2)));
    block_on(async {
        let mut his = world.sessions.generate(Tally::of(1)).await.unwrap();
        his.login(&bob()).await.unwrap();
        let mut keys = Vec::new();
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(60));
            keys.push(sign_in(&world).await.unwrap());
        }
        let displaced = NoSession::Ended(EndReason::OverLimit);
        assert_eq!(assert_dead(&world, &keys[0]).await, displaced);
        assert_eq!(living(&world, &keys).await, 2);
        assert!(world.events().iter().any(|event| event.starts_with("ExcessSession")));

        // Signing in again on a session makes that one the newest; it never displaces another.
        world.clock.advance(Duration::from_secs(60));
        let mut again = visit(&world, &keys[1]).await;
        again.login(&alice()).await.unwrap();
        keys.push(key_of(&again));
        assert_eq!(living(&world, &keys).await, 2);
        world.clock.advance(Duration::from_secs(60));
        keys.push(sign_in(&world).await.unwrap());
        assert_eq!(assert_dead(&world, &keys[2]).await, displaced);
        assert_eq!(visit(&world, &key_of(&his)).await.principal(), Some(&bob()));
    });
}

/// The visitor who is refused keeps the session they had.
pub fn a_limit_that_refuses_ends_nobody(store: impl Store) {
    let world = World::with(store, |builder| builder.limit(SessionLimit::reject_new(2)));
    block_on(async {
        let keys = [sign_in(&world).await.unwrap(), sign_in(&world).await.unwrap()];
        let cart = key_of(&world.sessions.generate(Tally::of(7)).await.unwrap());
        let mut visitor = visit(&world, &cart).await;
        assert_kind(visitor.login(&alice()).await, ErrorKind::TooManySessions);
        let visitor = visit(&world, &cart).await;
        assert_eq!((visitor.value().count, visitor.principal()), (7, None));
        assert_eq!((living(&world, &keys).await, listed(&world.sessions).await), (2, 2));

        visit(&world, &keys[0]).await.logout().await.unwrap();
        visit(&world, &cart).await.login(&alice()).await.unwrap();
        assert_eq!(listed(&world.sessions).await, 2);
    });
}

/// Ended, or expired and not swept.
pub fn a_session_that_is_over_does_not_count_against_a_limit(store: impl Store) {
    let world = World::with(store, |builder| builder.limit(SessionLimit::reject_new(2)));
    block_on(async {
        let expired = sign_in(&world).await.unwrap();
        world.clock.advance(Duration::from_secs(29 * 60));
        let kept = sign_in(&world).await.unwrap();
        world.clock.advance(Duration::from_secs(2 * 60));
        assert_eq!(assert_dead(&world, &expired).await, NoSession::Expired);
        let third = sign_in(&world).await.unwrap();
        assert_eq!(living(&world, &[kept, third.clone()]).await, 2);
        world.sessions.revoke(third.id()).await.unwrap();
        sign_in(&world).await.unwrap();
        assert_kind(sign_in(&world).await, ErrorKind::TooManySessions);
    });
}

/// A login that was entered and has no record yet looks like one that was given up. A rival of another node that takes its
/// place can't know better; the login does, before it answers.
pub fn a_login_taken_for_a_leftover_by_a_rival_does_not_exceed_the_limit(store: impl Store) {
    let steps = StepStore::new(store);
    let limit = SessionLimit::reject_new(1);
    let here = World::with(steps.clone(), |builder| builder.limit(limit));
    let there = World::with(steps.clone(), |builder| builder.limit(limit));
    let held = steps.hold(Operation::Insert);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| block_on(sign_in(&here)));
        while !held.has_arrived() {
            std::thread::yield_now();
        }
        let rival = block_on(sign_in(&there)).expect("it takes the leftover's place");
        held.release();
        assert_kind(slow.join().unwrap(), ErrorKind::TooManySessions);
        block_on(async {
            assert_eq!((living(&there, &[rival]).await, listed(&here.sessions).await), (1, 1));
        });
    });
}

/// A password that was right when it was checked, and was changed before `login` was called, signs nobody in.
pub fn a_login_whose_proof_is_older_than_a_revocation_is_refused(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let key = key_of(&world.sessions.generate(Tally::of(7)).await.unwrap());
        let checked = world.sessions.now();
        world.clock.advance(Duration::from_millis(1));
        world.sessions.revoke_issued_before(&alice(), world.sessions.now()).await.unwrap();
        world.clock.advance(Duration::from_millis(1));

        let mut visitor = visit(&world, &key).await;
        let late = visitor.login(Login::of(&alice()).checked_at(checked)).await;
        assert_kind(late, ErrorKind::LoginRevoked);
        assert_eq!(
            (visit(&world, &key).await.value().count, listed(&world.sessions).await),
            (7, 0)
        );
        visit(&world, &key).await.login(Login::of(&bob()).checked_at(checked)).await.unwrap();
        sign_in(&world).await.unwrap();
    });
}

/// One whose record was not there to be ended.
pub fn a_revocation_reaches_a_login_in_flight(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let world = World::new(steps.clone());
    // Also if the login's record is written and nobody hears of it at first.
    for is_lost in [false, true] {
        let held = steps.hold(Operation::Insert);
        std::thread::scope(|scope| {
            let login = scope.spawn(|| block_on(sign_in(&world)));
            held.wait_for_arrival();
            world.clock.advance(Duration::from_secs(1));
            let now = world.sessions.now();
            assert_eq!(block_on(world.sessions.revoke_issued_before(&alice(), now)).unwrap(), 0);
            if is_lost {
                faulty.fail_on(Operation::Insert, Fault::LostAfter);
            }
            held.release();
            assert_kind(login.join().unwrap(), ErrorKind::LoginRevoked);
            assert_eq!(block_on(listed(&world.sessions)), 0);
        });
    }
}

/// The session that changes the password signs in again and goes on.
pub fn a_revocation_ends_older_sessions_and_spares_later_ones(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let old = [sign_in(&world).await.unwrap(), sign_in(&world).await.unwrap()];
        world.clock.advance(Duration::from_secs(60));
        let mut own = visit(&world, &old[0]).await;
        let changed = world.sessions.now();
        own.login(&alice()).await.unwrap();
        assert_eq!(world.sessions.revoke_issued_before(&alice(), changed).await.unwrap(), 1);
        assert_eq!(visit(&world, &key_of(&own)).await.principal(), Some(&alice()));
        assert_eq!(assert_dead(&world, &old[1]).await, NoSession::Ended(EndReason::Revoked));
        // What it lives on by is no login.
        own.extend(Duration::from_secs(20 * 60 * 60)).await.unwrap();
        assert_eq!(listed(&world.sessions).await, 1);
    });
}

/// A slip of whoever names the moment ends what there is, and is forgotten in a minute.
pub fn a_revocation_years_ahead_locks_nobody_out(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let key = sign_in(&world).await.unwrap();
        assert_eq!(
            world.sessions.revoke_issued_before(&alice(), Timestamp::NEVER).await.unwrap(),
            1
        );
        assert_dead(&world, &key).await;
        assert_kind(sign_in(&world).await, ErrorKind::LoginRevoked);
        world.clock.advance(Duration::from_secs(60));
        sign_in(&world).await.unwrap();
    });
}

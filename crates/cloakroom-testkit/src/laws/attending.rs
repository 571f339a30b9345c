//! Laws 2 and 4 outside a request: who attends a session is bound as any request is.

use std::time::Duration;

use cloakroom::{EndReason, ErrorKind, Sessions, Store, Vacancy};

use super::renewal::due;
use super::{Tally, World, alice, assert_kind, increment, key_of, visit};
use crate::{Fault, FaultyStore, SpyStore, block_on};

const IDLE: Duration = Duration::from_mins(30);

/// The key is renewed under it, and it goes on; its changes count with all others.
pub fn an_attendance_lasts_through_renewals_and_its_changes_count(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let old = due(&world).await;
        let mut page = visit(&world, &old).await;
        let attendance = page.attend().unwrap();
        let next = key_of(&page);
        for _ in 0..2 {
            world.clock.advance(Duration::from_mins(1));
            assert!(!visit(&world, &next).await.is_vacant()); // sighted, then the old one retires
        }
        assert_kind(world.sessions.of_key(&old).await, ErrorKind::Superseded);
        let mut attended = attendance.session().await.unwrap();
        assert_eq!(increment(&mut attended).await.unwrap(), 2);
        assert_eq!(increment(&mut page).await.map_err(|error| error.kind()), Ok(3));
        assert_eq!(increment(&mut attended).await.unwrap(), 4, "it lost its race, and ran again");
        assert_eq!(visit(&world, &next).await.count, 4);
    });
}

/// However it ends, and it says why.
pub fn an_attendance_ends_with_the_session(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        for reason in [EndReason::SignedOut, EndReason::Revoked] {
            let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
            let attendance = session.attend().unwrap();
            let mut held = attendance.session().await.unwrap();
            match reason {
                EndReason::Revoked => world.sessions.revoke(attendance.id()).await.unwrap(),
                _ => session.logout().await.unwrap(),
            }
            assert_kind(increment(&mut held).await, ErrorKind::NotFound);
            for _ in 0..2 {
                let error = attendance.session().await.unwrap_err();
                assert_eq!(error.vacancy(), Some(Vacancy::Ended(reason)));
            }
        }
        let session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let attendance = session.attend().unwrap();
        world.clock.advance(IDLE);
        assert_kind(attendance.keep_alive().await, ErrorKind::NotFound);
    });
}

/// The socket of somebody who knew the key before the login hears nothing of what comes after.
pub fn an_attendance_from_before_a_login_has_no_part_in_what_follows(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let before = session.attend().unwrap();
        let mut held = before.session().await.unwrap();
        session.login(&alice()).await.unwrap();
        assert_kind(increment(&mut held).await, ErrorKind::NotFound);
        assert_kind(held.logout().await, ErrorKind::NotFound);
        assert_eq!(before.session().await.unwrap_err().vacancy(), Some(Vacancy::Replaced));

        let after = session.attend().unwrap();
        assert_eq!(after.session().await.unwrap().principal(), Some(&alice()));
        session.elevate().await.unwrap();
        assert_kind(after.session().await, ErrorKind::NotFound);
    });
}

/// A look each second keeps nobody signed in; a use does, and costs one write per tenth of the idle timeout.
pub fn looking_is_no_use_and_keeping_alive_is(store: impl Store) {
    let spy = SpyStore::new(store);
    let world = World::new(spy.clone());
    block_on(async {
        let looked = world.sessions.generate(Tally::of(1)).await.unwrap().attend().unwrap();
        let kept = world.sessions.generate(Tally::of(2)).await.unwrap().attend().unwrap();
        spy.reset();
        for minute in 1..=40 {
            world.clock.advance(Duration::from_mins(1));
            assert_eq!(looked.session().await.is_ok(), minute < 30);
            assert_eq!(kept.keep_alive().await.unwrap().count, 2);
        }
        assert_eq!((spy.calls().touch, spy.calls().replace), (13, 0));
    });
}

/// There is no response to send a key with, and nothing to tell one from.
pub fn an_attendance_has_no_key_and_mints_none(store: impl Store) {
    let world = World::new(store);
    block_on(async {
        let attendance = world.sessions.generate(Tally::of(1)).await.unwrap().attend().unwrap();
        let mut held = attendance.session().await.unwrap();
        assert!(held.key().is_none());
        assert_kind(held.login(&alice()).await, ErrorKind::HeadersSent);
        assert_kind(held.elevate().await, ErrorKind::HeadersSent);
        assert_eq!(held.headers().iter().count(), 0);
        held.set_for(Tally::of(7), Duration::from_hours(100)).await.unwrap();
        assert_eq!(held.headers().iter().count(), 0);
        held.logout().await.unwrap();
        assert_kind(held.set(Tally::of(8)).await, ErrorKind::HeadersSent);
        let vacant = world.sessions.visit().session(&http::HeaderMap::new()).await.unwrap();
        assert_kind(vacant.attend(), ErrorKind::NotFound);
    });
}

/// A queue may carry it to another process, of the same kind of session only.
pub fn a_stub_attends_the_same_session_and_is_none_of_another_kind(store: impl Store) {
    struct Other;
    impl cloakroom::Kind for Other {
        const NAME: &'static str = "other";
    }
    let faulty = FaultyStore::new(store);
    let world = World::new(faulty.clone());
    block_on(async {
        let session = world.sessions.generate(Tally::of(1)).await.unwrap();
        let stub = session.attend().unwrap().stub();
        let here = world.sessions.attend(&stub.expose().parse().unwrap()).unwrap();
        assert_eq!((here.id(), here.session().await.unwrap().count), (stub.id(), 1));
        let others = Sessions::<Tally, Other>::new(faulty.clone()).unwrap();
        assert_kind(others.attend(&stub), ErrorKind::NotFound);

        faulty.fail_all(Some(Fault::NotSent));
        assert_kind(here.session().await, ErrorKind::Unavailable);
        faulty.fail_all(None);
        assert_eq!(here.session().await.unwrap().count, 1);
    });
}

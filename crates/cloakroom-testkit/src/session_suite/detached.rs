//! Detached sessions obey the same rules outside a request as inside.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::{ErrorKind, NoSession, Sessions, Store};

use super::renewal::due;
use super::{Counter, TestSessions, alice, assert_kind, increment, key_of, open};
use crate::{Fault, FaultyStore, SpyStore, block_on};

const IDLE: Duration = Duration::from_secs(30 * 60);

/// The key is renewed meanwhile, and the changes of both sides count.
pub fn a_detached_session_outlives_renewals_and_its_changes_count(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = due(&test).await;
        let mut page = open(&test, &old).await;
        let detached = page.detach().unwrap();
        let next = key_of(&page);
        for _ in 0..2 {
            test.clock.advance(Duration::from_secs(60));
            assert!(open(&test, &next).await.exists()); // first use, then the old key retires
        }
        assert_kind(test.sessions.of_key(&old).await, ErrorKind::Superseded);
        let mut detached = detached.session().await.unwrap();
        assert_eq!(increment(&mut detached).await.unwrap(), 2);
        assert_eq!(increment(&mut page).await.map_err(|error| error.kind()), Ok(3));
        assert_eq!(increment(&mut detached).await.unwrap(), 4, "it lost the race and ran again");
        assert_eq!(open(&test, &next).await.value().count, 4);
    });
}

/// However the session ends, the error has the reason.
pub fn a_detached_session_ends_with_its_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        for reason in [EndReason::SignedOut, EndReason::Revoked] {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            let detached = session.detach().unwrap();
            let mut held = detached.session().await.unwrap();
            match reason {
                EndReason::Revoked => test.sessions.revoke(detached.id()).await.unwrap(),
                _ => session.logout().await.unwrap(),
            }
            assert_kind(increment(&mut held).await, ErrorKind::NotFound);
            for _ in 0..2 {
                let error = detached.session().await.unwrap_err();
                assert_eq!(error.no_session(), Some(NoSession::Ended(reason)));
            }
        }
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let detached = session.detach().unwrap();
        test.clock.advance(IDLE);
        assert_kind(detached.keep_alive().await, ErrorKind::NotFound);
    });
}

/// A socket opened by someone who knew the key before the login sees nothing of the signed-in
/// session.
pub fn a_session_detached_before_a_login_neither_reads_nor_writes_after_it(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let before = session.detach().unwrap();
        let mut held = before.session().await.unwrap();
        session.login(&alice()).await.unwrap();
        assert_kind(increment(&mut held).await, ErrorKind::NotFound);
        assert_kind(held.logout().await, ErrorKind::NotFound);
        assert_eq!(before.session().await.unwrap_err().no_session(), Some(NoSession::Retired));

        let after = session.detach().unwrap();
        assert_eq!(after.session().await.unwrap().principal(), Some(&alice()));
        session.renew().await.unwrap();
        assert_kind(after.session().await, ErrorKind::NotFound);
    });
}

/// `keep_alive` costs one write per tenth of the idle timeout.
pub fn reading_a_detached_session_does_not_extend_it_and_keep_alive_does(store: impl Store) {
    let spy = SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let looked = test.sessions.generate(Counter::of(1)).await.unwrap().detach().unwrap();
        let kept = test.sessions.generate(Counter::of(2)).await.unwrap().detach().unwrap();
        spy.reset();
        for minute in 1..=40 {
            test.clock.advance(Duration::from_secs(60));
            assert_eq!(looked.session().await.is_ok(), minute < 30);
            assert_eq!(kept.keep_alive().await.unwrap().value().count, 2);
        }
        assert_eq!((spy.calls().touch, spy.calls().replace), (13, 0));
    });
}

/// There is no response to send a key with.
pub fn a_detached_session_has_no_key_and_mints_none(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let detached = test.sessions.generate(Counter::of(1)).await.unwrap().detach().unwrap();
        let mut held = detached.session().await.unwrap();
        assert!(held.key().is_none());
        assert_kind(held.login(&alice()).await, ErrorKind::HeadersSent);
        assert_kind(held.renew().await, ErrorKind::HeadersSent);
        assert_eq!(held.headers().iter().count(), 0);
        held.set_for(Counter::of(7), Duration::from_secs(100 * 60 * 60)).await.unwrap();
        assert_eq!(held.headers().iter().count(), 0);
        held.logout().await.unwrap();
        assert_kind(held.set(Counter::of(8)).await, ErrorKind::HeadersSent);
        let empty = test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        assert_kind(empty.detach(), ErrorKind::NotFound);
    });
}

/// A job queue can carry the grant to another process.
pub fn a_grant_opens_its_session_and_none_of_another_kind(store: impl Store) {
    struct Other;
    impl cloakroom::SessionKind for Other {
        const NAME: &'static str = "other";
    }
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        let session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let grant = session.detach().unwrap().grant();
        let here = test.sessions.detached(&grant.expose().parse().unwrap()).unwrap();
        assert_eq!((here.id(), here.session().await.unwrap().value().count), (grant.id(), 1));
        let others = Sessions::<Counter, Other>::new(faulty.clone()).unwrap();
        assert_kind(others.detached(&grant), ErrorKind::NotFound);

        faulty.fail_all(Some(Fault::NotSent));
        assert_kind(here.session().await, ErrorKind::Unavailable);
        faulty.fail_all(None);
        assert_eq!(here.session().await.unwrap().value().count, 1);
    });
}

//! A store that is down is an error, and a write whose outcome is unknown happens at most once.

use std::time::Duration;

use cloakroom::{Error, ErrorKind, SessionLimit, Store};

use super::{Counter, TestSessions, alice, assert_kind, bob, increment, key_of, open};
use crate::{CookieSeen, Fault, FaultyStore, Operation, StepStore, block_on, cookie_of};

/// No request is told "no session", and every session is there afterwards.
pub fn a_store_that_is_down_is_an_error_and_begins_nothing(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut in_flight = open(&test, &key).await;
        for fault in [Fault::NotSent, Fault::LostBefore] {
            faulty.fail_all(Some(fault));
            let request = test.navigation(&key);
            let page = test.sessions.request_session();
            assert_kind(page.session(&request).await, ErrorKind::Unavailable);
            let mut response = http::HeaderMap::new();
            page.finish(&mut response);
            assert!(matches!(cookie_of(&response), CookieSeen::None));
            let created = test.sessions.of_headers_or_create(&request, Counter::of(9)).await;
            assert_kind(created, ErrorKind::Unavailable);
            assert_kind(increment(&mut in_flight).await, ErrorKind::Unavailable);
            assert_kind(in_flight.logout().await, ErrorKind::Unavailable);
            assert!(in_flight.exists());
            assert!(test.sessions.health().await.is_err());
        }
        faulty.fail_all(None);
        assert_eq!(open(&test, &key).await.value().count, 1);
        assert_eq!(increment(&mut in_flight).await.unwrap(), 2);
    });
}

/// Whether the write had happened or not.
pub fn a_write_whose_answer_was_lost_counts_once(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        for (fault, operation) in [
            (Fault::LostAfter, Operation::Insert),
            (Fault::LostBefore, Operation::Insert),
            (Fault::LostAfter, Operation::Replace),
            (Fault::LostBefore, Operation::Replace),
        ] {
            if operation == Operation::Insert {
                faulty.fail_on(operation, fault);
            }
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            if operation == Operation::Replace {
                faulty.fail_on(operation, fault);
            }
            assert_eq!(increment(&mut session).await.unwrap(), 2);
            assert_eq!(
                open(&test, &key_of(&session)).await.value().count,
                2,
                "{fault:?} {operation:?}"
            );
        }
    });
}

/// Not even if what failed is known not to have been sent: the record was written before it.
pub fn a_login_that_has_written_its_record_never_says_that_nothing_happened(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let test = TestSessions::new(steps.clone());
    let visitor = block_on(test.sessions.generate(Counter::of(1))).unwrap();
    let key = key_of(&visitor);
    for (presented, written) in [(None, Operation::Insert), (Some(&key), Operation::Replace)] {
        let request = presented.map(|key| test.request(key)).unwrap_or_default();
        let sign_in = || {
            block_on(async {
                let mut session = test.sessions.request_session().session(&request).await?;
                session.login(&alice()).await
            })
        };
        faulty.fail_on(Operation::IndexLogin, Fault::NotSent);
        let refused = sign_in().unwrap_err();
        assert!(!refused.may_have_happened(), "{refused:?}");

        let held = steps.hold_answer(written);
        let error = std::thread::scope(|scope| {
            let login = scope.spawn(sign_in);
            held.wait_for_arrival();
            faulty.fail_on(Operation::IndexLogin, Fault::NotSent);
            held.release();
            login.join().unwrap().unwrap_err()
        });
        assert!(error.may_have_happened(), "{error:?}");
        assert!(sign_in().is_ok(), "it locks no one out");
    }
}

/// The session of the user before cannot be ended, and the new one not withdrawn either.
pub fn a_switch_that_cannot_be_withdrawn_may_have_happened(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&bob()).await.unwrap();
        for is_withdrawn in [true, false] {
            faulty.fail_on(Operation::EndIf, Fault::NotSent);
            if !is_withdrawn {
                faulty.fail_on(Operation::End, Fault::NotSent);
            }
            let mut page = open(&test, &key_of(&session)).await;
            let error = page.login(&alice()).await.unwrap_err();
            assert_eq!(error.may_have_happened(), !is_withdrawn, "{error:?}");
            assert_eq!(open(&test, &key_of(&session)).await.principal(), Some(&bob()));
        }
    });
}

/// A session ended to make room for it.
pub fn a_login_that_has_made_room_never_says_that_nothing_happened(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let limit = SessionLimit::end_oldest(1);
    let test = TestSessions::with(steps.clone(), |builder| builder.limit(limit));
    let sign_in = || {
        block_on(async {
            let none = http::HeaderMap::new();
            test.sessions.request_session().session(&none).await?.login(&alice()).await
        })
    };
    sign_in().unwrap();
    let held = steps.hold_answer(Operation::End);
    let error = std::thread::scope(|scope| {
        let login = scope.spawn(sign_in);
        held.wait_for_arrival();
        faulty.fail_on(Operation::IndexLogin, Fault::NotSent);
        held.release();
        login.join().unwrap().unwrap_err()
    });
    assert!(error.may_have_happened(), "{error:?}");
}

/// Of several sessions, one has ended.
pub fn an_end_of_several_sessions_that_failed_may_have_happened(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let test = TestSessions::new(steps.clone());
    let sign_in = || {
        block_on(async {
            let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
            session.login(&alice()).await.unwrap();
            key_of(&session)
        })
    };
    let keys = [sign_in(), sign_in()];
    let cookies = keys.each_ref().map(|key| {
        let request = test.request(key);
        request["cookie"].to_str().expect("visible characters").to_owned()
    });
    let request =
        http::HeaderMap::from_iter([(http::header::COOKIE, cookies.join("; ").parse().unwrap())]);

    let fail_second = |operation: Operation, work: &(dyn Fn() -> Result<(), Error> + Sync)| {
        let held = steps.hold_answer(operation);
        let error = std::thread::scope(|scope| {
            let working = scope.spawn(work);
            held.wait_for_arrival();
            faulty.fail_on(operation, Fault::NotSent);
            held.release();
            working.join().unwrap().unwrap_err()
        });
        assert!(error.may_have_happened(), "{operation:?}: {error:?}");
    };
    fail_second(Operation::EndIf, &|| {
        block_on(async { test.sessions.request_session().session(&request).await?.logout().await })
    });
    let _ = [sign_in(), sign_in()];
    fail_second(Operation::End, &|| block_on(test.sessions.revoke_all(&alice())).map(drop));
    // The mark has been set that refuses sign-ins in progress.
    faulty.fail_on(Operation::End, Fault::NotSent);
    test.clock.advance(Duration::from_secs(1));
    let (alice, now) = (alice(), test.sessions.now());
    let revoked = block_on(test.sessions.revoke_issued_before(&alice, now));
    assert!(revoked.unwrap_err().may_have_happened());
}

/// The answer to the insert is lost, and whose record is there cannot be read.
pub fn a_session_whose_creation_cannot_be_settled_may_exist(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    faulty.fail_on(Operation::Insert, Fault::LostAfter);
    faulty.fail_on(Operation::Get, Fault::NotSent);
    let error = block_on(test.sessions.generate(Counter::of(1))).unwrap_err();
    assert!(error.may_have_happened(), "{error:?}");
}

/// The session ended after the change, and before the change was repeated to learn its outcome.
pub fn a_change_whose_answer_was_lost_may_have_happened_although_the_session_ended(
    store: impl Store,
) {
    let faulty = FaultyStore::new(store);
    let steps = StepStore::new(faulty.clone());
    let test = TestSessions::new(steps.clone());
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        let mut session = block_on(test.sessions.generate(Counter::of(1))).unwrap();
        let id = session.id().unwrap();
        faulty.fail_on(Operation::Replace, fault);
        let held = steps.hold_answer(Operation::Replace);
        let error = std::thread::scope(|scope| {
            let changing = scope.spawn(|| block_on(increment(&mut session)));
            held.wait_for_arrival();
            block_on(test.sessions.revoke(id)).unwrap();
            held.release();
            changing.join().unwrap().unwrap_err()
        });
        assert!(error.may_have_happened(), "{error:?}");
        assert_kind(block_on(increment(&mut session)), ErrorKind::NotFound);
    }
}

/// The login happened completely or not at all.
pub fn a_failed_login_leaves_the_session_as_it_was(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        for operation in [Operation::IndexLogin, Operation::Replace] {
            let old = key_of(&test.sessions.generate(Counter::of(3)).await.unwrap());
            let mut session = open(&test, &old).await;
            faulty.fail_on(operation, Fault::NotSent);
            assert_kind(session.login(&alice()).await, ErrorKind::Unavailable);
            let after = open(&test, &old).await;
            assert_eq!((after.value().count, after.principal()), (3, None), "{operation:?}");
            session.login(&alice()).await.unwrap();
            assert_eq!(open(&test, &key_of(&session)).await.principal(), Some(&alice()));
        }
    });
}

/// Renewals and touches are bookkeeping of the read they come with.
pub fn a_failed_renewal_or_touch_does_not_fail_the_read(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let test = TestSessions::new(faulty.clone());
    block_on(async {
        let key = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        for fault in [Fault::NotSent, Fault::LostBefore] {
            test.clock.advance(Duration::from_secs(4 * 60));
            faulty.fail_on(Operation::Touch, fault);
            assert_eq!(open(&test, &key).await.value().count, 1);
        }
        test.clock.advance(Duration::from_secs(15 * 60));
        faulty.fail_on(Operation::Replace, Fault::LostAfter);
        let session = open(&test, &key).await;
        assert_eq!(session.value().count, 1);
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::None));
        let session = open(&test, &key).await; // the renewal did happen: now the key is sent
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
    });
}

//! Sign-ins that are sent twice, whose response is lost, or that present an older key.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloakroom::policy::ReusePolicy;
use cloakroom::store::Operation;
use cloakroom::{Assurance, ErrorKind, Key, Lifetime, Login, NoSession, SessionLimit, Store};
use http::HeaderMap;

use super::{Counter, TestSessions, alice, assert_kind, assert_opens_nothing, bob, key_of, open};
use crate::{CookieSeen, StepStore, block_on, cookie_of};

const MINUTE: Duration = Duration::from_secs(60);

/// Both clicks carry the token of the form's page and the old key, and both responses the same new
/// key. The cart is kept.
pub fn a_double_click_on_a_sign_in_form_succeeds_twice_with_one_key(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let token = open(&test, &old).await.csrf_token("sign in").await.unwrap().to_string();
        let mut keys = Vec::new();
        for _ in 0..3 {
            let mut session = open(&test, &old).await;
            session.check_csrf("sign in", &token).unwrap();
            session.login(&alice()).await.unwrap();
            assert_eq!(session.value().count, 4);
            keys.push(key_of(&session));
            test.clock.advance(Duration::from_secs(19));
        }
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        assert_eq!(open(&test, &keys[0]).await.principal(), Some(&alice()));
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Superseded);
    });
}

/// Clients that present the key from before a renewal and its successor end with one key, too.
pub fn a_double_click_during_a_renewal_converges(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        test.clock.advance(15 * MINUTE);
        let next = key_of(&open(&test, &old).await);
        assert_ne!(old, next);
        let mut keys = Vec::new();
        for key in [&old, &next, &old] {
            let mut session = open(&test, key).await;
            session.login(&alice()).await.unwrap();
            keys.push(key_of(&session));
        }
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    });
}

/// The client never got the new key. At once and much later, the form loads, the sign-in succeeds,
/// and the user's data is there.
pub fn a_lost_sign_in_response_locks_no_one_out(store: impl Store) {
    let store = Arc::new(store);
    for wait in [Duration::ZERO, MINUTE, 29 * MINUTE] {
        let test = TestSessions::new(Arc::clone(&store));
        block_on(lost_response(&test, wait));
    }
}

async fn lost_response(test: &TestSessions, wait: Duration) {
    let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
    let mut lost = open(test, &old).await;
    lost.login(&alice()).await.unwrap();
    let lost_key = key_of(&lost);
    test.clock.advance(wait);

    let mut page = open(test, &old).await;
    assert!(!page.exists());
    let token = page.csrf_token("sign in").await.unwrap().to_string();
    let mut again = open(test, &old).await;
    again.check_csrf("sign in", &token).unwrap();
    again.login(&alice()).await.unwrap();
    assert_eq!((again.id(), again.value().count), (Some(old.id()), 4), "after {wait:?}");
    assert_eq!(key_of(&again) == lost_key, wait < MINUTE, "after {wait:?}");
    assert_eq!(open(test, &key_of(&again)).await.principal(), Some(&alice()));
}

/// Someone who planted a key, or kept one, learns nothing of the session that a user signed in on,
/// cannot act on it, and cannot end it.
pub fn the_holder_of_an_old_key_gains_nothing_from_a_sign_in(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let planted = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let mut victim = open(&test, &planted).await;
        victim.login(&alice()).await.unwrap();
        let key = key_of(&victim);
        let of_alice = open(&test, &key).await.csrf_token("x").await.unwrap().to_string();
        for wait in [Duration::ZERO, 2 * MINUTE] {
            test.clock.advance(wait);
            let mut old = open(&test, &planted).await;
            assert!(!old.exists() && old.principal().is_none() && old.value().count == 0);
            assert_kind(old.check_csrf("x", &of_alice), ErrorKind::Forged);
            let given = old.csrf_token("x").await.unwrap().to_string();
            assert_kind(open(&test, &key).await.check_csrf("x", &given), ErrorKind::Forged);
            assert!(old.detach().is_err());
            assert!(!old.logout_other(key.id()).await.unwrap_or(false));

            let mut mallory = open(&test, &planted).await;
            mallory.login(&bob()).await.unwrap();
            assert_ne!(mallory.id(), victim.id());
            assert_eq!(open(&test, &key).await.value().count, 4, "nothing of alice's ends");
        }
    });
}

/// A key that a timed renewal has retired is one of the present family: its holder is not given,
/// and cannot use, the tokens of that family.
pub fn a_key_retired_by_a_renewal_has_no_token_of_the_present_family(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let token = open(&test, &old).await.csrf_token("x").await.unwrap().to_string();
        test.clock.advance(15 * MINUTE);
        let next = key_of(&open(&test, &old).await);
        assert!(open(&test, &next).await.exists());
        test.clock.advance(MINUTE);
        let session = open(&test, &next).await;
        session.check_csrf("x", &token).unwrap();
        let mut copy = open(&test, &old).await;
        assert_eq!(copy.no_session(), Some(NoSession::Superseded));
        assert_kind(copy.check_csrf("x", &token), ErrorKind::Forged);
        let given = copy.csrf_token("x").await.unwrap().to_string();
        copy.check_csrf("x", &given).unwrap();
        assert_kind(session.check_csrf("x", &given), ErrorKind::Forged);
    });
}

/// A session that has ended, or that a revocation should have ended, is not taken up again.
pub fn an_ended_or_revoked_session_is_not_signed_in_on_again(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        for ends in [true, false] {
            let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
            let old = key_of(&session);
            session.login(&alice()).await.unwrap();
            test.clock.advance(2 * MINUTE);
            if ends {
                session.logout().await.unwrap();
            } else {
                test.sessions.revoke_issued_before(&alice(), test.clock.now()).await.unwrap();
            }
            let mut again = open(&test, &old).await;
            again.login(&alice()).await.unwrap();
            assert_eq!((again.id() == Some(old.id()), again.value().count), (false, 0));
        }
    });
}

/// Two calls in one handler, as when a guard and the handler both sign in.
pub fn two_logins_in_one_request_send_one_working_key(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let mut session = open(&test, &old).await;
        session.login(&alice()).await.unwrap();
        let first = key_of(&session);
        session.login(&alice()).await.unwrap();
        assert_eq!(key_of(&session), first);
        assert_eq!(open(&test, &first).await.value().count, 4);
        // The second click of a double click.
        let mut second = open(&test, &old).await;
        second.login(&alice()).await.unwrap();
        assert_eq!(key_of(&second), first);
    });
}

/// The value is changed in the write that signs in, on a session that exists and on a new one.
pub fn a_login_changes_the_value_in_the_same_write(store: impl Store) {
    let spy = crate::SpyStore::new(store);
    let test = TestSessions::new(spy.clone());
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        let mut session = open(&test, &old).await;
        spy.reset();
        session.login_with(&alice(), |counter| counter.count += 10).await.unwrap();
        assert_eq!((session.value().count, spy.calls().replace), (14, 1));
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 14);

        let request_session = test.sessions.request_session();
        let mut session = request_session.session(&HeaderMap::new()).await.unwrap();
        session.login_with(&alice(), |counter| counter.count += 10).await.unwrap();
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 10);
        // Another principal begins with the default.
        session.login_with(&bob(), |counter| counter.count += 1).await.unwrap();
        assert_eq!(open(&test, &key_of(&session)).await.value().count, 1);
    });
}

/// A sign-in that was held back, with a key that alice has replaced since, ends nothing of hers.
pub fn a_late_sign_in_as_another_ends_no_newer_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let old = key_of(&session);
        // The head of the request has arrived, with the old key, and its body is held back.
        let mut late = open(&test, &old).await;
        let mut again = open(&test, &old).await;
        again.login(&alice()).await.unwrap();
        late.login(&bob()).await.unwrap();
        assert_ne!(late.id(), again.id());
        assert_eq!(open(&test, &key_of(&again)).await.value().count, 4);
    });
}

/// A key is judged reused, and before the session is ended, its user signs in: nothing ends.
pub fn a_reused_key_does_not_end_a_session_that_was_signed_in_on_meanwhile(store: impl Store) {
    let steps = StepStore::new(store);
    let test = TestSessions::new(steps.clone());
    block_on(async {
        let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        test.clock.advance(15 * MINUTE);
        let next = key_of(&open(&test, &old).await);
        assert!(open(&test, &next).await.exists());
        test.clock.advance(MINUTE);
        assert!(open(&test, &next).await.exists());
        test.clock.advance(6 * MINUTE);
        let mut alice_session = open(&test, &next).await;

        let held = steps.hold(Operation::EndIf);
        let mut copy = pin!(open(&test, &old));
        poll_fn(|context| {
            assert!(copy.as_mut().poll(context).is_pending(), "the end is held back");
            if held.has_arrived() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        alice_session.login(&alice()).await.unwrap();
        let signed_in = key_of(&alice_session);
        held.release();
        let copy = copy.await;
        assert_eq!(copy.no_session(), Some(NoSession::Retired));
        assert_eq!(open(&test, &signed_in).await.principal(), Some(&alice()));
        // Nor later: the key says nothing about the secret of the new sign-in.
        assert_eq!(assert_opens_nothing(&test, &old).await, NoSession::Retired);
        assert_eq!(open(&test, &signed_in).await.value().count, 4);
    });
}

/// The holder of an old key who knows the password only is given no part of a session whose user
/// has proved more, in whichever order they come, and also if their request was held back.
pub fn a_key_never_opens_more_than_its_sign_in_has_proved(store: impl Store) {
    let test = TestSessions::new(store);
    let (weak, strong) = (Assurance::new(1), Assurance::new(2));
    let sign_in = async |key: &Key, assurance, at| {
        let mut session = open(&test, key).await;
        let login = Login::of(&alice()).with_assurance(assurance).with_authenticated_at(at);
        session.login(login).await.unwrap();
        session
    };
    block_on(async {
        let begin = async || key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
        // The weak sign-in first: the strong one gets another key.
        let planted = begin().await;
        let mallory = sign_in(&planted, weak, test.clock.now()).await;
        let victim = sign_in(&planted, strong, test.clock.now()).await;
        assert_ne!(key_of(&mallory), key_of(&victim));
        let seen = open(&test, &key_of(&mallory)).await;
        assert!(!seen.exists() || seen.assurance() < strong);
        // The strong one first: the weak one gets a session of its own, now and later.
        let planted = begin().await;
        let held_back = test.clock.now();
        test.clock.advance(Duration::from_secs(1));
        let victim = sign_in(&planted, strong, test.clock.now()).await;
        for (wait, at) in [(0, None), (0, Some(held_back)), (200, None), (200, Some(held_back))] {
            test.clock.advance(Duration::from_secs(wait));
            let at = at.unwrap_or(test.clock.now());
            let mallory = sign_in(&planted, weak, at).await;
            assert_ne!(mallory.id(), victim.id());
            assert_eq!((mallory.value().count, mallory.assurance()), (0, weak));
        }
        let again = open(&test, &key_of(&victim)).await;
        assert_eq!((again.value().count, again.assurance()), (4, strong));
        // The same proof again is a double click.
        assert_eq!(key_of(&sign_in(&planted, strong, test.clock.now()).await).id(), planted.id());
    });
}

/// Another principal's sign-in that is refused, or fails, ends nothing and changes nothing.
pub fn a_refused_sign_in_as_another_leaves_the_session_as_it_was(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::reject_new(1)));
    block_on(async {
        test.sessions.generate(Counter::of(1)).await.unwrap().login(&bob()).await.unwrap();
        let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        let mut session = open(&test, &key).await;
        assert_kind(session.login(&bob()).await, ErrorKind::TooManySessions);
        assert_eq!(session.principal(), Some(&alice()));
        assert_eq!(open(&test, &key).await.value().count, 4);
    });
}

/// The late answer of an older change does not undo what another handle of the request has done.
pub fn a_late_change_undoes_no_sign_in_and_no_end_of_its_request(store: impl Store) {
    let steps = StepStore::new(store);
    let test = TestSessions::new(steps.clone());
    block_on(async {
        for ends in [false, true] {
            let key = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
            let request_session = test.sessions.request_session();
            let request = test.request(&key);
            let mut slow = request_session.session(&request).await.unwrap();
            let mut fast = request_session.session(&request).await.unwrap();
            let held = steps.hold_answer(Operation::Replace);
            let mut change = Box::pin(slow.set_lifetime(Lifetime::remember_me()));
            poll_fn(|context| {
                assert!(change.as_mut().poll(context).is_pending(), "its answer is held back");
                if held.has_arrived() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            if ends {
                fast.end().await.unwrap();
            } else {
                fast.login(&alice()).await.unwrap();
            }
            held.release();
            let _ = change.await;
            let mut response = HeaderMap::new();
            request_session.finish(&mut response);
            match cookie_of(&response) {
                CookieSeen::Set { key, .. } if !ends => {
                    assert_eq!(open(&test, &key).await.principal(), Some(&alice()));
                }
                CookieSeen::Removed if ends => {}
                other => panic!("{other:?}"),
            }
        }
    });
}

/// A handler that ends the session and then signs in has a session, and its key is sent.
pub fn a_sign_in_after_an_end_in_one_request_begins_a_session(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        for logs_out in [false, true] {
            let old = key_of(&test.sessions.generate(Counter::of(4)).await.unwrap());
            let mut session = open(&test, &old).await;
            if logs_out {
                session.logout().await.unwrap();
            } else {
                session.end().await.unwrap();
            }
            session.login(&alice()).await.unwrap();
            let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) else {
                panic!("no key was sent")
            };
            assert_eq!(open(&test, &key).await.principal(), Some(&alice()));
            assert!(session.exists() && session.id() != Some(old.id()));
        }
    });
}

/// A browser that restored old cookies: the user proves who they are, and has their data. Another
/// principal does not.
pub fn a_reused_key_finds_its_session_at_sign_in_unless_the_policy_ends_it(store: impl Store) {
    let store = Arc::new(store);
    block_on(async {
        for (policy, is_found) in [
            (ReusePolicy::report(), true),
            (ReusePolicy::refuse(), true),
            (ReusePolicy::end(), false),
        ] {
            let test = TestSessions::with(Arc::clone(&store), |builder| builder.reuse(policy));
            for principal in [alice(), bob()] {
                let mut session = test.sessions.generate(Counter::of(4)).await.unwrap();
                session.login(&alice()).await.unwrap();
                let old = key_of(&session);
                test.clock.advance(15 * MINUTE);
                let next = key_of(&open(&test, &old).await);
                assert_eq!(open(&test, &next).await.value().count, 4);
                test.clock.advance(MINUTE);
                assert_eq!(open(&test, &next).await.value().count, 4);
                test.clock.advance(6 * MINUTE);

                let mut restored = open(&test, &old).await;
                assert!(!restored.exists());
                restored.login(&principal).await.unwrap();
                let is_same = restored.id() == Some(old.id());
                assert_eq!(is_same, is_found && principal == alice(), "{policy:?} {principal:?}");
                assert_eq!(restored.value().count, if is_same { 4 } else { 0 });
            }
        }
    });
}

//! Binding a session, at the sign-in and at no other time.

use std::time::Duration;

use cloakroom::device_binding::DeviceBinding;
use cloakroom::store::Page;
use cloakroom::{AuthRequirement, ErrorKind, Lifetime, Login, NoSession, Store};

use super::super::{alice, assert_kind, bob, key_of};
use super::visitor::{LIFE, PAGE, Visitor};
use crate::block_on;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The browser has another cookie from then on, for minutes. Lists and requirements tell.
pub fn a_session_is_bound_at_a_sign_in_and_its_first_key_opens_nothing_more(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (signed_in, response) = visitor.sign_in_with(&alice()).await;
        signed_in.unwrap();
        let mut first = visitor.browser.client().clone();
        first.absorb(PAGE, &response);
        visitor.take_page(&response).await;
        assert!(visitor.browser.is_bound(PAGE));

        // Until the browser has used its cookie, it may not have it.
        assert!(visitor.visit_with(&first).await.0.is_ok());
        assert!(visitor.visit().await.is_ok());
        // Requests can be on their way with the key of the sign-in.
        visitor.wait(59 * SECOND);
        assert!(visitor.visit_with(&first).await.0.is_ok());
        visitor.wait(SECOND);
        assert_eq!(visitor.visit_with(&first).await.0, Err(NoSession::ProofNeeded));

        let (required, _) = visitor
            .request(visitor.browser.client(), async |session| {
                assert!(session.device().is_some_and(|device| device.is_confirmed));
                session.require(AuthRequirement::signed_in().device_bound()).await
            })
            .await;
        assert!(required.is_ok());
        let listed = visitor.test.sessions.list(&alice(), Page::first(10)).await.unwrap();
        let device = listed[0].device().expect("the list shows the device");
        assert_eq!(device.algorithm().name(), "ES256");
        assert!(visitor.saw("Bound"));
    });
}

/// It keeps its cookie, which is renewed as before, and lacks what a bound session has.
pub fn a_browser_that_binds_nothing_keeps_its_cookie(store: impl Store) {
    block_on(async {
        let visitor = Visitor::new(store);
        let mut client = visitor.browser.client().clone();
        let (signed_in, response) = visitor.sign_in_with(&alice()).await;
        signed_in.unwrap();
        assert!(response.contains_key("secure-session-registration"));
        client.absorb(PAGE, &response);
        visitor.wait(2 * LIFE);
        let (visited, response) = visitor.visit_with(&client).await;
        assert!(visited.is_ok());
        assert!(!response.contains_key("secure-session-registration"), "it was asked once");
        assert!(response.contains_key("set-cookie"), "its key is renewed on the timer");
        let (required, _) = visitor
            .request(&client, async |session| {
                session.require(AuthRequirement::signed_in().device_bound()).await
            })
            .await;
        assert!(required.unwrap_err().auth_shortfall().is_some());
    });
}

/// The session goes on unbound, with the key of the sign-in and its renewals. The browser is not
/// asked again: another response can go to a copy of the cookie.
pub fn a_lost_registration_answer_locks_no_one_out(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let lost = visitor.browser.receive(PAGE, &response).remove(0);
        assert_eq!(visitor.send(&lost).await.status(), 200);
        for _ in 0..20 {
            let (visited, response) = visitor.visit_with(visitor.browser.client()).await;
            assert!(visited.is_ok());
            assert!(visitor.browser.receive(PAGE, &response).is_empty(), "asked again");
            visitor.wait(MINUTE);
        }
        assert!(!visitor.browser.is_bound(PAGE));
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        assert!(visitor.browser.is_bound(PAGE), "the next sign-in offers it again");
    });
}

/// Anyone who has a copy of the cookie is never asked to register a device of theirs: not while the
/// offer is open, and not by what sends a key.
pub fn a_copy_of_the_cookie_binds_nothing(store: impl Store) {
    block_on(async {
        let visitor = Visitor::new(store);
        let (_, mut response) = visitor.sign_in_with(&alice()).await;
        let offer = response.remove("secure-session-registration").unwrap();
        let mut attacker = crate::DeviceBrowser::new().with_clock(visitor.test.clock.clone());
        attacker.receive(PAGE, &response);
        let week = Lifetime::absolute(Duration::from_secs(7 * 24 * 60 * 60));
        for (wait, renews) in [(Duration::ZERO, false), (61 * SECOND, false), (MINUTE, true)] {
            visitor.wait(wait);
            let (asked, response) = visitor
                .request(attacker.client(), async move |session| {
                    if renews {
                        session.set_lifetime(week).await
                    } else {
                        super::super::increment(session).await.map(drop)
                    }
                })
                .await;
            asked.unwrap();
            assert!(attacker.receive(PAGE, &response).is_empty(), "an attacker is asked");
        }
        // A device of theirs cannot say for which session it is.
        let text = offer.to_str().unwrap();
        let (without, _) = text.split_once(";authorization=").unwrap();
        let offer = [("secure-session-registration".parse().unwrap(), without.parse().unwrap())];
        let theirs = attacker.receive(PAGE, &http::HeaderMap::from_iter(offer)).remove(0);
        assert_eq!(visitor.send(&theirs).await.status(), 400);
        assert!(!visitor.saw("Bound"));
    });
}

/// What a sign-in has offered ends with the next one, and with a renewal.
pub fn an_offer_ends_with_its_sign_in(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let late = visitor.browser.receive(PAGE, &response).remove(0);
        visitor.wait(61 * SECOND);
        let until_closed = Lifetime::default().until_browser_closes();
        let (_, response) =
            visitor.sign_in_with(Login::from(&alice()).with_lifetime(until_closed)).await;
        assert!(!response.contains_key("secure-session-registration"));
        assert_eq!(visitor.send(&late).await.status(), 400);

        let mut visitor = Visitor { browser: crate::DeviceBrowser::new(), ..visitor };
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let late = visitor.browser.receive(PAGE, &response).remove(0);
        let (renewed, response) =
            visitor.request(visitor.browser.client(), async |session| session.renew().await).await;
        renewed.unwrap();
        assert!(visitor.browser.receive(PAGE, &response).is_empty());
        assert_eq!(visitor.send(&late).await.status(), 400);
        assert!(visitor.visit().await.is_ok());
    });
}

/// The browser may have used up its time before it has used its cookie at all.
pub fn a_binding_is_confirmed_by_a_proof_too(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        visitor.sign_in().await.unwrap();
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok());
        let (is_confirmed, _) = visitor
            .request(visitor.browser.client(), async |session| {
                session.device().is_some_and(|device| device.is_confirmed)
            })
            .await;
        assert!(is_confirmed);
    });
}

/// Neither by another device with the same key, nor by a late or repeated registration.
pub fn a_binding_is_never_replaced_by_a_registration(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let mine = visitor.browser.receive(PAGE, &response).remove(0);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let mut other = crate::DeviceBrowser::new().with_clock(visitor.test.clock.clone());
                other.receive(PAGE, &response).remove(0)
            })
            .collect();
        let again = (mine.request().uri().path().to_owned(), mine.request().headers().clone());
        let answer = visitor.send(&mine).await;
        visitor.browser.take_answer(mine, &answer);
        assert_eq!(visitor.send(&others[0]).await.status(), 400, "another is under way");
        assert_eq!(visitor.answer(&again.0, &again.1).await.status(), 200, "the same key again");
        assert!(visitor.visit().await.is_ok());
        visitor.wait(MINUTE);
        assert_eq!(visitor.send(&others[1]).await.status(), 400, "it is confirmed");
        assert_eq!(visitor.answer(&again.0, &again.1).await.status(), 400, "it is confirmed");
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok());
    });
}

/// Some minutes after a sign-in, a copied key binds nothing.
pub fn a_device_is_registered_for_some_minutes_after_a_sign_in_only(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let late = visitor.browser.receive(PAGE, &response).remove(0);
        visitor.wait(LIFE);
        assert_eq!(visitor.send(&late).await.status(), 400);
        assert!(visitor.visit().await.is_ok(), "the key of the sign-in still opens the session");
    });
}

/// Nothing else can be bound in a way that browsers keep.
pub fn only_a_sign_in_with_a_lasting_cookie_offers_a_binding(store: impl Store) {
    block_on(async {
        let visitor = Visitor::new(store);
        let until_closed = Lifetime::default().until_browser_closes();
        let login = Login::from(&alice()).with_lifetime(until_closed);
        let (_, response) = visitor.sign_in_with(login).await;
        assert!(!response.contains_key("secure-session-registration"));
        let ((), response) = visitor
            .request(&crate::Client::new(), async |session| session.start().await.unwrap())
            .await;
        assert!(!response.contains_key("secure-session-registration"));
    });
}

/// A sign-in drops the binding, and offers a new one.
pub fn a_login_drops_the_binding_and_offers_another(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let attacker = visitor.browser.client().clone();
        let before = visitor.request(&attacker, async |session| key_of(session).id()).await.0;
        visitor.sign_in().await.unwrap();
        assert!(visitor.saw("Unbound"));
        assert_eq!(visitor.visit_with(&attacker).await.0, Err(NoSession::Superseded));
        assert!(visitor.visit().await.is_ok());
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok(), "it is bound again");
        let client = visitor.browser.client();
        let after = visitor.request(client, async |session| key_of(session).id()).await.0;
        assert_eq!(before, after, "the session stays");
    });
}

/// From the assurance that the policy says, every requirement asks for a device.
pub fn a_policy_can_require_a_device_from_an_assurance_on(store: impl Store) {
    use cloakroom::Assurance;

    let strong = Assurance::new(2);
    let policy = DeviceBinding::offer().require_for(strong);
    block_on(async {
        let visitor = Visitor::with(store, |builder| builder.device_binding(policy));
        let login = Login::from(&alice()).with_assurance(strong);
        let (_, response) = visitor.sign_in_with(login).await;
        let mut client = crate::Client::new().with_clock(visitor.test.clock.clone());
        client.absorb(PAGE, &response);
        let signed_in = AuthRequirement::signed_in();
        let (weak, _) =
            visitor.request(&client, async |session| session.require(signed_in).await).await;
        assert!(weak.is_ok());
        let (required, _) = visitor
            .request(&client, async |session| session.require(signed_in.at_least(strong)).await)
            .await;
        let shortfall = required.unwrap_err().auth_shortfall();
        assert_eq!(shortfall.unwrap().to_string(), "the session is not bound to a device");
    });
}

/// A sibling host can send a browser there with what an attacker's own sign-in was offered.
pub fn another_users_offer_signs_no_browser_in(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let sign_in = async |session: &mut cloakroom::Session<_>| session.login(&bob()).await;
        let (signed_in, theirs) = visitor.request(&crate::Client::new(), sign_in).await;
        signed_in.unwrap();
        let offer = ["secure-session-registration"]
            .map(|name| (name.parse::<http::HeaderName>().unwrap(), theirs[name].clone()));
        let foreign = visitor.browser.receive(PAGE, &http::HeaderMap::from_iter(offer)).remove(0);
        let answer = visitor.send(&foreign).await;
        assert_eq!(answer.status(), 400);
        assert!(!answer.headers().contains_key("set-cookie"));
        let who = async |session: &mut cloakroom::Session<_>| session.principal().cloned();
        let (principal, _) = visitor.request(visitor.browser.client(), who).await;
        assert_eq!(principal, Some(alice()));
    });
}

/// The second answer would take the bound cookie's place, or end it.
pub fn a_sign_in_sent_twice_ends_no_binding(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let start = async |session: &mut cloakroom::Session<_>| session.start().await;
        let (begun, response) = visitor.request(visitor.browser.client(), start).await;
        begun.unwrap();
        visitor.take_page(&response).await;
        let before = visitor.browser.client().clone();
        visitor.sign_in().await.unwrap();
        let again = async |session: &mut cloakroom::Session<_>| session.login(&alice()).await;
        for is_used in [false, true] {
            if is_used {
                assert!(visitor.visit().await.is_ok());
            }
            let (signed_in, response) = visitor.request(&before, again).await;
            assert_kind(signed_in, ErrorKind::Superseded);
            assert!(!response.contains_key("set-cookie"));
        }
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok());
        assert!(visitor.browser.is_bound(PAGE) && !visitor.saw("Unbound"));
    });
}

/// A request on its way can renew the key of the sign-in, and so can a copy: the binding stays, and
/// once it is used, that key retires as well. Until then, it is not the device's.
pub fn a_renewal_before_a_binding_is_used_keeps_it(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&alice()).await;
        let mut attacker = crate::Client::new().with_clock(visitor.test.clock.clone());
        attacker.absorb(PAGE, &response);
        visitor.take_page(&response).await;
        let renew = async |session: &mut cloakroom::Session<_>| session.renew().await;
        let (renewed, response) = visitor.request(&attacker, renew).await;
        renewed.unwrap();
        attacker.absorb(PAGE, &response);
        assert!(visitor.visit().await.is_ok());
        let bound = AuthRequirement::signed_in().device_bound();
        let require = async |session: &mut cloakroom::Session<_>| session.require(bound).await;
        assert!(visitor.request(visitor.browser.client(), require).await.0.is_ok());
        assert!(visitor.request(&attacker, require).await.0.is_err());
        visitor.wait(MINUTE);
        assert!(visitor.visit_with(&attacker).await.0.is_err());
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok() && visitor.browser.is_bound(PAGE));
    });
}

//! What a copied cookie is worth.

use std::time::Duration;

use cloakroom::{NoSession, Store};
use http::StatusCode;

use super::visitor::{LIFE, PAGE, Visitor};
use crate::{DeviceBrowser, ManualClock, block_on};

const SECOND: Duration = Duration::from_secs(1);

/// The clocks of nodes can differ by this much.
const SLACK: Duration = Duration::from_secs(10);

/// Its use neither ends nor extends the session, and the owner goes on.
pub fn a_copied_bound_cookie_is_worth_the_rest_of_its_minutes(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE / 2);
        // A program that keeps its cookie whatever the server says.
        let attacker = visitor.browser.client().clone().with_clock(ManualClock::new());
        assert!(visitor.visit_with(&attacker).await.0.is_ok());
        visitor.wait(LIFE / 2 + 9 * SECOND);
        assert!(visitor.visit_with(&attacker).await.0.is_ok());
        visitor.wait(SECOND);
        for _ in 0..3 {
            let (visited, _) = visitor.visit_with(&attacker).await;
            assert_eq!(visited, Err(NoSession::ProofNeeded));
            assert!(visitor.visit().await.is_ok());
            visitor.wait(LIFE + SLACK);
        }
        assert!(!visitor.saw("KeyReused") && !visitor.saw("Ended"));
    });
}

/// With the key of the sign-in, from before the binding, not a minute after it either.
pub fn a_key_copied_before_the_binding_is_worth_a_minute_of_it(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&super::super::alice()).await;
        let mut attacker = crate::Client::new().with_clock(visitor.test.clock.clone());
        attacker.absorb(PAGE, &response);
        visitor.take_page(&response).await;
        assert!(visitor.visit().await.is_ok());
        visitor.wait(59 * SECOND);
        let (renewed, response) =
            visitor.request(&attacker, async |session| session.renew().await).await;
        renewed.unwrap();
        attacker.absorb(PAGE, &response);
        for wait in [11 * SECOND, 60 * SECOND, LIFE, 20 * LIFE] {
            visitor.wait(wait);
            let visited = visitor.visit_with(&attacker).await.0;
            assert!(visited.is_err(), "{wait:?}");
            if visitor.visit().await == Err(NoSession::ProofNeeded) {
                assert!(visitor.visit().await.is_ok(), "{wait:?}");
            }
        }
    });
}

/// Of a page that renews keys, an attacker is given a secret for the minutes that were left; the
/// owner's device proves that it has its key.
pub fn an_attacker_who_renews_the_key_gains_no_time(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE / 2);
        let refresh = visitor.browser.refresh(PAGE).unwrap();
        let mut attacker = visitor.browser.client().clone().with_clock(ManualClock::new());
        assert_eq!(visitor.refresh(refresh).await, StatusCode::OK);
        let (renewed, response) =
            visitor.request(&attacker, async |session| session.renew().await).await;
        renewed.unwrap();
        attacker.absorb(PAGE, &response);
        assert!(visitor.visit_with(&attacker).await.0.is_ok());
        assert_eq!(visitor.visit().await, Err(NoSession::Superseded));
        visitor.wait(60 * SECOND);
        // The cookie is taken back, so that the browser refreshes.
        assert_eq!(visitor.visit().await, Err(NoSession::ProofNeeded));
        assert!(visitor.visit().await.is_ok());
        visitor.wait(LIFE / 2 + SLACK);
        assert_eq!(visitor.visit_with(&attacker).await.0, Err(NoSession::ProofNeeded));
        assert!(visitor.visit().await.is_ok());
    });
}

/// Nor of an explicit expiry, of a longer lifetime, or of the owner's own refreshes.
pub fn extending_a_bound_session_extends_no_secret(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let attacker = visitor.browser.client().clone().with_clock(ManualClock::new());
        let (extended, response) = visitor
            .request(&attacker, async |session| {
                session.extend(Duration::from_secs(24 * 60 * 60)).await
            })
            .await;
        extended.unwrap();
        assert!(!response.contains_key("set-cookie"));
        visitor.wait(LIFE + SLACK);
        assert_eq!(visitor.visit_with(&attacker).await.0, Err(NoSession::ProofNeeded));
        assert!(visitor.visit().await.is_ok());
    });
}

/// Another device's, one of another session, one that names a session that is not bound: nothing is
/// written, and no cookie is sent.
pub fn a_proof_that_is_not_the_devices_leads_to_nothing(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        // While a browser may be registering, it is told to try again.
        visitor.wait(LIFE);
        visitor.refresh_if_due().await;
        let refresh = visitor.browser.refresh(PAGE).unwrap();
        let proof = refresh.proof().unwrap().to_str().unwrap();
        let id = refresh.request().headers()["sec-secure-session-id"].to_str().unwrap();

        let mut stranger = DeviceBrowser::new();
        let challenge = visitor.refresh_with(&[("sec-secure-session-id", id)]).await;
        let challenge = challenge.headers()["secure-session-challenge"].to_str().unwrap();
        let challenge = challenge.split('"').nth(1).unwrap();
        let offer = format!("(ES256);path=\"/r\";challenge=\"{challenge}\"");
        let offer = [("secure-session-registration".parse().unwrap(), offer.parse().unwrap())];
        let foreign = stranger.receive(PAGE, &http::HeaderMap::from_iter(offer)).remove(0);
        let foreign = foreign.proof().unwrap().to_str().unwrap();

        let unknown = "00000000000000000000000000000000";
        for (headers, status) in [
            (vec![("sec-secure-session-id", id), ("secure-session-response", foreign)], 400),
            (vec![("sec-secure-session-id", id), ("secure-session-response", "x.y.z")], 400),
            (vec![("secure-session-response", proof)], 400),
            (vec![("sec-secure-session-id", "nonsense")], 400),
            (vec![("sec-secure-session-id", unknown), ("secure-session-response", proof)], 200),
        ] {
            let answer = visitor.refresh_with(&headers).await;
            assert_eq!(answer.status(), status, "{headers:?}");
            let mut cookies = answer.headers().get_all("set-cookie").iter();
            assert!(!cookies.any(|cookie| cookie.as_bytes().starts_with(b"__Host-id=")));
            assert!(status == 400 || answer.body().contains("\"continue\":false"));
        }
        assert!(visitor.saw("ProofRefused"));
        assert_eq!(visitor.send(&refresh).await.status(), 200, "the device's own still counts");
    });
}

/// What was opened with it ends with it, although the owner's browser goes on.
pub fn a_socket_opened_with_a_copied_cookie_ends_with_it(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::new(store);
        let (_, response) = visitor.sign_in_with(&super::super::alice()).await;
        let mut attacker = crate::Client::new().with_clock(visitor.test.clock.clone());
        attacker.absorb(PAGE, &response);
        let detach = async |session: &mut cloakroom::Session<_>| session.detach().unwrap();
        let before = visitor.request(&attacker, detach).await.0;
        visitor.take_page(&response).await;
        assert!(visitor.visit().await.is_ok());
        let bound = visitor.request(visitor.browser.client(), detach).await.0;
        for _ in 0..5 {
            visitor.wait(LIFE / 2 + SLACK);
            let refresh = visitor.browser.refresh(PAGE).unwrap();
            assert_eq!(visitor.refresh(refresh).await, StatusCode::OK);
        }
        for socket in [&before, &bound] {
            let error = socket.session().await.unwrap_err();
            assert_eq!(error.no_session(), Some(NoSession::ProofNeeded));
        }
        let text = bound.grant().expose();
        let queued = visitor.test.sessions.detached(&text.parse().unwrap()).unwrap();
        assert!(queued.session().await.is_err(), "nor does its text say more");
    });
}

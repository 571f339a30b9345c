//! Refreshing the cookie of a bound session: what honest browsers and networks do.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::{Lifetime, NoSession, Session, Store};
use http::{HeaderMap, StatusCode};

use super::super::{Counter, alice, bob};
use super::visitor::{LIFE, PAGE, Visitor};
use crate::{Client, Fault, FaultyStore, block_on};

const SECOND: Duration = Duration::from_secs(1);

/// Without a sign-in, whether the challenge was sent along before or is an old one.
pub fn a_bound_cookie_that_has_ended_is_refreshed_by_a_proof(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        for idle in [LIFE, LIFE, 2 * LIFE, 2 * LIFE + 9 * 60 * SECOND] {
            visitor.wait(idle);
            assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::OK));
            assert!(visitor.visit().await.is_ok());
        }
        assert!(visitor.saw("ProofAccepted"));
        assert!(!visitor.saw("KeyReused"), "{:?}", visitor.test.events());
    });
}

/// The idle timeout counts on, and the absolute one stands.
pub fn a_refresh_is_no_use_of_the_session(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        for _ in 0..2 {
            visitor.wait(LIFE);
            assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::OK));
        }
        visitor.wait(LIFE);
        assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::OK));
        assert!(!visitor.browser.is_bound(PAGE), "it was told that the session is over");
        assert_eq!(visitor.visit().await, Err(NoSession::NoKey));
    });
}

/// Browsers refresh in parallel and ahead of need. A fifth at once is told to wait, and does not
/// end the session.
pub fn parallel_refreshes_each_get_a_secret_up_to_four(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE);
        let sent: Vec<_> = (0..5).map(|_| visitor.browser.refresh_if_due(PAGE).unwrap()).collect();
        let mut answers = Vec::new();
        for refresh in &sent {
            answers.push(visitor.send(refresh).await);
        }
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 503]);
        for (refresh, answer) in sent.into_iter().zip(&answers) {
            assert!(visitor.browser.take_answer(refresh, answer).is_none());
            assert!(visitor.visit().await.is_ok());
        }
        visitor.wait(LIFE);
        assert!(visitor.visit().await.is_ok());
    });
}

/// The proof of the challenge before is good for half a minute, and leads to no later deadline.
pub fn a_lost_refresh_answer_is_repaired_by_the_same_proof(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE);
        let lost = visitor.browser.refresh_if_due(PAGE).unwrap();
        assert_eq!(visitor.send(&lost).await.status(), 200);
        visitor.wait(29 * SECOND);
        assert_eq!(visitor.send(&lost).await.status(), 200);
        visitor.wait(SECOND);
        assert_eq!(visitor.refresh(lost).await, StatusCode::OK, "a new challenge came with a 403");
        assert!(visitor.visit().await.is_ok());
    });
}

/// It is answered with the challenge to sign: never a status that ends the session.
pub fn a_refresh_without_a_proof_or_with_an_old_challenge_is_given_a_new_one(store: impl Store) {
    block_on(async {
        let visitor = Visitor::bound(store).await;
        let refresh = visitor.browser.refresh(PAGE).unwrap();
        let proof = refresh.proof().unwrap().to_str().unwrap().to_owned();
        let id = refresh.request().headers()["sec-secure-session-id"].to_str().unwrap().to_owned();
        let quoted = (format!("\"{id}\""), format!("\"{proof}\""));
        let first = visitor.refresh_with(&[("Sec-Secure-Session-Id", &id)]).await;
        assert_eq!(first.status(), 403);
        let challenge = first.headers()["secure-session-challenge"].to_str().unwrap();
        assert!(challenge.ends_with(&format!("\";id=\"{id}\"")), "{challenge}");
        let accepted = visitor
            .refresh_with(&[
                ("Sec-Secure-Session-Id", &quoted.0),
                ("Secure-Session-Response", &quoted.1),
            ])
            .await;
        assert_eq!(accepted.status(), 200);
        assert_eq!(accepted.headers()["cache-control"], "no-store");
        visitor.wait(30 * SECOND);
        let stale = visitor
            .refresh_with(&[("sec-secure-session-id", &id), ("secure-session-response", &proof)])
            .await;
        assert_eq!(stale.status(), 403);
    });
}

/// The browser keeps the session, and says so. Nothing begins in the meantime.
pub fn while_the_store_is_down_a_refresh_is_told_to_try_again(store: impl Store) {
    block_on(async {
        let store = FaultyStore::new(store);
        let mut visitor = Visitor::bound(store.clone()).await;
        visitor.wait(LIFE);
        for fault in [Fault::NotSent, Fault::LostBefore] {
            store.fail_all(Some(fault));
            assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::SERVICE_UNAVAILABLE));
        }
        store.fail_all(None);
        assert_eq!(skip(&visitor, "server_error").await, Err(503));
        assert!(visitor.saw("ProofSkipped"));
        assert!(visitor.visit().await.is_ok());
    });
}

/// What a page that changes something answers to a browser that did not refresh.
async fn skip(visitor: &Visitor, reason: &str) -> Result<(), u16> {
    let mut headers = HeaderMap::new();
    let skipped = visitor.browser.skipped(PAGE, reason).unwrap();
    headers.insert("secure-session-skipped", skipped);
    let cookies = visitor.browser.client().cookies_for(PAGE);
    headers.extend(cookies.map(|cookies| (http::header::COOKIE, cookies)));
    let request_session = visitor.test.sessions.request_session();
    let mut session = request_session.session(&headers).await.unwrap();
    assert_eq!(session.no_session(), Some(NoSession::ProofNeeded));
    let changed = super::super::increment(&mut session).await;
    assert!(session.require(cloakroom::AuthRequirement::signed_in()).await.is_err());
    let mut response = HeaderMap::new();
    request_session.finish(&mut response);
    assert!(!response.contains_key("set-cookie"));
    changed.map(drop).map_err(|error| error.status().as_u16())
}

/// A new session under the same name would end refreshing for good. Of another's session, or of one
/// that is over, the header says nothing.
pub fn a_request_that_skips_the_refresh_of_a_bound_session_begins_nothing(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let id = {
            let client = visitor.browser.client();
            visitor.request(client, async |session| session.id().unwrap()).await.0
        };
        visitor.wait(LIFE);
        for reason in ["quota_exceeded", "unreachable", "server_error"] {
            assert_eq!(skip(&visitor, reason).await, Err(503));
        }
        assert!(visitor.visit().await.is_ok());

        visitor.test.sessions.revoke(id).await.unwrap();
        let mut headers = HeaderMap::new();
        let skipped = visitor.browser.skipped(PAGE, "unreachable").unwrap();
        headers.insert("secure-session-skipped", skipped);
        let session = visitor.test.sessions.request_session().session(&headers).await.unwrap();
        assert_eq!(session.no_session(), Some(NoSession::NoKey));
    });
}

/// At the next request, and the browser is told to forget it.
pub fn a_sign_out_and_a_revocation_end_a_bound_session(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let id = {
            let client = visitor.browser.client();
            visitor.request(client, async |session| session.id().unwrap()).await.0
        };
        visitor.test.sessions.revoke(id).await.unwrap();
        assert_eq!(visitor.visit().await, Err(NoSession::Ended(EndReason::Revoked)));
        visitor.wait(LIFE);
        visitor.refresh_if_due().await;
        assert!(!visitor.browser.is_bound(PAGE));

        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        let client = visitor.browser.client().clone();
        let (ended, response) =
            visitor.request(&client, async |session| session.logout().await).await;
        ended.unwrap();
        visitor.take_page(&response).await;
        assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::OK));
        assert!(!visitor.browser.is_bound(PAGE));
        assert!(visitor.browser.client().cookies_for(PAGE).is_none());
    });
}

/// Two people use one browser, and the first one's cookie was gone when the second signed in, so
/// that nothing ended the first session. The browser has keys for both, and refreshes both.
pub fn a_refresh_never_brings_back_a_session_that_the_browser_has_left(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE);
        let (signed_in, response) = visitor.sign_in_with(&bob()).await;
        signed_in.unwrap();
        visitor.take_page(&response).await;
        for _ in 0..3 {
            let client = visitor.browser.client().clone();
            let who = async |session: &mut Session<Counter>| session.principal().cloned();
            let (principal, response) = visitor.request(&client, who).await;
            visitor.take_page(&response).await;
            assert_eq!(principal, Some(bob()));
            visitor.wait(LIFE);
            while visitor.refresh_if_due().await.is_some() {}
        }
        // A sign-out leaves it as well.
        let client = visitor.browser.client().clone();
        let ((), response) =
            visitor.request(&client, async |session| session.logout().await.unwrap()).await;
        visitor.take_page(&response).await;
        while visitor.refresh_if_due().await.is_some() {}
        assert!(!visitor.browser.is_bound(PAGE));
    });
}

/// A sign-in goes on with the session, or begins one where there is no cookie any more.
pub fn a_browser_whose_key_is_gone_signs_in_again(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let stale = visitor.browser.client().clone();
        visitor.browser.lose_keys();
        visitor.wait(LIFE + 60 * SECOND);
        assert_eq!(visitor.visit().await, Err(NoSession::NoKey));
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());

        // A program that sends the old cookie all the same is told why, and can sign in.
        let old = stale.clone().with_clock(crate::ManualClock::new());
        assert_eq!(visitor.visit_with(&old).await.0, Err(NoSession::ProofNeeded));
        let (signed_in, _) =
            visitor.request(&old, async |session| session.login(&alice()).await).await;
        signed_in.unwrap();
        let _: Client = old;
    });
}

/// A socket or a job that was opened with a bound secret ends with it: a page opens its socket
/// again, with the cookie that it has then.
pub fn a_detached_session_ends_with_its_bound_secret(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let client = visitor.browser.client().clone();
        let detached = visitor.request(&client, async |session| session.detach().unwrap()).await.0;
        visitor.wait(9 * LIFE / 10);
        assert!(detached.session().await.is_ok());
        let refresh = visitor.browser.refresh(PAGE).unwrap();
        assert_eq!(visitor.refresh(refresh).await, StatusCode::OK);
        visitor.wait(LIFE / 10 + 9 * SECOND);
        assert!(detached.session().await.is_ok(), "the clocks of nodes can differ");
        visitor.wait(SECOND);
        let error = detached.session().await.unwrap_err();
        assert_eq!(error.no_session(), Some(NoSession::ProofNeeded));
        let unbound = detached.clone().without_proof();
        assert!(unbound.session().await.is_ok(), "the application has said so");
        let client = visitor.browser.client().clone();
        let again = visitor.request(&client, async |session| session.detach().unwrap()).await.0;
        assert!(again.session().await.is_ok());
    });
}

/// As long as the session lasts, however long its lifetime is made after the binding.
pub fn a_bound_browser_goes_on_for_as_long_as_its_session(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        let lifetime = Lifetime::absolute(month);
        let (set, response) = visitor
            .request(visitor.browser.client(), async |session| session.set_lifetime(lifetime).await)
            .await;
        set.unwrap();
        visitor.take_page(&response).await;
        for _ in 0..2 {
            visitor.wait(month / 3);
            assert!(visitor.visit().await.is_ok());
        }
    });
}

//! Requests of a bound browser that come without the refresh that was due.

use std::time::Duration;

use cloakroom::http::{CookiePolicy, SameSite};
use cloakroom::{NoSession, Session, Store, Transport};
use http::{HeaderMap, StatusCode, header};

use super::super::Counter;
use super::visitor::{LIFE, PAGE, Visitor};
use crate::{Client, ManualClock, block_on};

const SECOND: Duration = Duration::from_secs(1);

/// It can name one that the browser has left, or that no one can read: neither keeps anyone out.
pub fn a_skipped_refresh_counts_only_for_the_session_that_the_browser_is_in(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        visitor.wait(LIFE);
        let skipped = visitor.browser.skipped(PAGE, "unreachable").unwrap();
        for (client, why) in [
            (visitor.browser.client().clone(), NoSession::ProofNeeded),
            (Client::new(), NoSession::NoKey),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("secure-session-skipped", skipped.clone());
            headers.extend(client.cookies_for(PAGE).map(|cookies| (header::COOKIE, cookies)));
            let request_session = visitor.test.sessions.request_session();
            let session = request_session.session(&headers).await.unwrap();
            assert_eq!(session.no_session(), Some(why));
        }
        assert!(visitor.visit().await.is_ok());
    });
}

/// The cookies are removed, and the browser forgets the binding. Without a proof, nothing ends.
pub fn a_sign_out_without_a_proof_leaves_the_session(store: impl Store) {
    block_on(async {
        let mut visitor = Visitor::bound(store).await;
        let old = visitor.browser.client().clone().with_clock(ManualClock::new());
        visitor.wait(LIFE + 10 * SECOND);
        let sign_out = async |session: &mut Session<Counter>| session.logout().await;
        let (signed_out, response) = visitor.request(&old, sign_out).await;
        signed_out.unwrap();
        assert_eq!(response.get_all("set-cookie").iter().count(), 2, "both are removed");
        assert!(visitor.visit().await.is_ok(), "an old copy ends nothing");

        visitor.wait(LIFE);
        let client = visitor.browser.client().clone();
        let (signed_out, response) = visitor.request(&client, sign_out).await;
        signed_out.unwrap();
        visitor.take_page(&response).await;
        assert_eq!(visitor.refresh_if_due().await, Some(StatusCode::OK));
        assert!(!visitor.browser.is_bound(PAGE));
        assert_eq!(visitor.visit().await, Err(NoSession::NoKey));
    });
}

/// A link from another site carries no Strict cookie, and with the refresh that it waits for none
/// comes either. The browser is known all the same, and the link begins nothing.
pub fn a_link_to_a_strict_bound_session_begins_nothing(store: impl Store) {
    block_on(async {
        let strict = CookiePolicy::default().with_same_site(SameSite::Strict);
        let mut visitor =
            Visitor::with(store, |builder| builder.transport(Transport::cookie(strict)));
        visitor.sign_in().await.unwrap();
        assert!(visitor.visit().await.is_ok());
        visitor.wait(LIFE + 60 * SECOND);
        let cookies = visitor.browser.client().cookies_for(PAGE).unwrap();
        let link = [
            ("cookie", cookies.to_str().unwrap()),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let request_session = visitor.test.sessions.request_session().with_method("GET");
        let session = request_session.session(link.as_slice()).await.unwrap();
        assert_eq!(session.no_session(), Some(NoSession::Withheld));
        drop(session);
        // The cookie is taken back from a request that comes with one that is over.
        assert!(visitor.visit().await.is_ok());
        let old = visitor.browser.client().clone().with_clock(ManualClock::new());
        visitor.wait(LIFE + 10 * SECOND);
        let (visited, response) = visitor.visit_with(&old).await;
        assert_eq!(visited, Err(NoSession::ProofNeeded));
        let removed: Vec<_> = response.get_all("set-cookie").iter().collect();
        assert_eq!(removed.len(), 1, "its markers stay: {removed:?}");
    });
}

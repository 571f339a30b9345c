//! Step-up: a sensitive action asks for a recent and strong enough sign-in.

use std::time::Duration;

use cloakroom::policy::AuthShortfall;
use cloakroom::{Assurance, AuthRequirement, ErrorKind, Login, Store};

use super::{Counter, TestSessions, alice, assert_kind, key_of, open};
use crate::block_on;

const RECENT: AuthRequirement = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));

/// Using the session proves nothing; another sign-in does.
pub fn a_step_up_requires_a_recent_sign_in(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        assert_eq!(
            session.require(RECENT).await.unwrap_err().auth_shortfall(),
            Some(AuthShortfall::SignedOut)
        );
        session.login(&alice()).await.unwrap();
        test.clock.advance(Duration::from_secs(5 * 60));
        session.require(RECENT).await.unwrap();

        test.clock.advance(Duration::from_secs(1));
        session.set(Counter::of(2)).await.unwrap();
        session.renew().await.unwrap();
        let error = session.require(RECENT).await.unwrap_err();
        let since = Duration::from_secs(301);
        assert_eq!(
            (error.kind(), error.auth_shortfall()),
            (ErrorKind::StepUpRequired, Some(AuthShortfall::TooLongAgo { since }))
        );
        session.require(AuthRequirement::signed_in()).await.unwrap();
        session.login(&alice()).await.unwrap();
        session.require(RECENT).await.unwrap();

        // The sign-in counts from when the proof was checked.
        let checked = test.sessions.now();
        test.clock.advance(Duration::from_secs(6 * 60));
        session.login(Login::of(&alice()).with_authenticated_at(checked)).await.unwrap();
        assert_eq!(session.authenticated_at(), Some(checked));
        assert_kind(session.require(RECENT).await, ErrorKind::StepUpRequired);
        let visitor =
            &mut test.sessions.request_session().session(&http::HeaderMap::new()).await.unwrap();
        assert_eq!(
            visitor.require(RECENT).await.unwrap_err().auth_shortfall(),
            Some(AuthShortfall::SignedOut)
        );
    });
}

/// The last sign-in counts, and a session of another principal begins with the assurance of its
/// own.
pub fn a_step_up_requires_a_strong_enough_sign_in(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (password, both) = (Assurance::new(1), Assurance::new(2));
        let strong = AuthRequirement::signed_in().at_least(both);
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(Login::of(&alice()).with_assurance(password)).await.unwrap();
        let error = session.require(strong).await.unwrap_err();
        assert_eq!(error.auth_shortfall(), Some(AuthShortfall::TooWeak { needed: both }));

        session.login(Login::of(&alice()).with_assurance(both)).await.unwrap();
        session.set(Counter::of(2)).await.unwrap();
        let mut session = open(&test, &key_of(&session)).await;
        assert_eq!(session.assurance(), both);
        session.require(strong).await.unwrap();
        session.login(&alice()).await.unwrap();
        assert_kind(session.require(strong).await, ErrorKind::StepUpRequired);
    });
}

/// Also in a request that began before the end.
pub fn a_step_up_fails_on_a_session_that_has_ended(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let mut in_flight = open(&test, &key_of(&session)).await;
        test.sessions.revoke(session.id().unwrap()).await.unwrap();
        assert_kind(in_flight.require(RECENT).await, ErrorKind::NotFound);
    });
}

//! The sessions of one principal: listed, and ended from one another.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::Page;
use cloakroom::{ErrorKind, Key, NoSession, Principal, PublicId, Store};

use super::{
    Counter, TestSessions, alice, assert_kind, assert_opens_nothing, bob, increment, key_of, open,
};
use crate::block_on;

/// Signs `principal` in on a new session with this value; its key.
async fn signed_in(test: &TestSessions, principal: &Principal, value: u64) -> Key {
    let mut session = test.sessions.generate(Counter::of(value)).await.unwrap();
    session.login(principal).await.unwrap();
    key_of(&session)
}

/// With their values and times, page by page, without sessions that ended, expired or belong to
/// another principal.
pub fn a_principals_live_sessions_are_listed_and_no_others(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let began = test.clock.now();
        let gone = [signed_in(&test, &alice(), 1).await, signed_in(&test, &alice(), 2).await];
        test.clock.advance(Duration::from_secs(29 * 60));
        open(&test, &gone[1]).await.logout().await.unwrap();
        let mut here = Vec::new();
        for value in 3..8 {
            here.push(signed_in(&test, &alice(), value).await.id());
        }
        signed_in(&test, &bob(), 9).await;
        test.clock.advance(Duration::from_secs(2 * 60));

        here.sort();
        for limit in [1, 2, 100] {
            let (mut page, mut listed) = (Page::first(limit), Vec::new());
            loop {
                let part = test.sessions.list(&alice(), page).await.unwrap();
                listed.extend(
                    part.iter().map(|summary| (summary.id(), summary.value().unwrap().count)),
                );
                match part.last() {
                    Some(last) if part.len() == limit => page = page.after(last.id()),
                    _ => break,
                }
            }
            let ids: Vec<PublicId> = listed.iter().map(|(id, _)| *id).collect();
            let mut values: Vec<u64> = listed.iter().map(|(_, value)| *value).collect();
            values.sort_unstable();
            assert_eq!((ids, values), (here.clone(), vec![3, 4, 5, 6, 7]), "in pages of {limit}");
        }
        let first = &test.sessions.list(&alice(), Page::first(1)).await.unwrap()[0];
        let then = began.after(Duration::from_secs(29 * 60));
        assert_eq!(
            (first.created(), first.authenticated_at(), first.last_seen()),
            (then, Some(then), Some(then))
        );
        assert_eq!(first.expires_in(test.clock.now()), Duration::from_secs(28 * 60));
    });
}

/// The current session and those of other principals stay.
pub fn logging_out_other_sessions_ends_them_and_names_the_reason(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (here, there) =
            (signed_in(&test, &alice(), 1).await, signed_in(&test, &alice(), 2).await);
        let (third, his) = (signed_in(&test, &alice(), 3).await, signed_in(&test, &bob(), 4).await);
        let mut session = open(&test, &here).await;

        assert!(!session.logout_other(his.id()).await.unwrap(), "the session is not Alice's");
        assert!(session.logout_other(there.id()).await.unwrap());
        assert!(!session.logout_other(there.id()).await.unwrap(), "the session has ended");
        assert_eq!(session.logout_others().await.unwrap(), 1);
        for key in [&there, &third] {
            let ended = NoSession::Ended(EndReason::SignedOutElsewhere);
            assert_eq!(assert_opens_nothing(&test, key).await, ended);
        }
        assert_eq!(open(&test, &here).await.principal(), Some(&alice()));
        assert_eq!(open(&test, &his).await.principal(), Some(&bob()));
    });
}

/// The current session ends too.
pub fn logging_out_everywhere_ends_every_session_of_the_principal(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let (here, there) =
            (signed_in(&test, &alice(), 1).await, signed_in(&test, &alice(), 2).await);
        let his = signed_in(&test, &bob(), 3).await;
        let mut session = open(&test, &here).await;
        assert_eq!(session.logout_everywhere().await.unwrap(), 1);
        assert!(!session.exists());
        assert_eq!(
            assert_opens_nothing(&test, &here).await,
            NoSession::Ended(EndReason::SignedOut)
        );
        assert_eq!(
            assert_opens_nothing(&test, &there).await,
            NoSession::Ended(EndReason::SignedOutElsewhere)
        );
        assert_eq!(open(&test, &his).await.principal(), Some(&bob()));
    });
}

/// A copied key loses all power once it is renewed or its session ended, also in a request that had
/// already begun.
pub fn a_request_whose_key_was_replaced_logs_no_session_out(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let there = signed_in(&test, &alice(), 1).await;
        for renewed in [false, true] {
            let here = signed_in(&test, &alice(), 2).await;
            let mut in_flight = open(&test, &here).await;
            let mut owner = open(&test, &here).await;
            let kind = if renewed {
                owner.renew().await.unwrap();
                ErrorKind::Superseded
            } else {
                owner.logout().await.unwrap();
                ErrorKind::NotFound
            };
            assert_kind(in_flight.logout_other(there.id()).await, kind);
            assert_kind(in_flight.logout_others().await, kind);
            assert_kind(in_flight.logout_everywhere().await, kind);
            increment(&mut open(&test, &there).await).await.unwrap();
        }
    });
}

/// Nothing is ended.
pub fn an_anonymous_session_has_no_other_sessions(store: impl Store) {
    let test = TestSessions::new(store);
    block_on(async {
        let there = signed_in(&test, &alice(), 1).await;
        let here = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let mut session = open(&test, &here).await;
        assert!(!session.logout_other(there.id()).await.unwrap());
        assert_eq!(session.logout_others().await.unwrap(), 0);
        assert_eq!(open(&test, &there).await.principal(), Some(&alice()));
        session.end().await.unwrap();
        assert_eq!(session.logout_everywhere().await.unwrap(), 0);
    });
}

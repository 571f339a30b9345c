//! Taking over the sessions of another library: nobody is logged out, nobody comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::{Operation, Page};
use cloakroom::{
    AuthRequirement, CookiePolicy, Error, ErrorKind, Login, NoSession, Session, SessionLimit,
    Store, Transport,
};
use http::{HeaderMap, HeaderValue};

use super::{Counter, TestSessions, alice, assert_kind, increment, key_of, open};
use crate::{CookieSeen, Fault, FaultyStore, StepStore, block_on, cookie_of};

const TOKEN: &[u8] = b"the old library's session id";

/// An old store with one session in it, and how often it was read.
#[derive(Default)]
struct Old {
    reads: AtomicUsize,
}

impl Old {
    fn read(&self) -> (Counter, Option<Login>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        (Counter::of(7), Some(Login::of(&alice())))
    }

    /// The session of a request that brings the token, and `keys` of ours.
    async fn import_with(
        &self,
        test: &TestSessions,
        request: &HeaderMap,
        token: &[u8],
    ) -> Result<Session<Counter>, Error> {
        let estate = async || Ok::<_, std::io::Error>((token == TOKEN).then(|| self.read()));
        test.sessions.request_session().import_legacy(request, token, estate).await
    }

    async fn import(&self, test: &TestSessions) -> Session<Counter> {
        self.import_with(test, &HeaderMap::new(), TOKEN).await.expect("the stores are up")
    }
}

/// A page and its images come at once, and none of their responses may have arrived.
pub fn a_token_leads_to_one_session_however_often_it_comes(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let first = old.import(&test).await;
        assert_eq!((first.value().count, first.principal()), (7, Some(&alice())));
        let CookieSeen::Set { key, .. } = cookie_of(&first.headers()) else {
            panic!("the key is sent")
        };
        for expected in 8..12 {
            let mut again = old.import(&test).await;
            assert_eq!(again.id(), first.id());
            let CookieSeen::Set { key: same, .. } = cookie_of(&again.headers()) else {
                panic!("it is sent again")
            };
            assert_eq!(same, key);
            assert_eq!(increment(&mut again).await.unwrap(), expected);
        }
        assert_eq!(old.reads.load(Ordering::Relaxed), 1, "the old store is read once");
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 1);
        assert_eq!(open(&test, &key).await.value().count, 11);
    });
}

/// Two requests that both found nothing yet begin one session.
pub fn two_heirs_at_once_are_one(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let estate = async || {
            let other = old.import(&test).await;
            assert!(other.exists());
            Ok::<_, std::io::Error>(Some(old.read()))
        };
        let session = test
            .sessions
            .request_session()
            .import_legacy(&HeaderMap::new(), TOKEN, estate)
            .await
            .unwrap();
        assert_eq!((session.value().count, old.reads.load(Ordering::Relaxed)), (7, 2));
        assert_eq!(session.id(), old.import(&test).await.id());
    });
}

/// One was quicker, and deleted the old session before the other had looked.
pub fn an_heir_is_found_though_the_estate_is_gone(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let estate = async || {
            assert!(old.import(&test).await.exists());
            Ok::<_, std::io::Error>(None)
        };
        let request_session = test.sessions.request_session();
        let session =
            request_session.import_legacy(&HeaderMap::new(), TOKEN, estate).await.unwrap();
        assert_eq!((session.value().count, session.principal()), (7, Some(&alice())));
        assert!(request_session.is_imported());
    });
}

/// A page begins an anonymous session before the old cookie comes, which `SameSite=Strict` holds back: the login is not lost for it.
pub fn an_anonymous_session_gives_way_to_an_inherited_login_only(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let anonymous = key_of(&test.sessions.generate(Counter::of(1)).await.unwrap());
        let request_session = test.sessions.request_session();
        let nobody = async || Ok::<_, std::io::Error>(Some((Counter::of(9), None)));
        let session =
            request_session.import_legacy(&test.request(&anonymous), TOKEN, nobody).await.unwrap();
        assert_eq!(
            (session.value().count, request_session.is_imported()),
            (1, false),
            "nobody signed in: what was begun goes on"
        );

        let session = old.import_with(&test, &test.request(&anonymous), TOKEN).await.unwrap();
        assert_eq!((session.value().count, session.principal()), (7, Some(&alice())));
        let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) else {
            panic!("the key is sent")
        };
        // Who has the imported's own key needs nothing more, and the old session has done its duty.
        let request_session = test.sessions.request_session();
        let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
        request_session.import_legacy(&test.request(&key), TOKEN, estate).await.unwrap().value();
        assert!(request_session.is_imported());
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// What the old store knew of the token opens nothing in the end.
pub fn a_token_opens_nothing_once_its_visitor_came_back_with_the_new_key(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let key = key_of(&old.import(&test).await);
        assert!(open(&test, &key).await.exists());
        test.clock.advance(Duration::from_secs(60));
        assert!(open(&test, &key).await.exists());
        assert_eq!(old.import(&test).await.no_session(), Some(NoSession::Superseded));
        test.clock.advance(Duration::from_secs(2 * 60));
        assert_eq!(old.import(&test).await.no_session(), Some(NoSession::Retired));
        assert_eq!(open(&test, &key).await.value().count, 7);
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// Though the old store still has its session: deleting it there may have failed.
pub fn nobody_is_inherited_after_a_logout(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        old.import(&test).await.logout().await.unwrap();
        let again = old.import(&test).await;
        assert_eq!(again.no_session(), Some(NoSession::Ended(EndReason::SignedOut)));
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// A visitor who is signed in inherits nothing, and one whose old session is gone is a visitor like any other.
pub fn who_has_a_session_or_no_estate_inherits_nothing(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        let session = old.import_with(&test, &test.request(&key), TOKEN).await.unwrap();
        assert_eq!((session.value().count, old.reads.load(Ordering::Relaxed)), (1, 0));
        let mut stranger = old.import_with(&test, &HeaderMap::new(), b"made up").await.unwrap();
        assert_eq!(stranger.no_session(), Some(NoSession::NoKey));
        assert_eq!(increment(&mut stranger).await.unwrap(), 1);
        assert!(!test.events().iter().any(|event| event.starts_with("UnknownKey")));
    });
}

/// It is an error, and the next request may succeed.
pub fn an_old_store_that_is_down_logs_nobody_out(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let down = async || Err(std::io::Error::other("down"));
        let failed =
            test.sessions.request_session().import_legacy(&HeaderMap::new(), TOKEN, down).await;
        assert_kind(failed, ErrorKind::Unavailable);
        assert_eq!(old.import(&test).await.value().count, 7);
    });
}

/// Its proof is as old as nobody knows: a revocation that is known refuses it, and a sensitive step asks for another.
pub fn an_inherited_login_counts_as_long_ago(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let mut session = old.import(&test).await;
        let recent = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
        assert_kind(session.require(recent).await, ErrorKind::StepUpRequired);
        session.require(AuthRequirement::signed_in()).await.unwrap();
        session.logout().await.unwrap();

        // The password is changed before the thief of another old cookie comes.
        test.sessions.revoke_issued_before(&alice(), test.sessions.now()).await.unwrap();
        let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
        let request_session = test.sessions.request_session();
        let refused = request_session
            .import_legacy(&HeaderMap::new(), b"another token", estate)
            .await
            .unwrap();
        assert!(!refused.exists() && !request_session.is_imported());
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 0);
    });
}

/// Its creator went away before the directory was asked once more, and a revocation found no record in between.
pub fn an_heir_whose_creator_went_away_is_confirmed_before_it_opens(store: impl Store) {
    let steps = StepStore::new(store);
    let (test, old) = (TestSessions::new(steps.clone()), Old::default());
    let held = steps.hold(Operation::Insert);
    let request_session = test.sessions.request_session();
    let request = HeaderMap::new();
    let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
    let mut first = Box::pin(request_session.import_legacy(&request, TOKEN, estate));
    let mut poll = || first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    while !held.has_arrived() {
        assert!(!poll());
    }
    block_on(test.sessions.revoke_issued_before(&alice(), test.sessions.now())).unwrap();
    let confirming = steps.hold(Operation::IndexLogin);
    held.release();
    while !confirming.has_arrived() {
        assert!(!poll());
    }
    drop(first);
    block_on(async {
        assert!(old.import(&test).await.principal().is_none());
        assert_eq!(
            old.import(&test).await.no_session(),
            Some(NoSession::Ended(EndReason::Revoked))
        );
    });
}

/// Who was sent no key must keep the old cookie: the renewal failed, or the client takes no cookies.
pub fn nothing_is_taken_over_before_the_key_is_on_its_way(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let both = Transport::cookie_or_bearer(CookiePolicy::default());
    let (test, old) =
        (TestSessions::with(faulty.clone(), |builder| builder.transport(both)), Old::default());
    block_on(async {
        let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
        let mut bearer = HeaderMap::new();
        bearer.insert("authorization", HeaderValue::from_static("Bearer of-another-service"));
        let request_session = test.sessions.request_session();
        assert!(
            !request_session.import_legacy(&bearer, TOKEN, estate).await.unwrap().exists()
                && !request_session.is_imported()
        );

        faulty.fail_on(Operation::Replace, Fault::NotSent);
        let request_session = test.sessions.request_session();
        let session =
            request_session.import_legacy(&HeaderMap::new(), TOKEN, estate).await.unwrap();
        assert_eq!((session.value().count, cookie_of(&session.headers())), (7, CookieSeen::None));
        assert!(!request_session.is_imported());
        let request_session = test.sessions.request_session();
        request_session.import_legacy(&HeaderMap::new(), TOKEN, estate).await.unwrap().value();
        assert!(request_session.is_imported());
    });
}

/// Another handle of the request was quicker: what it was answered stays, and the old session waits for the next request.
pub fn what_a_request_begins_meanwhile_is_not_given_up_for_an_inheritance(store: impl Store) {
    let (test, old) = (TestSessions::new(store), Old::default());
    block_on(async {
        let (request_session, nothing) = (test.sessions.request_session(), HeaderMap::new());
        let estate = async || {
            let mut other = request_session.session(&nothing).await.unwrap();
            assert_eq!(increment(&mut other).await.unwrap(), 1);
            Ok::<_, std::io::Error>(Some(old.read()))
        };
        let session = request_session.import_legacy(&nothing, TOKEN, estate).await.unwrap();
        assert_eq!(
            (session.value().count, session.principal(), request_session.is_imported()),
            (1, None, false)
        );
        let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) else {
            panic!("its own key is sent")
        };
        assert_eq!(Some(key.id()), session.id());
        assert_eq!(
            old.import_with(&test, &test.request(&key), TOKEN).await.unwrap().value().count,
            7
        );
    });
}

/// A visitor who may not be signed in once more is one who is not signed in, on every page.
pub fn an_inheritance_that_a_limit_refuses_is_no_failure(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::reject_new(1)));
    let old = Old::default();
    block_on(async {
        let mut other = test.sessions.generate(Counter::of(1)).await.unwrap();
        other.login(&alice()).await.unwrap();
        let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
        let request_session = test.sessions.request_session();
        let refused =
            request_session.import_legacy(&HeaderMap::new(), TOKEN, estate).await.unwrap();
        assert!(!refused.exists() && !request_session.is_imported());
        other.logout().await.unwrap();
        assert_eq!(old.import(&test).await.principal(), Some(&alice()));
    });
}

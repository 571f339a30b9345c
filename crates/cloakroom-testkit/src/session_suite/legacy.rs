//! Importing the sessions of another library.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom::key::Secret;
use cloakroom::record::EndReason;
use cloakroom::store::{Operation, Page};
use cloakroom::{
    AuthRequirement, CookiePolicy, Error, ErrorKind, Key, Login, NoSession, PublicId, Session,
    SessionLimit, Store, Transport,
};
use http::{HeaderMap, HeaderValue};

use super::{Counter, TestSessions, alice, assert_kind, bob, increment, key_of, open};
use crate::{CookieSeen, Fault, FaultyStore, StepStore, block_on, cookie_of};

const TOKEN: &[u8] = b"the session id of another library";

/// The store of another library, with one session of Alice's, and how often it was read.
#[derive(Default)]
struct LegacyStore {
    reads: AtomicUsize,
}

impl LegacyStore {
    fn read(&self) -> (Counter, Option<Login>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        (Counter::of(7), Some(Login::of(&alice())))
    }

    /// The session of a request with this token and the keys in `request`.
    async fn import_with(
        &self,
        test: &TestSessions,
        request: &HeaderMap,
        token: &[u8],
    ) -> Result<Session<Counter>, Error> {
        let load = async || Ok::<_, std::io::Error>((token == TOKEN).then(|| self.read()));
        test.sessions.request_session().import_legacy(request, token, load).await
    }

    async fn import(&self, test: &TestSessions) -> Session<Counter> {
        self.import_with(test, &HeaderMap::new(), TOKEN).await.expect("the stores are up")
    }
}

/// A page and its images come at once, before any response has arrived.
pub fn a_legacy_token_leads_to_one_session_however_often_it_comes(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let first = legacy.import(&test).await;
        assert_eq!((first.value().count, first.principal()), (7, Some(&alice())));
        let CookieSeen::Set { key, .. } = cookie_of(&first.headers()) else {
            panic!("the key is sent")
        };
        for expected in 8..12 {
            let mut again = legacy.import(&test).await;
            assert_eq!(again.id(), first.id());
            let CookieSeen::Set { key: same, .. } = cookie_of(&again.headers()) else {
                panic!("the key is sent again")
            };
            assert_eq!(same, key);
            assert_eq!(increment(&mut again).await.unwrap(), expected);
        }
        assert_eq!(legacy.reads.load(Ordering::Relaxed), 1, "the legacy store is read once");
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 1);
        assert_eq!(open(&test, &key).await.value().count, 11);
    });
}

/// Both requests found no imported session before they began one.
pub fn two_imports_at_once_begin_one_session(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let load = async || {
            let other = legacy.import(&test).await;
            assert!(other.exists());
            Ok::<_, std::io::Error>(Some(legacy.read()))
        };
        let session = test
            .sessions
            .request_session()
            .import_legacy(&HeaderMap::new(), TOKEN, load)
            .await
            .unwrap();
        assert_eq!((session.value().count, legacy.reads.load(Ordering::Relaxed)), (7, 2));
        assert_eq!(session.id(), legacy.import(&test).await.id());
    });
}

/// A faster request imported the session and deleted the legacy one before this request read it.
pub fn an_imported_session_is_found_after_the_legacy_session_is_gone(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let load = async || {
            assert!(legacy.import(&test).await.exists());
            Ok::<_, std::io::Error>(None)
        };
        let request_session = test.sessions.request_session();
        let session = request_session.import_legacy(&HeaderMap::new(), TOKEN, load).await.unwrap();
        assert_eq!((session.value().count, session.principal()), (7, Some(&alice())));
        assert!(request_session.is_imported());
    });
}

/// A sibling site can plant the old cookie, to sign a visitor in as itself: what the visitor has is
/// not replaced, and an operator is told.
pub fn an_import_replaces_no_session_that_exists(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let anonymous = test.sessions.generate(Counter::of(1)).await.unwrap();
        let mut signed_in = test.sessions.generate(Counter::of(2)).await.unwrap();
        signed_in.login(&bob()).await.unwrap();
        for (kept, count) in [(&anonymous, 1), (&signed_in, 2)] {
            let request = test.request(&key_of(kept));
            let mut session = legacy.import_with(&test, &request, TOKEN).await.unwrap();
            assert_eq!((session.id(), session.value().count), (kept.id(), count));
            assert_eq!(session.principal(), kept.principal());
            assert_eq!(increment(&mut session).await.unwrap(), count + 1);
        }
        assert_eq!(legacy.reads.load(Ordering::Relaxed), 0);
        let withheld = test.events();
        let withheld = withheld.iter().filter(|event| event.starts_with("ImportWithheld"));
        assert_eq!(withheld.count(), 2);

        // Without one, the old session is imported, and its key then counts as any other.
        let imported = legacy.import(&test).await;
        let request_session = test.sessions.request_session();
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let request = test.request(&key_of(&imported));
        request_session.import_legacy(&request, TOKEN, load).await.unwrap().value();
        assert!(request_session.is_imported());
        assert_eq!(legacy.reads.load(Ordering::Relaxed), 1);
    });
}

/// Tokens that are guessed, or whose session is gone, show in a metric.
pub fn a_token_that_leads_to_no_session_is_reported(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        for guess in 0..3_u8 {
            let guessed = legacy.import_with(&test, &HeaderMap::new(), &[guess; 16]).await;
            assert!(!guessed.unwrap().exists());
        }
        assert!(legacy.import(&test).await.exists());
        let unknown = test.events();
        let unknown = unknown.iter().filter(|event| event.starts_with("UnknownImport"));
        assert_eq!(unknown.count(), 3);
    });
}

/// What the legacy store knows of the token opens nothing in the end.
pub fn a_legacy_token_opens_nothing_once_the_new_key_is_in_use(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let key = key_of(&legacy.import(&test).await);
        assert!(open(&test, &key).await.exists());
        test.clock.advance(Duration::from_secs(60));
        assert!(open(&test, &key).await.exists());
        assert_eq!(legacy.import(&test).await.no_session(), Some(NoSession::Superseded));
        test.clock.advance(Duration::from_secs(2 * 60));
        assert_eq!(legacy.import(&test).await.no_session(), Some(NoSession::Retired));
        assert_eq!(open(&test, &key).await.value().count, 7);
        assert_eq!(legacy.reads.load(Ordering::Relaxed), 1);
    });
}

/// Even if the legacy store still has the session, since deleting it there can fail.
pub fn nothing_is_imported_after_a_logout(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        legacy.import(&test).await.logout().await.unwrap();
        let again = legacy.import(&test).await;
        assert_eq!(again.no_session(), Some(NoSession::Ended(EndReason::SignedOut)));
        assert_eq!(legacy.reads.load(Ordering::Relaxed), 1);
    });
}

/// A visitor who is signed in keeps their session, and one whose legacy session is gone is a new
/// visitor.
pub fn nothing_is_imported_over_a_login_or_without_a_legacy_session(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        let session = legacy.import_with(&test, &test.request(&key), TOKEN).await.unwrap();
        assert_eq!((session.value().count, legacy.reads.load(Ordering::Relaxed)), (1, 0));
        let mut stranger = legacy.import_with(&test, &HeaderMap::new(), b"made up").await.unwrap();
        assert_eq!(stranger.no_session(), Some(NoSession::NoKey));
        assert_eq!(increment(&mut stranger).await.unwrap(), 1);
        assert!(!test.events().iter().any(|event| event.starts_with("UnknownKey")));
    });
}

/// The next request can succeed.
pub fn a_legacy_store_that_is_down_is_an_error(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let down = async || Err(std::io::Error::other("down"));
        let failed =
            test.sessions.request_session().import_legacy(&HeaderMap::new(), TOKEN, down).await;
        assert_kind(failed, ErrorKind::Unavailable);
        assert_eq!(legacy.import(&test).await.value().count, 7);
    });
}

/// The time of the sign-in is unknown: a known revocation refuses the login, and a step-up asks for
/// a new one.
pub fn an_imported_login_counts_as_long_ago(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let mut session = legacy.import(&test).await;
        let recent = AuthRequirement::signed_in().within(Duration::from_secs(5 * 60));
        assert_kind(session.require(recent).await, ErrorKind::StepUpRequired);
        session.require(AuthRequirement::signed_in()).await.unwrap();
        session.logout().await.unwrap();

        // The password is changed before an attacker with a copied legacy cookie comes.
        test.sessions.revoke_issued_before(&alice(), test.sessions.now()).await.unwrap();
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let request_session = test.sessions.request_session();
        let refused =
            request_session.import_legacy(&HeaderMap::new(), b"another token", load).await.unwrap();
        assert!(!refused.exists() && !request_session.is_imported());
        assert_eq!(test.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 0);
    });
}

/// The importing request was dropped before it had asked the index again, and a revocation had
/// found no record.
pub fn an_unconfirmed_import_is_confirmed_before_it_opens(store: impl Store) {
    let steps = StepStore::new(store);
    let (test, legacy) = (TestSessions::new(steps.clone()), LegacyStore::default());
    let held = steps.hold(Operation::Insert);
    let request_session = test.sessions.request_session();
    let request = HeaderMap::new();
    let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
    let mut first = Box::pin(request_session.import_legacy(&request, TOKEN, load));
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
        assert!(legacy.import(&test).await.principal().is_none());
        assert_eq!(
            legacy.import(&test).await.no_session(),
            Some(NoSession::Ended(EndReason::Revoked))
        );
    });
}

/// A client that was sent no key must keep its legacy cookie: the renewal failed, or the client
/// takes no cookies.
pub fn an_import_is_not_reported_before_its_key_is_sent(store: impl Store) {
    let faulty = FaultyStore::new(store);
    let both = Transport::cookie_or_bearer(CookiePolicy::default());
    let (test, legacy) = (
        TestSessions::with(faulty.clone(), |builder| builder.transport(both)),
        LegacyStore::default(),
    );
    block_on(async {
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let unknown = Key::new(PublicId::from_bytes([9; 16]), Secret::from_bytes([9; 16]));
        let value = HeaderValue::try_from(format!("Bearer {}", unknown.expose())).unwrap();
        let bearer = HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        let request_session = test.sessions.request_session();
        assert!(
            !request_session.import_legacy(&bearer, TOKEN, load).await.unwrap().exists()
                && !request_session.is_imported()
        );

        faulty.fail_on(Operation::Replace, Fault::NotSent);
        let request_session = test.sessions.request_session();
        let session = request_session.import_legacy(&HeaderMap::new(), TOKEN, load).await.unwrap();
        assert_eq!((session.value().count, cookie_of(&session.headers())), (7, CookieSeen::None));
        assert!(!request_session.is_imported());
        let request_session = test.sessions.request_session();
        request_session.import_legacy(&HeaderMap::new(), TOKEN, load).await.unwrap().value();
        assert!(request_session.is_imported());
    });
}

/// Another handle of the request was faster: its session stands.
pub fn an_import_never_replaces_a_session_begun_meanwhile(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let (request_session, nothing) = (test.sessions.request_session(), HeaderMap::new());
        let load = async || {
            let mut other = request_session.session(&nothing).await.unwrap();
            assert_eq!(increment(&mut other).await.unwrap(), 1);
            Ok::<_, std::io::Error>(Some(legacy.read()))
        };
        let session = request_session.import_legacy(&nothing, TOKEN, load).await.unwrap();
        assert_eq!(
            (session.value().count, session.principal(), request_session.is_imported()),
            (1, None, false)
        );
        let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) else {
            panic!("the key of the new session is sent")
        };
        assert_eq!(Some(key.id()), session.id());
        let session = legacy.import_with(&test, &test.request(&key), TOKEN).await.unwrap();
        assert_eq!(session.value().count, 1, "nor at the next request");
    });
}

/// The visitor is not signed in, on any page.
pub fn an_import_over_the_session_limit_is_not_an_error(store: impl Store) {
    let test = TestSessions::with(store, |builder| builder.limit(SessionLimit::reject_new(1)));
    let legacy = LegacyStore::default();
    block_on(async {
        let mut other = test.sessions.generate(Counter::of(1)).await.unwrap();
        other.login(&alice()).await.unwrap();
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let request_session = test.sessions.request_session();
        let refused = request_session.import_legacy(&HeaderMap::new(), TOKEN, load).await.unwrap();
        assert!(!refused.exists() && !request_session.is_imported());
        other.logout().await.unwrap();
        assert_eq!(legacy.import(&test).await.principal(), Some(&alice()));
    });
}

/// A dead cookie of ours stays in the browser, and must not keep the old session out.
pub fn a_retired_key_does_not_keep_an_old_session_out(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let mut session = test.sessions.generate(Counter::of(1)).await.unwrap();
        let old = key_of(&session);
        session.login(&bob()).await.unwrap();
        test.clock.advance(Duration::from_secs(120));
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let request_session = test.sessions.request_session();
        let session =
            request_session.import_legacy(&test.request(&old), TOKEN, load).await.unwrap();
        assert_eq!(session.value().count, 7);
        assert!(matches!(cookie_of(&session.headers()), CookieSeen::Set { .. }));
        assert!(request_session.is_imported());
    });
}

/// Its answer, with the new cookie, may be thrown away: the old session must not be deleted for it.
pub fn an_import_in_a_prefetch_leaves_the_legacy_session_alone(store: impl Store) {
    let (test, legacy) = (TestSessions::new(store), LegacyStore::default());
    block_on(async {
        let load = async || Ok::<_, std::io::Error>(Some(legacy.read()));
        let mut prefetch = HeaderMap::new();
        prefetch.insert("sec-purpose", HeaderValue::from_static("prefetch"));
        let request_session = test.sessions.request_session();
        let page = request_session.import_legacy(&prefetch, TOKEN, load).await.unwrap();
        assert_eq!((page.principal(), request_session.is_imported()), (Some(&alice()), false));

        let request_session = test.sessions.request_session();
        let again = request_session.import_legacy(&HeaderMap::new(), TOKEN, load).await.unwrap();
        assert_eq!((again.id(), request_session.is_imported()), (page.id(), true));
    });
}

/// A browser's script sends it to another service's proxy, next to the old cookie.
pub fn a_token_for_another_service_does_not_hinder_an_import(store: impl Store) {
    let transport = || Transport::cookie_or_bearer(CookiePolicy::default());
    let test = TestSessions::with(store, |builder| builder.transport(transport()));
    let legacy = LegacyStore::default();
    block_on(async {
        let mut request = HeaderMap::new();
        request.insert("authorization", HeaderValue::from_static("Bearer eyJhbGciOi.J9.x"));
        let session = legacy.import_with(&test, &request, TOKEN).await.unwrap();
        assert_eq!(session.principal(), Some(&alice()));
    });
}

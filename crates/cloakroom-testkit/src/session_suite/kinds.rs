//! Several kinds of session on one store: lists and limits go by kind, and what ends all sessions
//! of a person does not.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::store::Page;
use cloakroom::{
    Error, ErrorKind, Key, Login, NoSession, PublicId, SessionKind, SessionLimit, Sessions, Store,
};

use super::{Counter, alice, assert_kind, bob};
use crate::{ManualClock, block_on};

struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

/// Two kinds of session on one store and one clock.
struct Kinds {
    clock: ManualClock,
    visitors: Sessions<Counter>,
    admins: Sessions<Counter, Admin>,
}

impl Kinds {
    fn new(store: impl Store) -> Self {
        Self::built(store, None)
    }

    /// With this limit for both.
    fn limited(store: impl Store, limit: SessionLimit) -> Self {
        Self::built(store, Some(limit))
    }

    fn built(store: impl Store, limit: Option<SessionLimit>) -> Self {
        let (store, clock): (Arc<dyn Store>, _) = (Arc::new(store), ManualClock::new());
        let visitors = build(Arc::clone(&store), &clock, limit);
        Self { visitors, admins: build(store, &clock, limit), clock }
    }

    fn advance(&self) {
        self.clock.advance(Duration::from_secs(1));
    }
}

fn build<K: SessionKind>(
    store: Arc<dyn Store>,
    clock: &ManualClock,
    limit: Option<SessionLimit>,
) -> Sessions<Counter, K> {
    let builder = Sessions::builder(store).clock(clock.clone());
    match limit {
        Some(limit) => builder.limit(limit).build(),
        None => builder.build(),
    }
    .expect("the policy is valid")
}

/// Signs Alice in on a new session.
async fn sign_in<K: SessionKind>(sessions: &Sessions<Counter, K>) -> Result<Key, Error> {
    let mut session = sessions.generate(Counter::of(1)).await?;
    session.login(&alice()).await?;
    Ok(session.key().expect("a live session has a key").clone())
}

/// Why the key opens no session; `None` if it opens one.
async fn ended<K: SessionKind>(sessions: &Sessions<Counter, K>, key: &Key) -> Option<NoSession> {
    let error = sessions.of_key(key).await.err()?;
    Some(error.no_session().expect("the store is up"))
}

/// The ids of Alice's sessions.
async fn listed<K: SessionKind>(sessions: &Sessions<Counter, K>) -> Vec<PublicId> {
    let listed = sessions.list(&alice(), Page::first(1_000)).await.unwrap();
    listed.iter().map(cloakroom::session::Summary::id).collect()
}

fn sorted(keys: &[&Key]) -> Vec<PublicId> {
    let mut ids: Vec<PublicId> = keys.iter().map(|key| key.id()).collect();
    ids.sort_unstable();
    ids
}

/// Also after the session was extended, which indexes it again.
pub fn a_list_shows_the_sessions_of_its_kind(store: impl Store) {
    let kinds = Kinds::new(store);
    block_on(async {
        let visitors =
            [sign_in(&kinds.visitors).await.unwrap(), sign_in(&kinds.visitors).await.unwrap()];
        let admin = sign_in(&kinds.admins).await.unwrap();
        for _ in 0..2 {
            assert_eq!(listed(&kinds.visitors).await, sorted(&[&visitors[0], &visitors[1]]));
            assert_eq!(listed(&kinds.admins).await, [admin.id()]);
            let mut session = kinds.admins.of_key(&admin).await.unwrap();
            session.extend(Duration::from_secs(20 * 60 * 60)).await.unwrap();
        }
        assert!(kinds.admins.list(&bob(), Page::first(9)).await.unwrap().is_empty());
    });
}

/// Neither kind ends or refuses a session of the other.
pub fn a_policys_limit_counts_the_sessions_of_its_kind(store: impl Store) {
    let store = Arc::new(store);
    let kinds = Kinds::limited(Arc::clone(&store), SessionLimit::end_oldest(1));
    let full = Kinds::limited(store, SessionLimit::reject_new(1));
    block_on(async {
        let first = sign_in(&kinds.visitors).await.unwrap();
        assert_kind(sign_in(&full.visitors).await, ErrorKind::TooManySessions);
        let admin = sign_in(&full.admins).await.unwrap();
        kinds.advance();
        let second = sign_in(&kinds.visitors).await.unwrap();
        let over_limit = Some(NoSession::Ended(EndReason::OverLimit));
        assert_eq!(ended(&kinds.visitors, &first).await, over_limit);
        assert_eq!(ended(&kinds.visitors, &second).await, None);
        assert_eq!(ended(&kinds.admins, &admin).await, None);
    });
}

/// The oldest login ends, whatever its kind.
pub fn a_policys_limit_across_kinds_counts_every_session(store: impl Store) {
    let store = Arc::new(store);
    let kinds = Kinds::limited(Arc::clone(&store), SessionLimit::end_oldest(2).across_kinds());
    let full = Kinds::limited(store, SessionLimit::reject_new(2).across_kinds());
    block_on(async {
        let admin = sign_in(&kinds.admins).await.unwrap();
        kinds.advance();
        let first = sign_in(&kinds.visitors).await.unwrap();
        assert_kind(sign_in(&full.visitors).await, ErrorKind::TooManySessions);
        assert_kind(sign_in(&full.admins).await, ErrorKind::TooManySessions);
        kinds.advance();
        let second = sign_in(&kinds.visitors).await.unwrap();
        let over_limit = Some(NoSession::Ended(EndReason::OverLimit));
        assert_eq!(ended(&kinds.admins, &admin).await, over_limit);
        assert_eq!(listed(&kinds.visitors).await, sorted(&[&first, &second]));
        kinds.advance();
        let admin = sign_in(&kinds.admins).await.unwrap();
        assert_eq!(ended(&kinds.visitors, &first).await, over_limit);
        assert_eq!(listed(&kinds.visitors).await, [second.id()]);
        assert_eq!(listed(&kinds.admins).await, [admin.id()]);
    });
}

/// Those that remain are listed.
pub fn of_concurrent_logins_of_two_kinds_the_limit_of_each_remains(store: impl Store) {
    const CLIENTS: usize = 24;
    let kinds = &Kinds::limited(store, SessionLimit::end_oldest(3));
    let barrier = Barrier::new(2 * CLIENTS);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            for is_admin in [false, true] {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let signed_in = if is_admin {
                        block_on(sign_in(&kinds.admins))
                    } else {
                        block_on(sign_in(&kinds.visitors))
                    };
                    signed_in.expect("a login makes room for itself");
                });
            }
        }
    });
    let (visitors, admins) = (block_on(listed(&kinds.visitors)), block_on(listed(&kinds.admins)));
    assert_eq!((visitors.len(), admins.len()), (3, 3));
}

/// `revoke_all` ends those of every kind, `revoke_all_of_kind` those of one.
pub fn revoking_a_principal_ends_sessions_of_every_kind_or_of_one(store: impl Store) {
    let kinds = Kinds::new(store);
    block_on(async {
        let revoked = Some(NoSession::Ended(EndReason::Revoked));
        let visitor = sign_in(&kinds.visitors).await.unwrap();
        let admin = sign_in(&kinds.admins).await.unwrap();
        assert_eq!(kinds.visitors.revoke_all_of_kind(&alice()).await.unwrap(), 1);
        assert_eq!(ended(&kinds.visitors, &visitor).await, revoked);
        assert_eq!(ended(&kinds.admins, &admin).await, None);
        let visitor = sign_in(&kinds.visitors).await.unwrap();
        assert_eq!(kinds.visitors.revoke_all(&alice()).await.unwrap(), 2);
        assert_eq!(ended(&kinds.visitors, &visitor).await, revoked);
        assert_eq!(ended(&kinds.admins, &admin).await, revoked);
    });
}

/// It ends their sessions, and refuses their sign-ins with an older proof.
pub fn a_revocation_reaches_every_kind(store: impl Store) {
    let kinds = Kinds::new(store);
    block_on(async {
        let (admin, checked) = (sign_in(&kinds.admins).await.unwrap(), kinds.clock.now());
        kinds.advance();
        let changed = kinds.visitors.now();
        assert_eq!(kinds.visitors.revoke_issued_before(&alice(), changed).await.unwrap(), 1);
        let revoked = Some(NoSession::Ended(EndReason::Revoked));
        assert_eq!(ended(&kinds.admins, &admin).await, revoked);
        let mut late = kinds.admins.generate(Counter::of(1)).await.unwrap();
        let login = late.login(Login::of(&alice()).with_authenticated_at(checked)).await;
        assert_kind(login, ErrorKind::LoginRevoked);
        assert!(listed(&kinds.admins).await.is_empty());
    });
}

/// Also one by one.
pub fn logging_out_other_sessions_ends_those_of_every_kind(store: impl Store) {
    let kinds = Kinds::new(store);
    block_on(async {
        let here = sign_in(&kinds.visitors).await.unwrap();
        let elsewhere = Some(NoSession::Ended(EndReason::SignedOutElsewhere));
        let there = sign_in(&kinds.admins).await.unwrap();
        let mut session = kinds.visitors.of_key(&here).await.unwrap();
        assert!(session.logout_other(there.id()).await.unwrap());
        assert_eq!(ended(&kinds.admins, &there).await, elsewhere);
        let there = sign_in(&kinds.admins).await.unwrap();
        assert_eq!(session.logout_others().await.unwrap(), 1);
        assert_eq!(ended(&kinds.admins, &there).await, elsewhere);
        assert_eq!(ended(&kinds.visitors, &here).await, None);
    });
}

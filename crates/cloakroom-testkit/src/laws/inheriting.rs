//! Taking over the sessions of another library: nobody is logged out, nobody comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom::{EndReason, Error, ErrorKind, Login, Page, Session, Store, Vacancy};
use http::HeaderMap;

use super::{Tally, World, alice, assert_kind, increment, key_of, visit};
use crate::{CookieSeen, block_on, cookie_of};

const TOKEN: &[u8] = b"the old library's session id";

/// An old store with one session in it, and how often it was read.
#[derive(Default)]
struct Old {
    reads: AtomicUsize,
}

impl Old {
    fn read(&self) -> (Tally, Option<Login>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        (Tally::of(7), Some(Login::of(&alice())))
    }

    /// The session of a request that brings the token, and `keys` of ours.
    async fn visit(&self, world: &World, request: &HeaderMap, token: &[u8]) -> Result<Session<Tally>, Error> {
        let estate = async || Ok::<_, std::io::Error>((token == TOKEN).then(|| self.read()));
        world.sessions.visit().inherit(request, token, estate).await
    }

    async fn come(&self, world: &World) -> Session<Tally> {
        self.visit(world, &HeaderMap::new(), TOKEN).await.expect("the stores are up")
    }
}

/// A page and its images come at once, and none of their responses may have arrived.
pub fn a_token_leads_to_one_session_however_often_it_comes(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let first = old.come(&world).await;
        assert_eq!((first.count, first.principal()), (7, Some(&alice())));
        let CookieSeen::Set { key, .. } = cookie_of(&first.headers()) else { panic!("the key is sent") };
        for expected in 8..12 {
            let mut again = old.come(&world).await;
            assert_eq!(again.id(), first.id());
            let CookieSeen::Set { key: same, .. } = cookie_of(&again.headers()) else {
                panic!("it is sent again")
            };
            assert_eq!(same, key);
            assert_eq!(increment(&mut again).await.unwrap(), expected);
        }
        assert_eq!(old.reads.load(Ordering::Relaxed), 1, "the old store is read once");
        assert_eq!(world.sessions.list(&alice(), Page::first(9)).await.unwrap().len(), 1);
        assert_eq!(visit(&world, &key).await.count, 11);
    });
}

/// Two requests that both found nothing yet begin one session.
pub fn two_heirs_at_once_are_one(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let estate = async || {
            let other = old.come(&world).await;
            assert!(!other.is_vacant());
            Ok::<_, std::io::Error>(Some(old.read()))
        };
        let session = world.sessions.visit().inherit(&HeaderMap::new(), TOKEN, estate).await.unwrap();
        assert_eq!((session.count, old.reads.load(Ordering::Relaxed)), (7, 2));
        assert_eq!(session.id(), old.come(&world).await.id());
    });
}

/// One was quicker, and deleted the old session before the other had looked.
pub fn an_heir_is_found_though_the_estate_is_gone(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let estate = async || {
            assert!(!old.come(&world).await.is_vacant());
            Ok::<_, std::io::Error>(None)
        };
        let visit = world.sessions.visit();
        let session = visit.inherit(&HeaderMap::new(), TOKEN, estate).await.unwrap();
        assert_eq!((session.count, session.principal()), (7, Some(&alice())));
        assert!(visit.is_taken_over());
    });
}

/// A page begins an anonymous session before the old cookie comes, which `SameSite=Strict` holds back: the login is not lost for it.
pub fn an_anonymous_session_gives_way_to_an_inherited_login_only(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let anonymous = key_of(&world.sessions.generate(Tally::of(1)).await.unwrap());
        let visit = world.sessions.visit();
        let nobody = async || Ok::<_, std::io::Error>(Some((Tally::of(9), None)));
        let session = visit.inherit(&world.request(&anonymous), TOKEN, nobody).await.unwrap();
        assert_eq!(
            (session.count, visit.is_taken_over()),
            (1, false),
            "nobody signed in: what was begun goes on"
        );

        let session = old.visit(&world, &world.request(&anonymous), TOKEN).await.unwrap();
        assert_eq!((session.count, session.principal()), (7, Some(&alice())));
        let CookieSeen::Set { key, .. } = cookie_of(&session.headers()) else { panic!("the key is sent") };
        // Who has the heir's own key needs nothing more, and the old session has done its duty.
        let visit = world.sessions.visit();
        let estate = async || Ok::<_, std::io::Error>(Some(old.read()));
        visit.inherit(&world.request(&key), TOKEN, estate).await.unwrap().value();
        assert!(visit.is_taken_over());
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// What the old store knew of the token opens nothing in the end.
pub fn a_token_opens_nothing_once_its_visitor_came_back_with_the_new_key(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let key = key_of(&old.come(&world).await);
        assert!(!visit(&world, &key).await.is_vacant());
        world.clock.advance(Duration::from_mins(1));
        assert!(!visit(&world, &key).await.is_vacant());
        assert_eq!(old.come(&world).await.vacancy(), Some(Vacancy::Superseded));
        world.clock.advance(Duration::from_mins(2));
        assert_eq!(old.come(&world).await.vacancy(), Some(Vacancy::Replaced));
        assert_eq!(visit(&world, &key).await.count, 7);
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// Though the old store still has its session: deleting it there may have failed.
pub fn nobody_is_inherited_after_a_logout(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        old.come(&world).await.logout().await.unwrap();
        let again = old.come(&world).await;
        assert_eq!(again.vacancy(), Some(Vacancy::Ended(EndReason::SignedOut)));
        assert_eq!(old.reads.load(Ordering::Relaxed), 1);
    });
}

/// A visitor who is signed in inherits nothing, and one whose old session is gone is a visitor like any other.
pub fn who_has_a_session_or_no_estate_inherits_nothing(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let mut session = world.sessions.generate(Tally::of(1)).await.unwrap();
        session.login(&alice()).await.unwrap();
        let key = key_of(&session);
        let session = old.visit(&world, &world.request(&key), TOKEN).await.unwrap();
        assert_eq!((session.count, old.reads.load(Ordering::Relaxed)), (1, 0));
        let mut stranger = old.visit(&world, &HeaderMap::new(), b"made up").await.unwrap();
        assert_eq!(stranger.vacancy(), Some(Vacancy::NoKey));
        assert_eq!(increment(&mut stranger).await.unwrap(), 1);
        assert!(!world.events().iter().any(|event| event.starts_with("UnknownKey")));
    });
}

/// It is an error, and the next request may succeed.
pub fn an_old_store_that_is_down_logs_nobody_out(store: impl Store) {
    let (world, old) = (World::new(store), Old::default());
    block_on(async {
        let down = async || Err(std::io::Error::other("down"));
        let failed = world.sessions.visit().inherit(&HeaderMap::new(), TOKEN, down).await;
        assert_kind(failed, ErrorKind::Unavailable);
        assert_eq!(old.come(&world).await.count, 7);
    });
}

//! Several servers in one URL, of which more than one takes writes.

use std::time::Duration;

use cloakroom::record::Stored;
use cloakroom::store::Outcome;
use cloakroom::{ErrorKind, SessionMap, Sessions, Store};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::chaos::STORE_TIMEOUT;
use cloakroom_testkit::servers::{Durability, Postgres, Proxy, Server};
use tokio::runtime::Runtime;

use crate::server::{client, new_session, number};

const SESSIONS: &str = "SELECT count(*) FROM cloakroom.session";
const WAITS_FOR_IT: &str = "SELECT count(*) FROM pg_settings
    WHERE name = 'synchronous_standby_names' AND setting = 'missing'";
const WAITING_COMMITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// A server, and another one that was promoted in its place without it being stopped.
async fn two_primaries() -> (Postgres, Postgres) {
    let old = Postgres::start(Durability::Always);
    drop(PostgresStore::connect(old.url()).await.unwrap());
    let new = old.start_standby();
    new.promote();
    (old, new)
}

#[test]
fn of_two_servers_that_take_writes_the_one_promoted_last_is_used() {
    Runtime::new().unwrap().block_on(async {
        let (old, new) = two_primaries().await;
        let store = PostgresStore::connect(old.url_with(&new)).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        new_session(&sessions).await;
        assert_eq!(number(&client(&old).await, SESSIONS).await, 0);
        assert_eq!(number(&client(&new).await, SESSIONS).await, 1);
    });
}

#[test]
fn a_former_primary_is_not_used_while_the_new_one_restarts() {
    Runtime::new().unwrap().block_on(async {
        let (old, mut new) = two_primaries().await;
        let builder = PostgresStore::builder(old.url_with(&new)).timeout(Duration::from_secs(2));
        let store = std::sync::Arc::new(builder.connect().await.unwrap());
        let sessions: Sessions<SessionMap> = Sessions::new(std::sync::Arc::clone(&store)).unwrap();
        let key = new_session(&sessions).await;
        new.kill();
        let mut outdated = 0;
        for _ in 0..1_000 {
            let error = store.health().await.expect_err("the new primary is down");
            let source = std::error::Error::source(&error).unwrap();
            let source: &cloakroom_postgres::PostgresError = source.downcast_ref().unwrap();
            outdated += u32::from(source.kind() == PostgresErrorKind::Outdated);
            if outdated == 10 {
                break;
            }
        }
        assert!(outdated > 0, "the old primary is told as such");
        assert!(new.restart());
        loop {
            match sessions.of_key(&key).await {
                Ok(_) => break,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
        }
        for _ in 0..20 {
            new_session(&sessions).await;
        }
        assert_eq!(number(&client(&old).await, SESSIONS).await, 0);
        assert_eq!(number(&client(&new).await, SESSIONS).await, 21);
    });
}

/// It answers, so no connection fails that would lead to a look at the other one.
#[test]
fn a_primary_that_was_replaced_is_left_while_it_still_answers() {
    Runtime::new().unwrap().block_on(async {
        let old = Postgres::start(Durability::None);
        drop(PostgresStore::connect(old.url()).await.unwrap());
        let new = old.start_standby();
        let store = PostgresStore::connect(old.url_with(&new)).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        new_session(&sessions).await;
        let (old, new) = (client(&old).await, client(&new).await);
        let before = number(&old, SESSIONS).await;
        assert!(new.query_one("SELECT pg_promote()", &[]).await.unwrap().get::<_, bool>(0));
        let copied = number(&new, SESSIONS).await;
        let create = async || {
            // A busy machine takes its time to connect.
            if let Err(error) = sessions.generate(SessionMap::default()).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            }
        };
        let left = async {
            while number(&new, SESSIONS).await == copied {
                create().await;
            }
        };
        // It takes about half a second, on a machine that has time.
        let left = tokio::time::timeout(Duration::from_secs(30), left).await;
        left.expect("the former primary is left");
        let lost = number(&old, SESSIONS).await - before;
        println!("{lost} writes to the former primary");
        for _ in 0..20 {
            create().await;
        }
        assert_eq!(number(&old, SESSIONS).await, before + lost, "it is not used again");
    });
}

/// What a former primary answers, once the store knows of the new one, is lost.
#[test]
fn a_write_that_waits_at_a_former_primary_is_given_up_once_another_is_known() {
    Runtime::new().unwrap().block_on(async {
        let old = Postgres::start(Durability::None);
        let builder = PostgresStore::builder(old.url()).connect();
        let sessions: Sessions<SessionMap> = Sessions::new(builder.await.unwrap()).unwrap();
        let key = new_session(&sessions).await;
        let new = old.start_standby();
        let limit = Duration::from_secs(60);
        let builder = PostgresStore::builder(old.url_with(&new)).timeout(limit);
        let store = std::sync::Arc::new(builder.connect().await.unwrap());
        let Some(Stored::Live(seen)) = store.get(key.id()).await.unwrap() else {
            panic!("the session lives");
        };
        let (old, promoted) = (client(&old).await, client(&new).await);
        while number(&promoted, SESSIONS).await == 0 {} // until it has caught up
        // Commits wait for a standby that does not exist.
        old.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'missing'").await.unwrap();
        old.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        while number(&old, WAITS_FOR_IT).await == 0 {}
        let write = {
            let (store, seen) = (std::sync::Arc::clone(&store), seen.clone());
            tokio::spawn(async move {
                let (next, now) = (seen.clone(), seen.created());
                store.replace(key.id(), &seen, next, now).await
            })
        };
        while number(&old, WAITING_COMMITS).await == 0 {}
        new.promote();
        // Only the store can end this.
        let answer = tokio::time::timeout(limit / 2, write).await.expect("an answer").unwrap();
        let error = answer.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        assert!(store.health().await.is_ok(), "the new one is used");
    });
}

#[test]
fn what_the_url_says_about_servers_holds() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(PostgresStore::connect(server.url()).await.unwrap());
        let standby = server.start_standby();
        let urls = standby.url_with(&server);
        let open = async |options: &str| {
            let builder = PostgresStore::builder(format!("{urls}?{options}"));
            builder.read_only().connect().await.unwrap().inspect().await.unwrap().is_standby
        };
        assert!(open("").await, "a store that only reads takes the first server");
        assert!(!open("target_session_attrs=read-write").await);
        assert!(open("target_session_attrs=any").await);
        // A silent server gets the time that the URL gives it, not half of the store's.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("@127.0.0.1:{},", silent.local_addr().unwrap().port());
        let url = format!("{}?connect_timeout=1", server.url().replace('@', &silent));
        let builder = PostgresStore::builder(url).timeout(Duration::from_secs(60));
        let opened = tokio::time::timeout(Duration::from_secs(20), builder.connect()).await;
        opened.expect("it does not wait for half a minute").unwrap();
    });
}

/// The driver's own limit for one server is longer than ours for all of them.
#[test]
fn a_silent_server_does_not_take_the_time_of_the_others() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(PostgresStore::connect(server.url()).await.unwrap());
        let first = Proxy::to(server.port());
        let both = format!("@127.0.0.1:{},", first.port());
        let url = format!("{}?connect_timeout=100", server.url().replace('@', &both));
        let store = PostgresStore::builder(url).timeout(4 * STORE_TIMEOUT).connect().await.unwrap();
        store.health().await.unwrap();
        first.on(..).cut();
        let mut calls = 0;
        while store.health().await.is_err() {
            calls += 1;
            assert!(calls < 100, "it never uses the second server");
            tokio::time::sleep(STORE_TIMEOUT / 10).await;
        }
    });
}

/// A host without an address of its own would be judged by that of another one.
#[tokio::test]
async fn hosts_and_addresses_are_named_in_pairs() {
    for url in [
        "host=localhost,db.internal hostaddr=127.0.0.1 user=u password=secret",
        "host=localhost hostaddr=127.0.0.1,10.0.0.1 user=u",
        "host=localhost,db.internal port=1,2,3 user=u",
    ] {
        let error = PostgresStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Url, "{error:?}");
    }
}

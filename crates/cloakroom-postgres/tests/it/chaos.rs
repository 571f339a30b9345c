//! Sessions while the server dies, stops and comes back, and while others hold its locks.

use cloakroom::record::Revision;
use cloakroom::store::{StoreErrorKind, Swap};
use cloakroom::{PublicId, SessionMap, Sessions, Store};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::chaos::{self, STORE_TIMEOUT};
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use cloakroom_testkit::store_suite;
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

use crate::server::{live, new_session, open};

async fn connect(server: &Postgres) -> PostgresStore {
    // Three tenths of it is how long a statement waits for a lock.
    PostgresStore::builder(server.url()).timeout(4 * STORE_TIMEOUT).connect().await.unwrap()
}

macro_rules! chaos_tests {
    ($($law:ident: $durability:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            chaos::$law(&mut Postgres::start(Durability::$durability), open);
        })*
    };
}

chaos_tests! {
    nothing_acknowledged_is_lost: Always,
    a_frozen_server_is_an_error_in_time: None,
    an_error_names_the_server_and_the_cause: None,
    reset_connections_lose_nothing: Always,
    a_link_that_passes_one_way_loses_nothing: Always,
    operations_are_one_round_trip: None,
    an_end_reaches_other_nodes: Always,
    no_change_is_missed_while_the_feed_is_cut: None,
    an_end_is_known_within_the_bound_while_the_feed_is_silent: None,
}

#[test]
fn every_call_to_a_frozen_server_ends_in_time() {
    let timeout = 4 * STORE_TIMEOUT;
    let runtime = Runtime::new().unwrap();
    chaos::every_call_ends_in_time(&mut Postgres::start(Durability::None), timeout, |url| {
        runtime.block_on(PostgresStore::builder(url).timeout(timeout).connect()).unwrap()
    });
}

#[test]
fn a_write_that_is_not_answered_happened_or_not() {
    let (runtime, timeout) = (Runtime::new().unwrap(), 4 * STORE_TIMEOUT);
    let server = &mut Postgres::start(Durability::None);
    chaos::a_write_that_is_not_answered_happened_or_not(server, timeout, |url| {
        runtime.block_on(PostgresStore::builder(url).timeout(timeout).connect()).unwrap()
    });
}

/// A connection that waits before it is made again leaves reads to one that works.
#[test]
fn after_an_outage_no_read_fails_once_one_has_succeeded() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::builder(server.url()).timeout(2 * STORE_TIMEOUT);
        let store = store.connect().await.unwrap();
        let unused = PublicId::from_bytes([1; 16]);
        server.freeze();
        // Long enough for all connections to fail, and for one to fail again.
        for _ in 0..6 {
            store.get(unused).await.expect_err("no answer comes");
        }
        server.thaw();
        while store.get(unused).await.is_err() {}
        for _ in 0..100 {
            store.get(unused).await.unwrap();
        }
    });
}

#[test]
fn a_write_that_lost_to_a_lock_holder_returns_what_the_holder_wrote() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = connect(&server).await;
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let sessions: Sessions<SessionMap> = Sessions::new(connect(&server).await).unwrap();
        let key = new_session(&sessions).await;
        let record = live(&store, &key).await;
        let expected = record.revision();
        client.batch_execute("BEGIN").await.unwrap();
        // A write of another node, with a revision of its own.
        let rival_write = "UPDATE cloakroom.session SET revision = revision + 1, token = 7,
                        record = overlay(
                record PLACING int8send(revision + 1) || int8send(7) FROM 19 FOR 16
            )";
        assert_eq!(client.execute(rival_write, &[]).await.unwrap(), 1);
        let losing = store.replace(key.id(), &record, record.clone(), record.created());
        while lock_waiters(&client).await == 0 {
            tokio::task::yield_now().await;
        }
        client.batch_execute("COMMIT").await.unwrap();
        let Swap::Stale(found) = losing.await.unwrap() else { panic!("the rival wrote first") };
        assert_eq!(found.revision(), Revision::new(expected.count() + 1, 7));
        driver.abort();
    });
}

#[test]
fn a_write_that_times_out_waiting_for_a_lock_did_not_happen() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = connect(&server).await;
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let sessions: Sessions<SessionMap> = Sessions::new(connect(&server).await).unwrap();
        let key = new_session(&sessions).await;
        let record = live(&store, &key).await;
        client.batch_execute("BEGIN; SELECT FROM cloakroom.session FOR UPDATE").await.unwrap();
        let answer = tokio::time::timeout(
            40 * STORE_TIMEOUT,
            store.replace(key.id(), &record, record.clone(), record.created()),
        );
        let error = answer.await.expect("an answer").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(
            error.outcome(),
            cloakroom::store::Outcome::NotSent,
            "the server canceled the statement"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
        let (next, now) = (record.clone(), record.created());
        assert!(matches!(store.replace(key.id(), &record, next, now).await, Ok(Swap::Done)));
        driver.abort();
    });
}

#[test]
fn a_locked_session_does_not_delay_others_beyond_the_timeout() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<SessionMap> = Sessions::new(connect(&server).await).unwrap();
        let mut keys = Vec::new();
        for _ in 0..20 {
            keys.push(new_session(&sessions).await);
        }
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let locked = keys[0].id().to_string();
        client
            .batch_execute(&format!(
                "BEGIN; SELECT FROM cloakroom.session WHERE id = '{locked}' FOR UPDATE"
            ))
            .await
            .unwrap();
        let writes: Vec<_> = keys
            .iter()
            .map(|key| {
                let (sessions, key) = (sessions.clone(), key.clone());
                tokio::spawn(async move {
                    sessions.of_key(&key).await?.update(|map| map.insert("n", 1).unwrap()).await
                })
            })
            .collect();
        for (number, write) in writes.into_iter().enumerate() {
            assert_eq!(write.await.unwrap().is_ok(), number > 0, "{number}");
        }
        driver.abort();
    });
}

#[test]
fn a_silent_server_leaves_time_for_the_next_one() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let both = format!("@127.0.0.1:{},", silent.local_addr().unwrap().port());
        let store =
            PostgresStore::builder(server.url().replace('@', &both)).timeout(4 * STORE_TIMEOUT);
        let sessions: Sessions<SessionMap> = Sessions::new(store.connect().await.unwrap()).unwrap();
        new_session(&sessions).await;
    });
}

#[test]
fn the_settings_of_the_user_and_foreign_functions_have_no_effect() {
    let server = Postgres::start(Durability::None);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        client
            .batch_execute(
                "ALTER ROLE test SET default_transaction_isolation = 'serializable';
                 CREATE FUNCTION public.concat_ws(text, uuid, bigint, bigint) RETURNS text
                 LANGUAGE plpgsql AS
                 $$ BEGIN RAISE 'hijacked'; END $$",
            )
            .await
            .unwrap();
        driver.abort();
    });
    store_suite::concurrent_logins_never_exceed_the_limit(open(&server.url()));
    store_suite::of_concurrent_replaces_of_one_revision_exactly_one_wins(open(&server.url()));
}

#[test]
fn an_unreadable_session_does_not_hide_the_others() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<SessionMap> = Sessions::new(connect(&server).await).unwrap();
        let keys = [
            new_session(&sessions).await,
            new_session(&sessions).await,
            new_session(&sessions).await,
        ];
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        let (damaged, is_damaged) =
            (keys[1].id().to_string(), "record = overlay(record PLACING '\\xfe' FROM 1)");
        let damage = format!("UPDATE cloakroom.session SET {is_damaged} WHERE id = '{damaged}'");
        client.batch_execute(&damage).await.unwrap();
        let store = PostgresStore::builder(server.url()).read_only().connect().await.unwrap();
        store.health().await.expect("a read-only store is healthy");
        let (mut read, mut unreadable, mut from) = (0, Vec::new(), None);
        loop {
            let part = store.scan(from.as_ref(), 1).await.unwrap();
            read += part.entries.len();
            unreadable.extend(part.unreadable);
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!((read, unreadable), (2, vec![keys[1].id()]));
        driver.abort();
    });
}

#[test]
fn nodes_that_start_at_once_create_the_tables_once() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let nodes: Vec<_> = (0..8)
            .map(|_| tokio::spawn(PostgresStore::builder(server.url()).schema("fresh").connect()))
            .collect();
        for node in nodes {
            assert!(node.await.unwrap().unwrap().health().await.is_ok());
        }
    });
}

#[test]
fn connecting_fails_with_tables_of_a_later_version_or_without_privileges() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(connect(&server).await);
        let (client, driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        client
            .batch_execute(
                "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA cloakroom TO clerk;
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cloakroom TO clerk",
            )
            .await
            .unwrap();
        let clerk = server.url().replace("test@", "clerk@");
        let store = PostgresStore::connect(&clerk)
            .await
            .expect("existing tables can be used without the privilege to create tables");
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        new_session(&sessions).await;
        let denied = PostgresStore::builder(&clerk).schema("other").connect().await.unwrap_err();
        assert_eq!(denied.kind(), PostgresErrorKind::Denied, "{denied}");
        client
            .batch_execute("INSERT INTO cloakroom.session_version (version) VALUES (99)")
            .await
            .unwrap();
        let error = PostgresStore::connect(server.url()).await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::TooNew, "{error}");
        driver.abort();
    });
}

#[test]
fn connecting_fails_without_a_server_and_errors_show_no_password() {
    Runtime::new().unwrap().block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let unused = format!("postgres://test@{}/x", listener.local_addr().unwrap());
        drop(listener);
        let error = PostgresStore::connect(unused).await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Unreachable, "{error}");
        let error = PostgresStore::connect("postgres://[::1/nowhere").await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Url, "{error}");
        let error =
            PostgresStore::builder("postgres://test@x/x").table("a.b").connect().await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::Name, "{error}");
        for url in [
            "postgres://u:hunter2@h/d",
            "postgres://h/d?user=u&password=hunter2",
            "host=h password=hunter2",
        ] {
            let builder = PostgresStore::builder(url);
            assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        }
    });
}

/// How many transactions wait for a lock.
async fn lock_waiters(client: &tokio_postgres::Client) -> i64 {
    let row =
        client.query_one("SELECT count(*) FROM pg_locks WHERE NOT granted", &[]).await.unwrap();
    row.get(0)
}

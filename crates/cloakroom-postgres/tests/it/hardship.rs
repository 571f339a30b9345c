//! What becomes of sessions while the server dies, stops and comes back, and while others hold its locks.

use cloakroom::record::{Record, Revision};
use cloakroom::store::{StoreErrorKind, Swap};
use cloakroom::{Key, SessionMap, Sessions, Store};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::clauses;
use cloakroom_testkit::servers::hardship::{self, PATIENCE};
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

use crate::place::open;

async fn reach(server: &Postgres) -> PostgresStore {
    PostgresStore::builder(server.url()).timeout(PATIENCE).connect().await.unwrap()
}

async fn begin(sessions: &Sessions<SessionMap>) -> Key {
    sessions.generate(SessionMap::default()).await.unwrap().key().unwrap().clone()
}

macro_rules! hardships {
    ($($law:ident: $durability:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            hardship::$law(&mut Postgres::start(Durability::$durability), open);
        })*
    };
}

hardships! {
    nothing_acknowledged_is_lost: Always,
    standing_still_is_an_error_in_time: None,
    connections_may_be_reset: Always,
    operations_are_one_round_trip: None,
    an_end_is_told: Always,
    nothing_is_missed_while_the_feed_is_cut: None,
    an_end_is_known_within_the_bound_while_the_feed_is_silent: None,
}

#[test]
fn who_loses_to_a_rival_that_held_the_lock_is_shown_what_the_rival_left() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = reach(&server).await;
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
        let sessions: Sessions<SessionMap> = Sessions::new(reach(&server).await).unwrap();
        let key = begin(&sessions).await;
        let record = live(&store, &key).await;
        let expected = record.revision();
        client.batch_execute("BEGIN").await.unwrap();
        // As another node writes, with what it found and a revision of its own.
        let overtake = "UPDATE cloakroom.session SET count = count + 1, token = 7,
                        head = overlay(head PLACING int8send(count + 1) || int8send(7) FROM 19 FOR 16)";
        assert_eq!(client.execute(overtake, &[]).await.unwrap(), 1);
        let late = store.replace(key.id(), expected, record.clone());
        while waiting(&client).await == 0 {
            tokio::task::yield_now().await;
        }
        client.batch_execute("COMMIT").await.unwrap();
        let Swap::Stale(found) = late.await.unwrap() else { panic!("the rival was first") };
        assert_eq!(found.revision(), Revision::new(expected.count() + 1, 7));
        wire.abort();
    });
}

#[test]
fn a_lock_that_is_held_for_long_is_an_error_in_time_and_nothing_happened() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = reach(&server).await;
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
        let sessions: Sessions<SessionMap> = Sessions::new(reach(&server).await).unwrap();
        let key = begin(&sessions).await;
        let record = live(&store, &key).await;
        client.batch_execute("BEGIN; SELECT FROM cloakroom.session FOR UPDATE").await.unwrap();
        let answer = tokio::time::timeout(
            2 * PATIENCE,
            store.replace(key.id(), record.revision(), record.clone()),
        );
        let error = answer.await.expect("an answer in time").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(
            error.outcome(),
            cloakroom::store::Outcome::NotSent,
            "the server itself said so"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
        assert!(matches!(store.replace(key.id(), record.revision(), record).await, Ok(Swap::Done)));
        wire.abort();
    });
}

#[test]
fn a_session_that_is_locked_for_long_keeps_no_other_waiting_beyond_the_patience() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<SessionMap> = Sessions::new(reach(&server).await).unwrap();
        let mut keys = Vec::new();
        for _ in 0..20 {
            keys.push(begin(&sessions).await);
        }
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
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
        wire.abort();
    });
}

#[test]
fn a_server_that_is_silent_leaves_time_for_the_next() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let both = format!("@127.0.0.1:{},", silent.local_addr().unwrap().port());
        let store = PostgresStore::builder(server.url().replace('@', &both)).timeout(2 * PATIENCE);
        let sessions: Sessions<SessionMap> = Sessions::new(store.connect().await.unwrap()).unwrap();
        begin(&sessions).await;
    });
}

/// Whatever the settings of its user, and whatever functions others have put in its way.
#[test]
fn settings_and_functions_of_others_change_nothing() {
    let server = Postgres::start(Durability::None);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
        client
            .batch_execute(
                "ALTER ROLE test SET default_transaction_isolation = 'serializable';
                 CREATE FUNCTION public.concat_ws(text, uuid, bigint, bigint) RETURNS text LANGUAGE plpgsql AS
                 $$ BEGIN RAISE 'hijacked'; END $$",
            )
            .await
            .unwrap();
        wire.abort();
    });
    clauses::of_many_that_admit_at_once_no_more_than_the_limit_are_entered(open(&server.url()));
    clauses::of_many_that_expect_one_revision_exactly_one_wins(open(&server.url()));
}

#[test]
fn one_session_that_cannot_be_read_hides_no_other() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let sessions: Sessions<SessionMap> = Sessions::new(reach(&server).await).unwrap();
        let keys = [begin(&sessions).await, begin(&sessions).await, begin(&sessions).await];
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
        let (damaged, is_damaged) =
            (keys[1].id().to_string(), "head = overlay(head PLACING '\\xfe' FROM 1)");
        let damage = format!("UPDATE cloakroom.session SET {is_damaged} WHERE id = '{damaged}'");
        client.batch_execute(&damage).await.unwrap();
        let store = PostgresStore::builder(server.url()).reading_only().connect().await.unwrap();
        store.health().await.expect("it can be read");
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
        wire.abort();
    });
}

#[test]
fn of_nodes_that_start_at_once_one_makes_the_tables() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let nodes: Vec<_> = (0..8)
            .map(|_| tokio::spawn(PostgresStore::builder(server.url()).schema("young").connect()))
            .collect();
        for node in nodes {
            assert!(node.await.unwrap().unwrap().health().await.is_ok());
        }
    });
}

#[test]
fn tables_of_a_later_version_and_a_user_without_rights_are_told_when_the_store_is_opened() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(reach(&server).await);
        let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let wire = tokio::spawn(wire);
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
            .expect("what is made may be used without the right to make");
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        begin(&sessions).await;
        let elsewhere =
            PostgresStore::builder(&clerk).schema("elsewhere").connect().await.unwrap_err();
        assert_eq!(elsewhere.kind(), PostgresErrorKind::Denied, "{elsewhere}");
        client
            .batch_execute("INSERT INTO cloakroom.session_version (version) VALUES (99)")
            .await
            .unwrap();
        let error = PostgresStore::connect(server.url()).await.unwrap_err();
        assert_eq!(error.kind(), PostgresErrorKind::TooNew, "{error}");
        wire.abort();
    });
}

#[test]
fn nobody_there_is_told_when_the_store_is_opened_and_no_password_is_shown() {
    Runtime::new().unwrap().block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = format!("postgres://test@{}/x", listener.local_addr().unwrap());
        drop(listener);
        let error = PostgresStore::connect(nobody).await.unwrap_err();
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

async fn live(store: &PostgresStore, key: &Key) -> Record {
    match store.get(key.id()).await.unwrap() {
        Some(cloakroom::record::Stored::Live(record)) => record,
        other => panic!("{other:?}"),
    }
}

/// How many wait for a lock.
async fn waiting(client: &tokio_postgres::Client) -> i64 {
    let row =
        client.query_one("SELECT count(*) FROM pg_locks WHERE NOT granted", &[]).await.unwrap();
    row.get(0)
}

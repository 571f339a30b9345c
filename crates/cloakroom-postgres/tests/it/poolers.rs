//! A pooler between the store and its server.

use cloakroom::{SessionMap, Sessions};
use cloakroom_postgres::{PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::{Durability, PgBouncer, PoolMode, Postgres, Server as _};
use tokio::runtime::Runtime;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::server::{client, new_session};

/// Settings of the store, and traces of it, that another client of the pooler can see.
async fn leaks(pooler: &PgBouncer) -> Vec<String> {
    let (client, driver) = tokio_postgres::connect(&pooler.url(), NoTls).await.unwrap();
    tokio::spawn(driver);
    let query = "SELECT name || ' = ' || setting FROM pg_settings
        WHERE source = 'session' AND name NOT IN ('client_encoding', 'application_name')
        UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
        UNION ALL SELECT 'lock' FROM pg_locks
            WHERE pid = pg_backend_pid() AND locktype = 'advisory'
        UNION ALL SELECT 'transaction' WHERE now() < statement_timestamp()";
    let answer = client.simple_query(query).await.unwrap();
    let rows = answer.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect()
}

#[test]
fn a_pooler_in_transaction_mode_is_refused_by_name_and_nothing_leaks() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        // The tables are there: nothing else would fail.
        drop(PostgresStore::connect(server.url()).await.unwrap());
        for (mode, connections) in
            [(PoolMode::Transaction, 1), (PoolMode::Transaction, 5), (PoolMode::Statement, 5)]
        {
            let pooler = PgBouncer::start(&server, mode, connections);
            // Others have used it before.
            assert_eq!(leaks(&pooler).await, Vec::<String>::new());
            let error = PostgresStore::connect(pooler.url()).await.unwrap_err();
            assert_eq!(error.kind(), PostgresErrorKind::Pooler, "{mode:?}: {error:?}");
            assert!(error.to_string().contains("`pool_mode = session`"), "{error}");
            for _ in 0..2 * connections {
                assert_eq!(leaks(&pooler).await, Vec::<String>::new(), "{mode:?}");
            }
        }
    });
}

#[test]
fn a_pooler_in_session_mode_works_and_nothing_leaks() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let pooler = PgBouncer::start(&server, PoolMode::Session, 20);
        let store = PostgresStore::connect(pooler.url()).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        for _ in 0..20 {
            let key = new_session(&sessions).await;
            let mut session = sessions.of_key(&key).await.unwrap();
            session.update(|map| map.insert("n", 1).unwrap()).await.unwrap();
        }
        drop(sessions);
        for _ in 0..20 {
            assert_eq!(leaks(&pooler).await, Vec::<String>::new());
        }
        drop(client(&server).await);
    });
}

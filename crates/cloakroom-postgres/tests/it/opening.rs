//! What is told at once when a store cannot be used.

use std::error::Error;
use std::iter::successors;

use cloakroom::Store;
use cloakroom::stores::CachedStore;
use cloakroom_postgres::{PostgresError, PostgresErrorKind, PostgresStore};
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;

use crate::server::client;

async fn refusal(url: impl Into<String>) -> PostgresError {
    PostgresStore::connect(url).await.expect_err("the store cannot be opened")
}

/// The kind is right, and the message names the host, the port and the database.
#[track_caller]
fn assert_told(error: &PostgresError, kind: PostgresErrorKind, server: &Postgres, database: &str) {
    let said = told(error);
    assert_eq!(error.kind(), kind, "{said}");
    let place = format!("`127.0.0.1:{}/{database}`", server.port());
    assert_eq!(said.matches(&place).count(), 1, "{said}");
}

fn told(error: &PostgresError) -> String {
    let errors = successors(Some(error as &dyn Error), |&error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn a_database_that_cannot_store_every_name_is_refused() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let client = client(&server).await;
        client
            .batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
            .await
            .unwrap();
        let error = refusal(server.url().replace("/postgres", "/latin")).await;
        assert_told(&error, PostgresErrorKind::Encoding, &server, "latin");
        assert!(told(&error).contains("`LATIN1`"), "{}", told(&error));
    });
}

#[test]
fn a_user_that_may_only_read_and_a_standby_are_told_apart() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(PostgresStore::connect(server.url()).await.unwrap());
        let client = client(&server).await;
        client
            .batch_execute(
                "CREATE ROLE reader LOGIN SUPERUSER;
                 ALTER ROLE reader SET default_transaction_read_only = on",
            )
            .await
            .unwrap();
        let error = refusal(server.url().replace("test@", "reader@")).await;
        assert_told(&error, PostgresErrorKind::ReadOnly, &server, "postgres");
        let standby = server.start_standby();
        let error = refusal(standby.url()).await;
        assert_told(&error, PostgresErrorKind::Standby, &standby, "postgres");
        for url in [server.url().replace("test@", "reader@"), standby.url()] {
            let store = PostgresStore::builder(url).read_only().connect().await;
            let cache = CachedStore::builder(store.expect("it only reads")).build().await;
            cache.expect("a cache needs no feed").health().await.unwrap();
        }
    });
}

#[test]
fn an_unknown_user_a_wrong_password_and_a_missing_database_are_told_apart() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let client = client(&server).await;
        let file: String = client.query_one("SHOW hba_file", &[]).await.unwrap().get(0);
        client
            .batch_execute(&format!(
                "CREATE ROLE clerk LOGIN PASSWORD 'right';
                 COPY (VALUES ('host all clerk 127.0.0.1/32 scram-sha-256'),
                    ('host all all 127.0.0.1/32 trust')) TO '{file}'"
            ))
            .await
            .unwrap();
        client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let unknown = refusal(server.url().replace("test@", "stranger@")).await;
        assert_told(&unknown, PostgresErrorKind::Authentication, &server, "postgres");
        let wrong = server.url().replace("test@", "clerk:wrong@");
        // The server reads the file again a moment after it was told to.
        let mut error = refusal(&wrong).await;
        while error.kind() == PostgresErrorKind::Denied {
            error = refusal(&wrong).await;
        }
        assert_told(&error, PostgresErrorKind::Authentication, &server, "postgres");
        let missing = refusal(server.url().replace("/postgres", "/nowhere")).await;
        assert_told(&missing, PostgresErrorKind::NoDatabase, &server, "nowhere");
    });
}

#[test]
fn tables_without_a_version_are_told_as_such() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        drop(PostgresStore::connect(server.url()).await.unwrap());
        let client = client(&server).await;
        client.batch_execute("DELETE FROM cloakroom.session_version").await.unwrap();
        let builder = PostgresStore::builder(server.url()).without_migration();
        for error in [refusal(server.url()).await, builder.connect().await.unwrap_err()] {
            assert_told(&error, PostgresErrorKind::Unversioned, &server, "postgres");
        }
    });
}

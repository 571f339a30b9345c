//! Sessions that another transaction has locked, and entries that must not be removed.

use std::time::Duration;

use cloakroom::key::KindTag;
use cloakroom::store::{IndexLogin, Indexed};
use cloakroom::{Key, Principal, PublicId, SessionMap, Sessions, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::server::{client, live, new_session};

fn write(sessions: &Sessions<SessionMap>, key: &Key) -> JoinHandle<Result<(), cloakroom::Error>> {
    let (sessions, key) = (sessions.clone(), key.clone());
    tokio::spawn(async move {
        sessions.of_key(&key).await?.update(|map| map.insert("n", 1).unwrap()).await
    })
}

/// However many writes to them wait, and whether they are sent alone or in batches.
#[test]
fn locked_sessions_delay_no_other_session() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::builder(server.url()).timeout(Duration::from_secs(120));
        let sessions: Sessions<SessionMap> = Sessions::new(store.connect().await.unwrap()).unwrap();
        let mut locked = Vec::new();
        for _ in 0..5 {
            locked.push(new_session(&sessions).await);
        }
        let client = client(&server).await;
        client.batch_execute("BEGIN; SELECT FROM cloakroom.session FOR UPDATE").await.unwrap();
        let mut others = Vec::new();
        for _ in 0..30 {
            others.push(new_session(&sessions).await);
        }
        let mut waiting: Vec<_> = locked.iter().map(|key| write(&sessions, key)).collect();
        let others_write = async {
            for _ in 0..5 {
                // In batches together with more writes to the locked sessions.
                waiting.extend(locked.iter().map(|key| write(&sessions, key)));
                let together: Vec<_> = others.iter().map(|key| write(&sessions, key)).collect();
                for write in together {
                    write.await.unwrap().unwrap();
                }
                write(&sessions, &others[0]).await.unwrap().unwrap();
            }
        };
        // A statement waits for a lock for up to 36 seconds.
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, others_write).await.expect("the others do not wait");
        assert!(waiting.iter().all(|write| !write.is_finished()), "the locked ones do");
        client.batch_execute("ROLLBACK").await.unwrap();
        for write in waiting {
            write.await.unwrap().unwrap();
        }
    });
}

/// The caller may have read that session from a server that had lost it.
#[test]
fn an_entry_whose_session_lives_is_not_replaced() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = std::sync::Arc::new(PostgresStore::connect(server.url()).await.unwrap());
        let sessions: Sessions<SessionMap> = Sessions::new(std::sync::Arc::clone(&store)).unwrap();
        let alice = Principal::new("alice").unwrap();
        let key = new_session(&sessions).await;
        let mut session = sessions.of_key(&key).await.unwrap();
        session.login(&alice).await.unwrap();
        let key = session.key().unwrap().clone();
        drop(session);
        let record = live(&store, &key).await;
        let (created, until) = (record.created(), record.absolute_deadline());
        let (new, kind) = (PublicId::from_bytes([7; 16]), KindTag::DEFAULT);
        let login = |now, replacing| {
            let login = IndexLogin::new(alice.clone(), new, kind, until);
            store.index_login(login.with_now(now).with_limit(1, replacing))
        };
        let Indexed::Full(entries) = login(created, Vec::new()).await.unwrap() else {
            panic!("alice has a session")
        };
        let refused = login(created, entries.clone()).await.unwrap();
        assert_eq!(refused, Indexed::Full(entries.clone()), "the session lives");
        assert_eq!(login(until, entries).await.unwrap(), Indexed::Done, "it has expired");
    });
}

//! What listeners are told of, when, and what that costs writes.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::Swap;
use cloakroom::stores::CachedStore;
use cloakroom::{Key, SessionMap, Sessions, Store};
use cloakroom_postgres::{Commit, PostgresStore};
use cloakroom_testkit::servers::{Durability, Postgres, Server};
use tokio::runtime::Runtime;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::server::{client, live, new_session, number};

type Cached = Arc<CachedStore<PostgresStore>>;

/// A node that learns of ends by the feed alone.
async fn caching_node(server: &Postgres) -> (Cached, Sessions<SessionMap>) {
    let store = PostgresStore::connect(server.url()).await.unwrap();
    let cache = CachedStore::builder(store).max_staleness(Duration::from_secs(60 * 60));
    let cache = Arc::new(cache.build().await.unwrap());
    let sessions = Sessions::new(Arc::clone(&cache)).unwrap();
    (cache, sessions)
}

/// Reads a session until it comes from the cache. Each heartbeat that finds a connection gone, and
/// the first ones, clear the cache.
async fn cache_it((cache, sessions): &(Cached, Sessions<SessionMap>), key: &Key) {
    loop {
        let missed = cache.hits_and_misses().1;
        drop(sessions.of_key(key).await.unwrap());
        if cache.hits_and_misses().1 == missed {
            return;
        }
    }
}

async fn add_one(sessions: Sessions<SessionMap>, key: Key) -> Result<(), cloakroom::Error> {
    let mut session = sessions.of_key(&key).await?;
    let n = session.value().get::<u64>("n").unwrap().unwrap_or_default();
    session.update(|map| map.insert("n", n + 1).unwrap()).await
}

async fn until_ended(sessions: &Sessions<SessionMap>, key: &Key) {
    let ended = async {
        while sessions.of_key(key).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the end becomes known");
}

async fn until_number(client: &Client, query: &str, wanted: i64) {
    let reached = async { while number(client, query).await < wanted {} };
    tokio::time::timeout(Duration::from_secs(30), reached).await.expect(query);
}

/// Lets commits wait for a standby that does not exist.
async fn hold_commits(server: &Postgres, operator: &Client) {
    operator.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nowhere'").await.unwrap();
    operator.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    // The process that puts this into force may be late: until then, commits do not wait.
    loop {
        let probing = client(server).await;
        let probe = "SET synchronous_commit = on;
            SELECT pg_logical_emit_message(true, 'probe', '')";
        let probe = tokio::spawn(async move { probing.batch_execute(probe).await });
        while !probe.is_finished() {
            let held = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                WHERE wait_event = 'SyncRep'";
            if number(operator, held).await > 0 {
                probe.await.unwrap().unwrap();
                return;
            }
        }
    }
}

async fn release_commits(client: &Client) {
    client.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

const TELLING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE query LIKE '%pg_notify%' AND wait_event_type = 'Lock'";
const WAITING_COMMITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

#[test]
fn several_nodes_commit_at_the_same_time_whether_a_cache_listens_or_not() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let client = client(&server).await;
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let store = PostgresStore::builder(server.url()).timeout(Duration::from_secs(60));
            let sessions: Sessions<SessionMap> =
                Sessions::new(store.connect().await.unwrap()).unwrap();
            let key = new_session(&sessions).await;
            nodes.push((sessions, key));
        }
        for hears in [false, true] {
            let _cache = if hears { Some(caching_node(&server).await) } else { None };
            // All connections learn whether anyone listens. If so, they send the notification
            // together with the write, whose commit must wait for the disk all the same.
            for (sessions, key) in nodes.iter().cycle().take(12) {
                add_one(sessions.clone(), key.clone()).await.unwrap();
            }
            hold_commits(&server, &client).await;
            let writes: Vec<_> = nodes
                .iter()
                .cloned()
                .map(|(sessions, key)| tokio::spawn(add_one(sessions, key)))
                .collect();
            until_number(&client, WAITING_COMMITS, 3).await;
            release_commits(&client).await;
            for write in writes {
                write.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn a_change_is_notified_only_while_a_cache_listens() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::connect(server.url()).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        let (listener, mut driver) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| driver.poll_message(context)).await
            {
                if let AsyncMessage::Notification(change) = message {
                    let _ = sender.send(change.payload().to_owned());
                }
            }
        });
        listener.batch_execute("LISTEN \"cloakroom.session\"").await.unwrap();
        let change = async |sessions: &Sessions<SessionMap>| {
            let key = new_session(sessions).await;
            let mut session = sessions.of_key(&key).await.unwrap();
            session.update(|map| map.insert("n", 1).unwrap()).await.unwrap();
            key
        };
        change(&sessions).await;
        // The server would send the notification before it answers this.
        listener.batch_execute("SELECT 1").await.unwrap();
        assert!(heard.try_recv().is_err(), "no one listens");

        let cache = caching_node(&server).await;
        let key = change(&sessions).await;
        let told = heard.recv().await.unwrap();
        assert!(told.starts_with(&key.id().to_string()), "{told}");

        // The next connection that is made finds that the cache has gone.
        drop(cache);
        let gone = "SELECT 1 - count(*) FROM pg_stat_activity
            WHERE query LIKE '%string_agg(DISTINCT virtualxid%' AND pid <> pg_backend_pid()";
        until_number(&listener, gone, 1).await;
        let store = PostgresStore::connect(server.url()).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        change(&sessions).await;
        listener.batch_execute("SELECT 1").await.unwrap();
        assert!(heard.try_recv().is_err(), "no one listens any more");
    });
}

#[test]
fn an_end_that_could_not_be_notified_is_known_at_the_next_heartbeat() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let there = caching_node(&server).await;
        let store = PostgresStore::builder(server.url()).commit(Commit::Asynchronous);
        let here: Sessions<SessionMap> = Sessions::new(store.connect().await.unwrap()).unwrap();
        let key = new_session(&here).await;
        cache_it(&there, &key).await;
        // A commit that notifies, and never ends, keeps all others from notifying.
        let (client, stuck) = (client(&server).await, client(&server).await);
        hold_commits(&server, &client).await;
        let stuck = tokio::spawn(async move {
            let notify = "SET synchronous_commit = on; CREATE TABLE stuck (); NOTIFY elsewhere";
            stuck.batch_execute(notify).await
        });
        until_number(&client, WAITING_COMMITS, 1).await;
        here.revoke(key.id()).await.unwrap();
        until_number(&client, TELLING, 1).await;
        drop(there.1.of_key(&key).await.expect("the end is not known yet"));
        // The node dies before it has told.
        let kill = TELLING.replace("count(*)", "pg_terminate_backend(pid)");
        client.batch_execute(&kill).await.unwrap();
        until_ended(&there.1, &key).await;
        release_commits(&client).await;
        stuck.await.unwrap().unwrap();
    });
}

#[test]
fn if_the_server_cannot_notify_writes_go_on_and_caches_know_of_it() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let there = caching_node(&server).await;
        let client = client(&server).await;
        // As if the server's queue of notifications was full.
        client
            .batch_execute(
                "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA cloakroom TO clerk;
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cloakroom TO clerk;
                 REVOKE EXECUTE ON FUNCTION pg_notify FROM PUBLIC",
            )
            .await
            .unwrap();
        let clerk = server.url().replace("test@", "clerk@");
        let store = PostgresStore::connect(clerk).await.unwrap();
        let here: Sessions<SessionMap> = Sessions::new(store).unwrap();
        for _ in 0..3 {
            let key = new_session(&here).await;
            cache_it(&there, &key).await;
            here.revoke(key.id()).await.unwrap();
            until_ended(&there.1, &key).await;
        }
    });
}

#[test]
fn a_write_that_began_before_a_cache_listened_is_known_to_it() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::builder(server.url()).timeout(Duration::from_secs(60));
        let store = Arc::new(store.connect().await.unwrap());
        let here: Sessions<SessionMap> = Sessions::new(Arc::clone(&store)).unwrap();
        let key = new_session(&here).await;
        let record = live(&store, &key).await;
        let client = client(&server).await;
        client.batch_execute("BEGIN; SELECT FROM cloakroom.session FOR UPDATE").await.unwrap();
        // It judges by what it sees now, and waits for the lock.
        let ending = {
            let (here, id) = (here.clone(), key.id());
            tokio::spawn(async move { here.revoke(id).await })
        };
        until_number(&client, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1).await;
        let there = caching_node(&server).await;
        cache_it(&there, &key).await;
        client.batch_execute("ROLLBACK").await.unwrap();
        ending.await.unwrap().unwrap();
        until_ended(&there.1, &key).await;
        let (next, now) = (record.clone(), record.created());
        assert!(matches!(store.replace(key.id(), &record, next, now).await, Ok(Swap::Gone)));
    });
}

#[test]
fn a_lone_write_takes_the_cheapest_statement() {
    let server = Postgres::start(Durability::None);
    Runtime::new().unwrap().block_on(async {
        let store = PostgresStore::connect(server.url()).await.unwrap();
        let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
        let key = new_session(&sessions).await;
        let mut session = sessions.of_key(&key).await.unwrap();
        session.update(|map| map.insert("n", 1).unwrap()).await.unwrap();
        let client = client(&server).await;
        let with = |text: &str| {
            format!(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE application_name = 'cloakroom' AND query LIKE '%{text}%'"
            )
        };
        assert_eq!(number(&client, &with("apply.sql` says why")).await, 1, "a replace of its own");
        assert_eq!(number(&client, &with("Applies a batch")).await, 0, "no statement for many");
    });
}

//! A migration between servers that are killed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use cloakroom::{Store, decorate_store};
use cloakroom_migrate::MigratingStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::chaos;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};
use tokio::runtime::Runtime;

type Migrating = MigratingStore<Arc<RedisStore>, Arc<PostgresStore>>;

/// A node that prepares for the migration, and then starts it.
#[derive(Debug)]
struct Node {
    prepared: Migrating,
    started: Migrating,
    has_started: AtomicBool,
}

impl Node {
    fn store(&self) -> &Migrating {
        if self.has_started.load(Ordering::SeqCst) { &self.started } else { &self.prepared }
    }
}

impl Store for Node {
    decorate_store!(self => self.store(); all);
}

/// The old server and the new one, which are killed in turn. The first kill starts the migration.
struct Servers {
    old: Redis,
    new: Postgres,
    node: Arc<Node>,
    kills: AtomicUsize,
    migrating: Option<JoinHandle<()>>,
}

impl Servers {
    fn next(&mut self) -> &mut dyn Server {
        if self.kills.load(Ordering::Relaxed) % 2 == 1 { &mut self.old } else { &mut self.new }
    }
}

impl Server for Servers {
    fn url_at(&self, _: u16) -> String {
        String::new()
    }

    fn port(&self) -> u16 {
        0
    }

    fn kill(&mut self) {
        if !self.node.has_started.swap(true, Ordering::SeqCst) {
            let node = Arc::clone(&self.node);
            self.migrating = Some(thread::spawn(move || {
                // Until nothing is left to move, whatever fails on the way.
                while cloakroom::block_on(node.started.migrate_all()).ok() != Some(0) {}
            }));
        }
        self.kills.fetch_add(1, Ordering::Relaxed);
        self.next().kill();
    }

    fn restart(&mut self) -> bool {
        self.next().restart()
    }

    fn freeze(&self) {}

    fn thaw(&self) {}
}

#[test]
fn nothing_is_lost_or_revived_while_both_servers_are_killed_in_turn() {
    let (old, new) = (Redis::start(Durability::Always), Postgres::start(Durability::Always));
    let runtime = Runtime::new().unwrap();
    let node = runtime.block_on(async {
        let from = RedisStore::builder(old.url()).timeout(chaos::STORE_TIMEOUT);
        let to = PostgresStore::builder(new.url()).timeout(4 * chaos::STORE_TIMEOUT);
        let (from, to) =
            (Arc::new(from.connect().await.unwrap()), Arc::new(to.connect().await.unwrap()));
        let prepared = MigratingStore::prepare(Arc::clone(&from), Arc::clone(&to));
        let started = MigratingStore::start(from, to);
        Arc::new(Node { prepared, started, has_started: AtomicBool::new(false) })
    });
    let kills = AtomicUsize::new(0);
    let mut servers = Servers { old, new, node: Arc::clone(&node), kills, migrating: None };
    let loss = chaos::kill_repeatedly(&mut servers, 8, |_| Arc::clone(&node));
    println!("migrated with 8 kills: {loss:?}");
    assert_eq!((loss.lost, loss.revived), (0, 0), "{loss:?}");
    servers.migrating.expect("it began").join().unwrap();
    let moved = cloakroom::block_on(node.started.migrate_all());
    assert!(matches!(moved, Ok(0)), "{moved:?}");
}

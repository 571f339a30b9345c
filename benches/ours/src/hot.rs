//! One session that many requests change at once, in one process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::{ErrorKind, Key, Sessions, Store};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server as _};
use tokio::runtime::Builder;

use crate::Failure;
use crate::meter::{count, fsync_us, microseconds, now, permille};
use crate::options::{Goals, Options, say};
use crate::report::{Cell, Report, Table};
use crate::visitor::Visitor;

/// The bench's name on the command line.
pub const NAME: &str = "hot";

const AT_ONCE: [usize; 3] = [1, 16, 64];

const ABOUT: &str = "\
Requests that open one session and change it, one after another on each of so many connections.
SQLite and PostgreSQL write to a disk before they answer, Redis and Valkey keep no log.";

const NOTES: &str = "\
- `conflicts` are changes that gave up after ten seconds, which an application answers with 409.
- A change that was answered and is missing afterwards fails the bench.";

const COLUMNS: [&str; 8] = [
    "store",
    "at once",
    "updates a second",
    "p50 ms",
    "p99 ms",
    "slowest ms",
    "conflicts",
    "fsync us",
];

/// Measures, and makes a report with what was missed.
pub fn bench(options: Options) -> Result<(Report, Goals), Failure> {
    crate::require_release_build()?;
    let span = Duration::from_secs(if options.quick { 2 } else { 60 });
    let (mut report, mut goals) = (Report::new(NAME, ABOUT, NOTES), Goals::default());
    let mut table = Table::new("one session", &COLUMNS);
    let directory = tempfile::tempdir_in(std::env::current_exe()?.parent().ok_or("no place")?)?;
    let postgres = Postgres::start(Durability::Always);
    let (redis, valkey) = (Redis::start(Durability::None), Redis::start_valkey(Durability::None));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for name in ["sqlite", "postgres", "redis", "valkey"] {
        let store: Arc<dyn Store> = runtime.block_on(async {
            Ok::<Arc<dyn Store>, Failure>(match name {
                "sqlite" => Arc::new(SqliteStore::open(directory.path().join("hot.db"))?),
                "postgres" => Arc::new(PostgresStore::connect(postgres.url()).await?),
                "redis" => Arc::new(RedisStore::connect(redis.url()).await?),
                _ => Arc::new(RedisStore::connect(valkey.url()).await?),
            })
        })?;
        for at_once in AT_ONCE {
            say(&format!("{name}, {at_once} at once"));
            let fsync = fsync_us()?;
            let mut found = runtime.block_on(measure(Arc::clone(&store), at_once, span))?;
            let slowest = found.times.iter().copied().fold(0.0, f64::max);
            let [p50, p99] = [500, 990].map(|part| permille(&mut found.times, part));
            goals.at_most(&format!("{name}, {at_once}: p99 in ms"), Some(p99 / 1e3), 300.0);
            let conflicts = count(found.conflicts);
            goals.at_most(&format!("{name}, {at_once}: conflicts"), Some(conflicts), 0.0);
            table.row([
                name.into(),
                at_once.into(),
                Cell::number(count(found.times.len()) / span.as_secs_f64(), 0),
                Cell::number(p50 / 1e3, 1),
                Cell::number(p99 / 1e3, 1),
                Cell::number(slowest / 1e3, 1),
                found.conflicts.into(),
                Cell::number(fsync, 0),
            ]);
        }
    }
    report.tables.push(table);
    Ok((report, goals))
}

#[derive(Default)]
struct Found {
    /// How long each change took, in microseconds.
    times: Vec<f64>,
    conflicts: usize,
}

async fn measure(store: Arc<dyn Store>, at_once: usize, span: Duration) -> Result<Found, Failure> {
    let sessions: Sessions<Visitor> = Sessions::new(store)?;
    let key = sessions.generate(Visitor::new(0)).await?.key().ok_or("no key")?.clone();
    let until = now() + span;
    let workers: Vec<_> =
        (0..at_once).map(|_| tokio::spawn(work(sessions.clone(), key.clone(), until))).collect();
    let mut all = Found::default();
    for worker in workers {
        let found = worker.await??;
        all.times.extend(found.times);
        all.conflicts += found.conflicts;
    }
    let visits = sessions.of_key(&key).await?.value().visits;
    if visits != Visitor::new(0).visits + all.times.len() as u64 {
        return Err(format!("{} changes were answered, {visits} are there", all.times.len()).into());
    }
    Ok(all)
}

async fn work(sessions: Sessions<Visitor>, key: Key, until: Instant) -> Result<Found, Failure> {
    let mut found = Found::default();
    loop {
        let began = now();
        if began >= until {
            return Ok(found);
        }
        let mut session = sessions.of_key(&key).await?;
        match session.update(|visitor| visitor.visits += 1).await {
            Ok(()) => found.times.push(microseconds(began.elapsed())),
            Err(error) if error.kind() == ErrorKind::Conflict => found.conflicts += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

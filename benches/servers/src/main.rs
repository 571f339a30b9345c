//! Sessions a second in PostgreSQL and Redis: Cloakroom's stores beside tower-sessions', in one run on the same servers.
//!
//! Private servers are started for it: PostgreSQL that writes to its disk before it answers, Redis without a log. Ten
//! thousand sessions of about a hundred bytes; one update is a compare-and-swap of ours, an upsert or a plain SET of theirs.
//! All are asked by the same code ([`drive`]), in turn, round by round, with two threads.
//!
//! ```text
//! cargo xtask bench servers [--quick] [--json] [--only redis|postgres]
//! ```

#[path = "../../stores/src/cloakroom.rs"]
mod cloakroom;
#[path = "../../stores/src/drive.rs"]
mod drive;
mod theirs;
#[path = "../../stores/src/visitor.rs"]
mod visitor;

use std::process::ExitCode;
use std::time::Duration;

use ::cloakroom::Cached;
use cloakroom_bench_report::{Cell, Report, Table};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_testkit::servers::{Durability, Postgres, Redis, Server};
use tokio::runtime::{Builder, Runtime};
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::sqlx::postgres::PgPoolOptions;

use crate::cloakroom::Cloakroom;
use crate::drive::{Contender, Failure, Operation, Outcome, drive};
use crate::theirs::Theirs;
use crate::visitor::SESSIONS;

const USAGE: &str = "usage: cloakroom-bench-servers [--quick] [--json] [--only redis|postgres]";
/// Connections that their pools may have: what their documentation and perhaps most programs give them.
const POOL: u32 = 16;
const FILLERS: u32 = 64;

const ABOUT: &str = "\
Sessions in PostgreSQL and Redis, with cloakroom's stores and with tower-sessions', on the same private servers: PostgreSQL that
writes to its disk before it answers, Redis without a log. Ten thousand sessions of about a hundred bytes. One update is a
compare-and-swap of ours, an upsert or a plain SET of theirs.";
const NOTE: &str = "\
Medians of rounds in turn; in brackets, least and most. CPU is this program's, for one operation: what the clients cost.";

fn main() -> ExitCode {
    let (mut quick, mut json, mut only) = (false, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--quick" => quick = true,
            "--json" => json = true,
            "--only" => only = words.next(),
            _ => {
                say(USAGE);
                return ExitCode::from(2);
            }
        }
    }
    match bench(quick, json, only.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    runtime: Runtime,
    rounds: usize,
    span: Duration,
    table: Table,
}

fn bench(quick: bool, json: bool, only: Option<&str>) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err("this is a debug build, which nobody should time".into());
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (rounds, millis) = if quick { (3, 300) } else { (7, 1_000) };
    let columns = [
        "case",
        "at once",
        "cloakroom/s",
        "tower-sessions/s",
        "cloakroom does, times",
        "CPU us, ours",
        "CPU us, theirs",
    ];
    let table = Table::new("operations a second", &columns);
    let mut bench = Bench { runtime, rounds, span: Duration::from_millis(millis), table };

    if only.is_none_or(|only| only == "redis") {
        bench.redis()?;
    }
    if only.is_none_or(|only| only == "postgres") {
        bench.postgres()?;
    }
    let mut report = Report::new("servers", ABOUT);
    let peers =
        ["cloakroom", "tower-sessions-core", "tower-sessions-redis-store", "tower-sessions-sqlx-store"];
    report.versions_in(include_str!("../Cargo.lock"), &peers);
    report.tables.push(bench.table);
    report.notes.push(NOTE.into());
    Ok(report.print(json)?)
}

async fn fred(url: &str) -> Result<tower_sessions_redis_store::RedisStore<Pool>, Failure> {
    let pool = Pool::new(Config::from_url(url)?, None, None, None, 6)?;
    pool.init().await?;
    Ok(tower_sessions_redis_store::RedisStore::new(pool))
}

async fn sqlx(url: &str) -> Result<tower_sessions_sqlx_store::PostgresStore, Failure> {
    let pool = PgPoolOptions::new().max_connections(POOL).connect(url).await?;
    let store = tower_sessions_sqlx_store::PostgresStore::new(pool);
    store.migrate().await?;
    Ok(store)
}

impl Bench {
    fn redis(&mut self) -> Result<(), Failure> {
        let server = Redis::start(Durability::None);
        let ours = Cloakroom::new(self.runtime.block_on(RedisStore::connect(server.url()))?);
        let theirs = Theirs(self.runtime.block_on(fred(&server.url()))?);
        self.fill(&ours)?;
        self.fill(&theirs)?;
        self.compare("redis, read", Operation::Read, &ours, &theirs)?;
        self.compare("redis, read and update", Operation::ReadAndUpdate, &ours, &theirs)?;
        let cached = async {
            Cached::builder(RedisStore::connect(server.url()).await?).start().await.map_err(Failure::from)
        };
        let cached = Cloakroom::new(self.runtime.block_on(cached)?);
        self.compare("redis, read behind a near cache", Operation::Read, &cached, &theirs)?;
        Ok(())
    }

    fn postgres(&mut self) -> Result<(), Failure> {
        let server = Postgres::start(Durability::Always);
        let ours = Cloakroom::new(self.runtime.block_on(PostgresStore::connect(server.url()))?);
        let theirs = Theirs(self.runtime.block_on(sqlx(&server.url()))?);
        self.fill(&ours)?;
        self.fill(&theirs)?;
        self.compare("postgres, read", Operation::Read, &ours, &theirs)?;
        self.compare("postgres, durable update", Operation::Update, &ours, &theirs)?;
        Ok(())
    }

    fn fill(&self, store: &impl Contender) -> Result<(), Failure> {
        let fillers: Vec<_> = (0..FILLERS)
            .map(|filler| {
                let store = store.clone();
                self.runtime.spawn(async move {
                    for number in (filler..SESSIONS).step_by(FILLERS as usize) {
                        store.create(number).await?;
                    }
                    Ok::<(), Failure>(())
                })
            })
            .collect();
        fillers.into_iter().try_for_each(|filler| self.runtime.block_on(filler)?)
    }

    fn compare(
        &mut self,
        case: &str,
        operation: Operation,
        ours: &impl Contender,
        theirs: &impl Contender,
    ) -> Result<(), Failure> {
        for at_once in [1, 16, 128] {
            say(&format!("{case}, {at_once} at once"));
            let (mut own, mut others) = (Vec::new(), Vec::new());
            for round in 0..self.rounds {
                if round % 2 == 0 {
                    own.push(self.drive(ours, operation, at_once)?);
                    others.push(self.drive(theirs, operation, at_once)?);
                } else {
                    others.push(self.drive(theirs, operation, at_once)?);
                    own.push(self.drive(ours, operation, at_once)?);
                }
            }
            let ratios = own.iter().zip(&others).map(|(own, other)| own.0 / other.0).collect();
            let rates = [&own, &others]
                .map(|rounds| Cell::whole(median(rounds.iter().map(|round| round.0).collect())));
            let cpu = [&own, &others].map(|rounds| {
                let known: Option<Vec<f64>> = rounds.iter().map(|round| round.1).collect();
                known.map_or(Cell::None, |cpu| Cell::Number { value: median(cpu), places: 1 })
            });
            let head = [case.into(), Cell::whole(f64::from(at_once))];
            self.table.row(head.into_iter().chain(rates).chain([Cell::spread(ratios, 2)]).chain(cpu));
        }
        Ok(())
    }

    /// Operations a second, and microseconds of CPU for each.
    fn drive(
        &self,
        store: &impl Contender,
        operation: Operation,
        at_once: u32,
    ) -> Result<(f64, Option<f64>), Failure> {
        let before = cpu_seconds();
        let driving = self.runtime.spawn(drive(store.clone(), operation, at_once, self.span));
        let Outcome { done, seconds, in_all, .. } = self.runtime.block_on(driving)??;
        let spent = before.zip(cpu_seconds()).map(|(before, after)| (after - before) * 1e6 / count(in_all));
        Ok((count(done) / seconds, spent))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts come nowhere near 2^52")]
const fn count(number: u64) -> f64 {
    number as f64
}

/// What this process has used so far, where `/proc` tells: in ticks of a hundredth of a second.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Talk goes to stderr, data to stdout.
#[expect(clippy::print_stderr, reason = "a command-line tool's progress")]
fn say(line: &str) {
    eprintln!("{line}");
}

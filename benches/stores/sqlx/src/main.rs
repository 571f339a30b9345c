//! tower-sessions' records in sqlx's SQLite, driven as `cloakroom-bench-stores` drives every contender.
//!
//! A setup is a number of connections, which write durably to a write-ahead log, or `default`: whatever sqlx does unless
//! told.

#[path = "../../src/child.rs"]
mod child;
#[path = "../../src/drive.rs"]
mod drive;
#[path = "../../src/visitor.rs"]
mod visitor;

use std::path::Path;
use std::process::ExitCode;

use time::{Duration, OffsetDateTime};
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store;
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use crate::child::Program;
use crate::drive::{Contender, Failure};
use crate::visitor::Visitor;

const VISITOR: &str = "visitor";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match child::run::<Sqlx>(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Debug)]
struct Sqlx(SqliteStore);

impl Program for Sqlx {
    async fn open(file: &Path, setup: &str) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let pool = match setup {
            "default" => SqlitePoolOptions::new().connect_with(options).await?,
            connections => {
                let options =
                    options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
                SqlitePoolOptions::new().max_connections(connections.parse()?).connect_with(options).await?
            }
        };
        let store = SqliteStore::new(pool);
        store.migrate().await?;
        Ok(Self(store))
    }
}

impl Contender for Sqlx {
    type Session = Record;

    async fn create(&self, number: u32) -> Result<(), Failure> {
        let mut record = Record { id: id(number), data: [].into(), expiry_date: in_half_an_hour() };
        record.data.insert(VISITOR.into(), serde_json::to_value(Visitor::new(number))?);
        Ok(self.0.save(&record).await?)
    }

    async fn load(&self, number: u32) -> Result<Record, Failure> {
        let record = self.0.load(&id(number)).await?.ok_or("a session is gone")?;
        visitor(&record)?;
        Ok(record)
    }

    /// What a `Session` of theirs does: it changes one value of the record, and saves the record with another deadline.
    async fn visit(&self, record: &mut Record) -> Result<bool, Failure> {
        let mut visitor = visitor(record)?;
        visitor.visits += 1;
        record.data.insert(VISITOR.into(), serde_json::to_value(&visitor)?);
        record.expiry_date = in_half_an_hour();
        match self.0.save(record).await {
            Ok(()) => Ok(true),
            Err(error) if is_for_the_time_being(&error) => {
                visitor.visits -= 1;
                record.data.insert(VISITOR.into(), serde_json::to_value(visitor)?);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn visits(record: &Record) -> u64 {
        visitor(record).map_or(0, |visitor| visitor.visits)
    }
}

/// What a `Session` of theirs reads a typed value by.
fn visitor(record: &Record) -> Result<Visitor, Failure> {
    let value = record.data.get(VISITOR).ok_or("a session has no visitor")?;
    Ok(serde_json::from_value(value.clone())?)
}

/// Theirs are strings by the time they get here.
fn is_for_the_time_being(error: &session_store::Error) -> bool {
    let text = error.to_string();
    text.contains("database is locked") || text.contains("pool timed out")
}

fn id(number: u32) -> Id {
    Id(visitor::id(number).cast_signed())
}

fn in_half_an_hour() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::minutes(30)
}

#[expect(clippy::print_stderr, reason = "a command-line tool's complaint")]
fn complain(failure: &Failure) {
    eprintln!("cloakroom-bench-sqlx: {failure}");
}

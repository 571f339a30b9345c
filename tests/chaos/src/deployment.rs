//! The servers of a store, and what can happen to them.

mod pgbouncer;
mod postgres_pair;
mod redis_cluster;
mod redis_commands;
mod redis_sentinel;
mod single;

use std::path::Path;

use cloakroom_testkit::servers::{Durability, Postgres, Proxy, Redis};

use crate::Failure;
use crate::fault::ServerFault;
use crate::store::StoreKind;
use crate::time::{now, pause};

/// How long servers may take to do what they are told.
const LIMIT: u64 = 60_000_000;

pub(crate) trait Deployment {
    /// Where the store is, without a proxy in between.
    fn url(&self) -> String;

    /// Where the processes look for it.
    fn url_of_nodes(&self) -> String;

    /// Lets something fail, and ends the fault.
    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure>;
}

/// Starts the servers of this store. SQLite gets a file in `directory`.
pub(crate) fn start(kind: StoreKind, directory: &Path) -> Result<Box<dyn Deployment>, Failure> {
    Ok(match kind {
        StoreKind::Sqlite => Box::new(File(directory.join("sessions.db"))),
        StoreKind::Postgres => Box::new(single::Single::new(Postgres::start(Durability::Always))),
        StoreKind::Redis => Box::new(single::Single::new(Redis::start(Durability::Always))),
        StoreKind::RedisCluster => Box::new(redis_cluster::Cluster::start()),
        StoreKind::RedisSentinel | StoreKind::RedisUnguarded => {
            Box::new(redis_sentinel::Watched::start()?)
        }
        StoreKind::PostgresStandby => Box::new(postgres_pair::Pair::start()?),
        StoreKind::PgBouncer => Box::new(pgbouncer::Pooled::start()),
    })
}

/// A file needs no server.
struct File(std::path::PathBuf);

impl Deployment for File {
    fn url(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }

    fn url_of_nodes(&self) -> String {
        self.url()
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        Err(unsuitable(fault))
    }
}

fn unsuitable(fault: ServerFault) -> Failure {
    format!("these servers do not suffer this: {fault}").into()
}

/// Loses everything that is sent through a proxy for a while.
fn mute(proxy: &Proxy, meanwhile: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    proxy.on(..).cut();
    let done = meanwhile();
    // What was held back is lost.
    proxy.reset();
    proxy.restore();
    done
}

/// Waits until servers have done what they were told.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failure> {
    let began = now();
    while !holds() {
        if now() - began > LIMIT {
            return Err(format!("it takes too long: {what}").into());
        }
        pause(20);
    }
    Ok(())
}

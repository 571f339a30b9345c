//! A server, four processes that share its sessions, and what happens to them.

use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_testkit::servers::{Durability, Postgres, Proxy, Redis, Server};
use tempfile::TempDir;

use crate::Failure;
use crate::child::Child;
use crate::fault::{Fault, NODES};
use crate::history::{self, Operation};
use crate::hub::Hub;
use crate::node::Settings;
use crate::store::StoreKind;
use crate::time::{now, pause};

/// A span in which a process was stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frozen {
    pub(crate) node: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

pub(crate) struct Cluster {
    kind: StoreKind,
    seed: u64,
    /// Dropped before the server, so that no process outlives it.
    children: Vec<Child>,
    proxy: Option<Proxy>,
    server: Option<Box<dyn Server>>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) frozen: Vec<Frozen>,
    /// Processes that were started.
    started: u32,
    directory: TempDir,
}

impl Cluster {
    /// Starts the server; the processes follow with [`start`](Self::start).
    pub(crate) fn new(kind: StoreKind, seed: u64) -> Result<Self, Failure> {
        let server: Option<Box<dyn Server>> = match kind {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => Some(Box::new(Postgres::start(Durability::Always))),
            StoreKind::Redis => Some(Box::new(Redis::start(Durability::Always))),
        };
        let proxy = server.as_ref().map(|server| Proxy::to(server.port()));
        let (hub, directory) = (Arc::new(Hub::new(NODES)), tempfile::tempdir()?);
        let (children, frozen, started) = (Vec::new(), Vec::new(), 0);
        Ok(Self { kind, seed, children, proxy, server, hub, frozen, started, directory })
    }

    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        for place in 0..NODES {
            let child = self.start_child(place)?;
            self.children.push(child);
        }
        Ok(())
    }

    /// Where the store is, without a proxy in between.
    pub(crate) fn url(&self) -> String {
        let file = || self.directory.path().join("sessions.db").to_string_lossy().into_owned();
        self.server.as_ref().map_or_else(file, |server| server.url())
    }

    fn start_child(&mut self, place: usize) -> Result<Child, Failure> {
        self.started += 1;
        let node = self.started;
        let url = match (&self.server, &self.proxy) {
            (Some(server), Some(proxy)) => server.url_at(proxy.port()),
            _ => self.url(),
        };
        let log = self.log(node).to_string_lossy().into_owned();
        // A file has no round trip that a cache would save.
        let is_cached = self.kind != StoreKind::Sqlite && place >= NODES / 2;
        let settings = Settings { kind: self.kind, url, node, is_cached, seed: self.seed, log };
        Child::start(&settings, place, &self.hub)
    }

    fn log(&self, node: u32) -> PathBuf {
        self.directory.path().join(format!("history-{node}"))
    }

    /// Lets something fail, and ends the fault.
    pub(crate) fn suffer(&mut self, fault: Fault) -> Result<(), Failure> {
        match (fault, &mut self.server, &self.proxy) {
            (Fault::KillServer { down }, Some(server), _) => {
                server.kill();
                pause(down);
                if !server.restart() {
                    return Err("the server does not start again".into());
                }
            }
            (Fault::FreezeServer { span }, Some(server), _) => {
                server.freeze();
                pause(span);
                server.thaw();
            }
            (Fault::ResetConnections, _, Some(proxy)) => proxy.reset(),
            (Fault::MuteConnections { span }, _, Some(proxy)) => {
                proxy.mute_all_but(0);
                pause(span);
                // A connection that has lost bytes must not go on, nor one that was just made.
                proxy.reset();
                proxy.mute_all_but(usize::MAX);
                proxy.reset();
            }
            (Fault::KillNode { node, down }, ..) => {
                self.children[node].kill();
                pause(down);
                self.children[node] = self.start_child(node)?;
            }
            (Fault::FreezeNode { node, span }, ..) => {
                let child = &self.children[node];
                let from = now();
                child.freeze();
                pause(span);
                child.thaw();
                self.frozen.push(Frozen { node: child.node, from, to: now() });
            }
            (_, None, _) | (_, _, None) => {}
        }
        Ok(())
    }

    /// Waits until all clients have their answers, and reads the history.
    pub(crate) fn finish(&mut self) -> Result<Vec<Operation>, Failure> {
        self.hub.stop();
        self.children.iter_mut().try_for_each(Child::finish)?;
        let mut operations = Vec::new();
        for node in 1..=self.started {
            operations.extend(history::read(&self.log(node))?);
        }
        Ok(operations)
    }
}

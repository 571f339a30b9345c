//! Servers, four processes that share their sessions, and what happens to all of them.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::Failure;
use crate::check::Span;
use crate::child::Child;
use crate::deployment::{self, Deployment};
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
    /// Dropped before the servers, so that no process outlives them.
    children: Vec<Child>,
    servers: Box<dyn Deployment>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) frozen: Vec<Frozen>,
    /// When a server may have been replaced by another one.
    pub(crate) takeovers: Vec<Span>,
    /// Processes that were started.
    started: u32,
    directory: TempDir,
}

impl Cluster {
    /// Starts the servers; the processes follow with [`start`](Self::start).
    pub(crate) fn new(kind: StoreKind, seed: u64) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let (servers, hub) =
            (deployment::start(kind, directory.path())?, Arc::new(Hub::new(NODES)));
        let (children, frozen, takeovers) = (Vec::new(), Vec::new(), Vec::new());
        let started = 0;
        Ok(Self { kind, seed, children, servers, hub, frozen, takeovers, started, directory })
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
        self.servers.url()
    }

    fn start_child(&mut self, place: usize) -> Result<Child, Failure> {
        self.started += 1;
        let node = self.started;
        let url = self.servers.url_of_nodes();
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
        match fault {
            Fault::Server(fault) => {
                let from = now();
                self.servers.suffer(fault)?;
                if self.kind.has_several_servers() {
                    self.takeovers.push(Span { from, to: now() });
                }
            }
            Fault::KillNode { node, down } => {
                self.children[node].kill();
                pause(down);
                self.children[node] = self.start_child(node)?;
            }
            Fault::FreezeNode { node, span } => {
                let child = &self.children[node];
                let from = now();
                child.freeze();
                pause(span);
                child.thaw();
                self.frozen.push(Frozen { node: child.node, from, to: now() });
            }
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

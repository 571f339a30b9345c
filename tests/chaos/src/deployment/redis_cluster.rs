//! A Redis Cluster: three masters, each with a replica that takes over.

use cloakroom_testkit::servers::{Durability, RedisCluster, Server as _};
use rustix::process::Signal;

use super::redis_commands::{ask, process_of, signal};
use super::single::{freeze, kill};
use super::{Deployment, unsuitable, wait_until};
use crate::Failure;
use crate::fault::ServerFault;
use crate::time::pause;

/// The processes connect to the nodes themselves, as the nodes name each other.
pub(super) struct Cluster {
    servers: RedisCluster,
    ports: Vec<u16>,
    /// How many masters have failed, so that it is not always the same one.
    failed: usize,
}

/// A line of `CLUSTER NODES`.
struct Node {
    id: String,
    port: u16,
    /// Of a replica: the id of its master.
    master: Option<String>,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let servers = RedisCluster::start(Durability::Always);
        let ports = nodes(servers.port()).into_iter().map(|node| node.port).collect();
        Self { servers, ports, failed: 0 }
    }

    /// A master, and its replica.
    fn next_master(&mut self) -> Result<(u16, u16), Failure> {
        self.failed += 1;
        let nodes = nodes(self.servers.port());
        let masters: Vec<_> = nodes.iter().filter(|node| node.master.is_none()).collect();
        let master = masters.get(self.failed % masters.len().max(1)).ok_or("no master")?;
        let replica = nodes.iter().find(|node| node.master.as_ref() == Some(&master.id));
        Ok((master.port, replica.ok_or("a master without a replica")?.port))
    }

    /// Waits until all nodes agree, and every master has a replica that has caught up.
    fn settle(&self) -> Result<(), Failure> {
        let masters = self.ports.len() / 2;
        wait_until("the cluster agrees", || {
            let is_settled = |port: &u16| {
                let nodes = nodes(*port);
                let replication = ask(*port, "INFO replication");
                let replicas = nodes.iter().filter(|node| node.master.is_some()).count();
                ask(*port, "CLUSTER INFO").contains("cluster_state:ok")
                    && (nodes.len(), replicas) == (2 * masters, masters)
                    && (replication.contains("connected_slaves:1")
                        || replication.contains("master_link_status:up"))
            };
            self.ports.iter().all(is_settled)
        })
    }
}

impl Deployment for Cluster {
    /// All nodes, separated by commas.
    fn url(&self) -> String {
        let urls = self.ports.iter().map(|port| format!("redis://127.0.0.1:{port}"));
        urls.collect::<Vec<_>>().join(",")
    }

    fn url_of_nodes(&self) -> String {
        self.url()
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        match fault {
            ServerFault::Kill { down } => kill(&mut self.servers, down)?,
            ServerFault::Freeze { span } => {
                let (master, _) = self.next_master()?;
                let process = process_of(master)?;
                signal(process, Signal::STOP);
                pause(span);
                signal(process, Signal::CONT);
            }
            ServerFault::Depose { span } => {
                let (_, replica) = self.next_master()?;
                ask(replica, "CLUSTER FAILOVER TAKEOVER");
                pause(span);
            }
            ServerFault::ResetConnections => {
                for port in &self.ports {
                    ask(*port, "CLIENT KILL TYPE normal");
                }
            }
            ServerFault::MuteConnections { span } => freeze(&self.servers, span),
            ServerFault::Replace { .. }
            | ServerFault::KillPooler { .. }
            | ServerFault::FreezePooler { .. } => return Err(unsuitable(fault)),
        }
        self.settle()
    }
}

/// All nodes that the one at `port` knows and has not given up.
fn nodes(port: u16) -> Vec<Node> {
    // `ID 127.0.0.1:PORT@BUS FLAGS MASTER ..`
    let parse = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [id, address, flags, master, ..] = words[..] else { return None };
        let port = address.split_once('@')?.0.rsplit(':').next()?.parse().ok()?;
        let is_up = !flags.split(',').any(|flag| flag.starts_with("fail"));
        let master = Some(master).filter(|master| *master != "-").map(str::to_owned);
        is_up.then(|| Node { id: id.to_owned(), port, master })
    };
    ask(port, "CLUSTER NODES").lines().filter_map(parse).collect()
}

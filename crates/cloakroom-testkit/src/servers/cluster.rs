//! A private Redis Cluster.

use std::process::Command;

use super::process::pause;
use super::redis::{program, valkey};
use super::{Durability, Redis, Server};

const MASTERS: usize = 3;

/// A private Redis Cluster of six servers: three masters, each with a replica.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    /// The index of the node that was killed.
    dead: Option<usize>,
}

impl RedisCluster {
    /// Starts a cluster and waits until each master has a replica that has caught up.
    pub fn start(durability: Durability) -> Self {
        Self::start_program(&program(), durability)
    }

    /// The same of Valkeys; the program `redis-cli` joins them.
    pub fn start_valkey(durability: Durability) -> Self {
        Self::start_program(&valkey(), durability)
    }

    fn start_program(program: &str, durability: Durability) -> Self {
        // Without the delay replicas catch up sooner; one that never did cannot take over.
        let more = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1000",
            "--repl-diskless-sync-delay",
            "0",
        ];
        let start = |_| Redis::start_program(program, durability, &more);
        let nodes: Vec<Redis> = (0..2 * MASTERS).map(start).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("redis-cli");
        assert!(
            created.status.success(),
            "cannot create a Redis Cluster: {}",
            String::from_utf8_lossy(&created.stdout)
        );
        let cluster = Self { nodes, dead: None };
        assert!(cluster.wait_until_ready(), "the cluster did not become ready");
        cluster
    }

    /// Kills a master and waits until its replica has taken over.
    ///
    /// The master stays down until [`Server::restart`].
    pub fn kill_a_master(&mut self) {
        let at = self.nodes.iter().position(Redis::is_master).expect("a master");
        self.nodes[at].kill();
        self.dead = Some(at);
        let took_over = || {
            let others = self.nodes.iter().enumerate().filter(|(node, _)| *node != at);
            let is_ok = |node: &Redis| node.command("CLUSTER INFO").contains("cluster_state:ok");
            others.clone().all(|(_, node)| is_ok(node))
                && others.filter(|(_, node)| node.is_master()).count() == MASTERS
        };
        assert!(wait_until(took_over), "no replica took over");
    }

    /// Sends each server a command, such as `INFO COMMANDSTATS`; the first bytes of its answers.
    pub fn command_all(&self, command: &str) -> Vec<String> {
        self.nodes.iter().map(|node| node.command(command)).collect()
    }

    /// Begins to move the slot of `key` to another master, and stops there, as a tool that was
    /// interrupted does.
    pub fn leave_slot_open(&self, key: &str) {
        let slot = self.nodes[0].command(&format!("CLUSTER KEYSLOT {key}"));
        let slot = slot.trim().trim_start_matches(':');
        let id_of = |node: &Redis| {
            let answer = node.command("CLUSTER MYID");
            answer.lines().nth(1).unwrap_or_default().trim().to_owned()
        };
        let owns = |node: &Redis| !node.command(&format!("TYPE {key}")).starts_with("-MOVED");
        let mut masters = self.nodes.iter().filter(|node| node.is_master());
        let from = masters.clone().find(|node| owns(node)).expect("a master has the slot");
        let to = masters.find(|node| !owns(node)).expect("three masters");
        for (node, state, other) in [(to, "IMPORTING", from), (from, "MIGRATING", to)] {
            let answer = node.command(&format!("CLUSTER SETSLOT {slot} {state} {}", id_of(other)));
            assert!(answer.starts_with("+OK"), "{answer}");
        }
    }

    /// Closes all slots that were left open: they stay where they were.
    pub fn close_slots(&self) {
        for node in &self.nodes {
            let nodes = node.command("CLUSTER NODES");
            // A node lists its own open slots as `[5461->-ID]` and `[5461-<-ID]`.
            for open in nodes.split_whitespace().filter_map(|word| word.strip_prefix('[')) {
                let slot = open.split('-').next().unwrap_or_default();
                node.command(&format!("CLUSTER SETSLOT {slot} STABLE"));
            }
        }
    }

    /// Waits until all nodes are connected and caught up; false if that takes too long.
    fn wait_until_ready(&self) -> bool {
        wait_until(|| {
            self.nodes.iter().all(|node| {
                let info = node.command("CLUSTER INFO");
                info.contains("cluster_state:ok") && (node.is_master() || node.has_caught_up())
            }) && self.nodes.iter().filter(|node| node.is_master()).count() == MASTERS
        })
    }
}

impl Server for RedisCluster {
    /// The URL of one node.
    fn url_at(&self, port: u16) -> String {
        self.nodes[0].url_at(port)
    }

    fn port(&self) -> u16 {
        let alive = self.nodes.iter().enumerate().find(|(node, _)| self.dead != Some(*node));
        alive.expect("one of six").1.port()
    }

    /// Kills one master, whose replica takes over.
    fn kill(&mut self) {
        self.kill_a_master();
    }

    /// Restarts the killed node, which becomes a replica.
    fn restart(&mut self) -> bool {
        let Some(dead) = self.dead.take() else { return true };
        self.nodes[dead].restart() && self.wait_until_ready()
    }

    /// Suspends all nodes.
    fn freeze(&self) {
        self.nodes.iter().for_each(Server::freeze);
    }

    fn thaw(&self) {
        self.nodes.iter().for_each(Server::thaw);
    }
}

fn wait_until(holds: impl Fn() -> bool) -> bool {
    (0..1_500).any(|_| {
        pause();
        holds()
    })
}

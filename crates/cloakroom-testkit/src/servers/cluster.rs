//! A private Redis Cluster: three masters, each with a replica.

use std::process::Command;

use super::process::pause;
use super::{Durability, Redis, Server};

const MASTERS: usize = 3;

/// A Redis Cluster of a test's own, of six servers.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    /// The node that was killed last.
    dead: Option<usize>,
}

impl RedisCluster {
    /// Starts one and waits until every slot has a master, and every master a replica that has caught up.
    pub fn start(durability: Durability) -> Self {
        // A replica that has never caught up can't take over.
        let more = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1000",
            "--repl-diskless-sync-delay",
            "0",
        ];
        let nodes: Vec<Redis> =
            (0..2 * MASTERS).map(|_| Redis::start_with(durability, &more)).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("redis-cli");
        assert!(
            created.status.success(),
            "no cluster: {}",
            String::from_utf8_lossy(&created.stdout)
        );
        let cluster = Self { nodes, dead: None };
        assert!(cluster.is_whole(), "the cluster never came to be");
        cluster
    }

    /// Kills a master with -9 and waits until its replica has taken over. It stays dead until [`Server::restart`].
    pub fn kill_a_master(&mut self) {
        let at = self.nodes.iter().position(Redis::is_master).expect("a master");
        self.nodes[at].kill();
        self.dead = Some(at);
        let is_whole = || {
            let others = self.nodes.iter().enumerate().filter(|(node, _)| *node != at);
            let says_so = |node: &Redis| node.command("CLUSTER INFO").contains("cluster_state:ok");
            others.clone().all(|(_, node)| says_so(node))
                && others.filter(|(_, node)| node.is_master()).count() == MASTERS
        };
        assert!(waited_for(is_whole), "nobody took over");
    }

    /// Waits until all is as it should be.
    fn is_whole(&self) -> bool {
        waited_for(|| {
            self.nodes.iter().all(|node| {
                let info = node.command("CLUSTER INFO");
                info.contains("cluster_state:ok") && (node.is_master() || node.has_caught_up())
            }) && self.nodes.iter().filter(|node| node.is_master()).count() == MASTERS
        })
    }
}

impl Server for RedisCluster {
    /// One of its servers.
    fn url_at(&self, port: u16) -> String {
        self.nodes[0].url_at(port)
    }

    fn port(&self) -> u16 {
        let alive = self.nodes.iter().enumerate().find(|(node, _)| self.dead != Some(*node));
        alive.expect("one of six").1.port()
    }

    /// One of its masters, whose replica takes over.
    fn kill(&mut self) {
        self.kill_a_master();
    }

    /// The one that was killed comes back as a replica.
    fn restart(&mut self) -> bool {
        let Some(dead) = self.dead.take() else { return true };
        self.nodes[dead].restart() && self.is_whole()
    }

    /// All of them.
    fn freeze(&self) {
        self.nodes.iter().for_each(Server::freeze);
    }

    fn thaw(&self) {
        self.nodes.iter().for_each(Server::thaw);
    }
}

fn waited_for(holds: impl Fn() -> bool) -> bool {
    (0..1_500).any(|_| {
        pause();
        holds()
    })
}

//! A private Redis with a replica, and sentinels that watch over them.

use std::fs;

use tempfile::TempDir;

use super::process::{Process, free_port, pause, send_command};
use super::redis::program;
use super::{Durability, Redis, Server};

const SENTINELS: usize = 3;

/// A Redis of a test's own that has a replica, and three sentinels, who know the master as `cloakroom`.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The first was the master at first.
    nodes: [Redis; 2],
    sentinels: Vec<(u16, Process)>,
    _place: TempDir,
}

impl RedisSentinel {
    /// Starts all of them and waits until the sentinels know each other and the replica.
    pub fn start(durability: Durability) -> Self {
        let more = ["--repl-diskless-sync-delay", "0"];
        let nodes = [0, 1].map(|_| Redis::start_with(durability, &more));
        let directory = tempfile::tempdir().expect("a directory");
        nodes[1].command(&format!("REPLICAOF 127.0.0.1 {}", nodes[0].port()));
        wait_for("the replica", || nodes[1].has_caught_up());
        let sentinels = (0..SENTINELS).map(|number| {
            let port = free_port();
            let file = directory.path().join(format!("sentinel{number}.conf"));
            let settings = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor cloakroom 127.0.0.1 {} 2\n\
                 sentinel down-after-milliseconds cloakroom 1000\nsentinel failover-timeout cloakroom 3000\n",
                directory.path().display(),
                nodes[0].port()
            );
            fs::write(&file, settings).expect("its settings");
            let (program, file) = (program(), file.to_string_lossy());
            let words = [&*program, &*file, "--sentinel"].map(str::to_owned);
            (port, Process::start(&words, directory.path()))
        });
        let sentinels = sentinels.collect();
        let started = Self { nodes, sentinels, _place: directory };
        wait_for("the sentinels", || {
            started.sentinels.iter().all(|(port, _)| {
                let master = send_command(*port, "SENTINEL MASTER cloakroom").unwrap_or_default();
                let fact = |name: &str, value: usize| {
                    let (name, value) = (format!("\r\n{name}\r\n"), value.to_string());
                    master.split_once(&name).and_then(|(_, rest)| rest.split("\r\n").nth(1))
                        == Some(&value)
                };
                fact("num-slaves", 1) && fact("num-other-sentinels", SENTINELS - 1)
            })
        });
        started
    }

    /// Where the sentinels are: `redis://127.0.0.1:PORT`.
    pub fn sentinels(&self) -> Vec<String> {
        self.sentinels.iter().map(|(port, _)| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// Kills the master with -9, and waits until the other has taken over.
    pub fn fail_over(&mut self) {
        self.nodes[0].kill();
        wait_for("the replica to take over", || self.nodes[1].is_master());
    }
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let came = (0..3_000).any(|_| {
        pause();
        holds()
    });
    assert!(came, "{what} never came to be");
}

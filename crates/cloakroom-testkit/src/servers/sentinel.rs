//! A private Redis with a replica and sentinels.

use std::fs;

use tempfile::TempDir;

use super::process::{Process, free_port, pause, send_command};
use super::redis::program;
use super::{Durability, Redis, Server};

const SENTINELS: usize = 3;

/// A private Redis with a replica and three sentinels, which call the master `cloakroom`.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The first is the master at the start.
    nodes: [Redis; 2],
    sentinels: Vec<(u16, Process)>,
    _directory: TempDir,
}

impl RedisSentinel {
    /// Starts all servers and waits until the sentinels know each other and the replica.
    pub fn start(durability: Durability) -> Self {
        let more = ["--repl-diskless-sync-delay", "0"];
        // The first can be deposed without hearing of it: it does not know the command.
        let deaf = [&more[..], &["--rename-command", "SLAVEOF", ""]].concat();
        let nodes = [&deaf[..], &more].map(|words| Redis::start_with(durability, words));
        let directory = tempfile::tempdir().expect("a temporary directory");
        nodes[1].command(&format!("REPLICAOF 127.0.0.1 {}", nodes[0].port()));
        wait_for("the replica", || nodes[1].has_caught_up());
        let sentinels = (0..SENTINELS).map(|number| {
            let port = free_port();
            let file = directory.path().join(format!("sentinel{number}.conf"));
            let settings = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor cloakroom 127.0.0.1 {} 2\n\
                 sentinel down-after-milliseconds cloakroom 1000\n\
                 sentinel failover-timeout cloakroom 3000\n",
                directory.path().display(),
                nodes[0].port()
            );
            fs::write(&file, settings).expect("a settings file");
            let (program, file) = (program(), file.to_string_lossy());
            let words = [&*program, &*file, "--sentinel"].map(str::to_owned);
            (port, Process::start(&words, directory.path()))
        });
        let sentinels = sentinels.collect();
        let started = Self { nodes, sentinels, _directory: directory };
        wait_for("the sentinels", || {
            started.sentinels.iter().all(|(port, _)| {
                let master = send_command(*port, "SENTINEL MASTER cloakroom").unwrap_or_default();
                let has = |name: &str, value: usize| {
                    let (name, value) = (format!("\r\n{name}\r\n"), value.to_string());
                    master.split_once(&name).and_then(|(_, rest)| rest.split("\r\n").nth(1))
                        == Some(&value)
                };
                has("num-slaves", 1) && has("num-other-sentinels", SENTINELS - 1)
            })
        });
        started
    }

    /// The sentinels' URLs, `redis://127.0.0.1:PORT`.
    pub fn sentinels(&self) -> Vec<String> {
        self.sentinels.iter().map(|(port, _)| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// The two servers; the first is the master at the start.
    pub fn nodes(&self) -> &[Redis; 2] {
        &self.nodes
    }

    /// Cuts the master off from the sentinels and its replica, but not from its clients, and waits
    /// until all sentinels name the replica as the master.
    ///
    /// The former master does not hear of it, goes on as a master without a replica, and accepts
    /// what clients send it, until [`rejoin`](Self::rejoin).
    pub fn depose(&self) {
        wait_for("a sentinel to begin", || {
            send_command(self.sentinels[0].0, "SENTINEL FAILOVER cloakroom")
                .is_ok_and(|answer| answer.starts_with("+OK"))
        });
        let named = format!("\r\n{}\r\n", self.nodes[1].port());
        wait_for("the sentinels to name the replica", || {
            self.nodes[1].is_master()
                && self.sentinels.iter().all(|(port, _)| {
                    let asked = send_command(*port, "SENTINEL GET-MASTER-ADDR-BY-NAME cloakroom");
                    asked.is_ok_and(|answer| answer.ends_with(&named))
                })
        });
        assert!(self.nodes[0].is_master(), "it does not know");
    }

    /// Ends what [`depose`](Self::depose) began: the former master becomes a replica of the new
    /// one, and drops what it has accepted since. Waits until it has.
    pub fn rejoin(&self) {
        let [old, new] = &self.nodes;
        old.command(&format!("REPLICAOF 127.0.0.1 {}", new.port()));
        wait_for("the former master to follow", || !old.is_master() && old.has_caught_up());
    }

    /// Kills the master and waits until the replica has taken over.
    pub fn fail_over(&mut self) {
        self.nodes[0].kill();
        wait_for("the replica to take over", || self.nodes[1].is_master());
    }
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let in_time = (0..3_000).any(|_| {
        pause();
        holds()
    });
    assert!(in_time, "timed out waiting for {what}");
}

//! A Redis with a replica, each behind a proxy, and sentinels that replace the one by the other.

use cloakroom_testkit::servers::{Durability, Proxy, Redis, RedisSentinel, Server as _};

use super::redis_commands::ask;
use super::{Deployment, mute, unsuitable, wait_until};
use crate::Failure;
use crate::fault::ServerFault;
use crate::store::MASTER;
use crate::time::pause;

/// How long a former master still answers after the fault that deposed it, in milliseconds.
const UNAWARE: u64 = 1000;

/// The sentinels and the replica reach a server as the processes do: through its proxy. So a proxy
/// that is mute cuts a server off from everyone.
pub(super) struct Watched {
    proxies: [Proxy; 2],
    servers: [Redis; 2],
    /// Ports of the sentinels.
    sentinels: Vec<u16>,
    /// The sentinels are those of a pair of their own, and watch ours as well.
    _of_sentinels: RedisSentinel,
}

impl Watched {
    pub(super) fn start() -> Result<Self, Failure> {
        let of_sentinels = RedisSentinel::start(Durability::None);
        let port = |url: String| url.rsplit(':').next().and_then(|port| port.parse().ok());
        let sentinels: Vec<u16> = of_sentinels.sentinels().into_iter().filter_map(port).collect();
        let more = ["--repl-diskless-sync-delay", "0"];
        let servers = [(); 2].map(|()| Redis::start_with(Durability::Always, &more));
        let proxies = [0, 1].map(|at: usize| Proxy::to(servers[at].port()));
        let this = Self { proxies, servers, sentinels, _of_sentinels: of_sentinels };
        this.introduce(0);
        this.introduce(1);
        this.follow(1, 0);
        this.wait_for_replica(1)?;
        for sentinel in &this.sentinels {
            let master = this.proxies[0].port();
            ask(*sentinel, &format!("SENTINEL MONITOR {MASTER} 127.0.0.1 {master} 2"));
            for setting in ["down-after-milliseconds 1000", "failover-timeout 3000"] {
                ask(*sentinel, &format!("SENTINEL SET {MASTER} {setting}"));
            }
        }
        let others = this.sentinels.len() - 1;
        wait_until("the sentinels know each other and the replica", || {
            this.sentinels.iter().all(|sentinel| {
                let known = ask(*sentinel, &format!("SENTINEL MASTER {MASTER}"));
                field(&known, "num-slaves") == Some("1")
                    && field(&known, "num-other-sentinels") == Some(&others.to_string())
            })
        })?;
        Ok(this)
    }

    /// Tells a server the address under which it is known.
    fn introduce(&self, server: usize) {
        let port = self.proxies[server].port();
        self.servers[server].command(&format!("CONFIG SET replica-announce-port {port}"));
        self.servers[server].command("CONFIG SET replica-announce-ip 127.0.0.1");
    }

    fn follow(&self, replica: usize, master: usize) {
        let port = self.proxies[master].port();
        self.servers[replica].command(&format!("REPLICAOF 127.0.0.1 {port}"));
    }

    fn is_master(&self, server: usize) -> bool {
        self.servers[server].command("ROLE").contains("\r\nmaster\r\n")
    }

    fn wait_for_replica(&self, replica: usize) -> Result<(), Failure> {
        wait_until("the replica catches up", || {
            self.servers[replica].command("INFO replication").contains("master_link_status:up")
        })
    }

    /// The master that all sentinels name, if they agree and none doubts it.
    fn named(&self) -> Option<usize> {
        let ports = self.proxies.each_ref().map(|proxy| proxy.port().to_string());
        let mut named = self.sentinels.iter().map(|sentinel| {
            let known = ask(*sentinel, &format!("SENTINEL MASTER {MASTER}"));
            let port = field(&known, "port").filter(|_| field(&known, "flags") == Some("master"));
            ports.iter().position(|known| Some(known.as_str()) == port)
        });
        let first = named.next()??;
        named.all(|other| other == Some(first)).then_some(first)
    }

    fn master(&self) -> Result<usize, Failure> {
        let mut found = None;
        wait_until("the sentinels agree on a master", || {
            found = self.named().filter(|named| self.is_master(*named));
            found.is_some()
        })?;
        found.ok_or_else(|| "no master".into())
    }

    fn wait_until_replaced(&self, former: usize) -> Result<(), Failure> {
        wait_until("the replica takes over", || {
            self.named() == Some(1 - former) && self.is_master(1 - former)
        })
    }

    /// Kills the master, which comes back as a replica.
    fn kill(&mut self, down: u64) -> Result<(), Failure> {
        let former = self.master()?;
        self.servers[former].kill();
        self.wait_until_replaced(former)?;
        pause(down);
        // No one may reach it before it has its address.
        self.proxies[former].on(..).cut();
        if !self.servers[former].restart() {
            return Err("the server does not start again".into());
        }
        self.introduce(former);
        self.follow(former, 1 - former);
        mute(&self.proxies[former], || Ok(()))
    }

    /// Has the sentinels name the replica. The master does not take their word for it.
    fn depose(&self, span: u64) -> Result<(), Failure> {
        let former = self.master()?;
        self.servers[former].command("ACL SETUSER default -slaveof -replicaof");
        wait_until("a sentinel begins", || {
            ask(self.sentinels[0], &format!("SENTINEL FAILOVER {MASTER}")).starts_with("+OK")
        })?;
        self.wait_until_replaced(former)?;
        pause(span);
        self.servers[former].command("ACL SETUSER default +slaveof +replicaof");
        Ok(())
    }

    /// Makes a former master follow the new one, as the sentinels do after some seconds, and waits
    /// until it has caught up.
    fn settle(&self) -> Result<(), Failure> {
        let master = self.master()?;
        if self.is_master(1 - master) {
            pause(UNAWARE);
            self.follow(1 - master, master);
        }
        self.wait_for_replica(1 - master)
    }
}

impl Deployment for Watched {
    /// The sentinels, separated by commas.
    fn url(&self) -> String {
        let urls = self.sentinels.iter().map(|port| format!("redis://127.0.0.1:{port}"));
        urls.collect::<Vec<_>>().join(",")
    }

    fn url_of_nodes(&self) -> String {
        self.url()
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        match fault {
            ServerFault::Kill { down } => self.kill(down)?,
            ServerFault::Freeze { span } => {
                let master = &self.servers[self.master()?];
                super::single::freeze(master, span);
            }
            ServerFault::Depose { span } => self.depose(span)?,
            ServerFault::ResetConnections => self.proxies.iter().for_each(Proxy::reset),
            ServerFault::MuteConnections { span } => {
                mute(&self.proxies[self.master()?], || {
                    pause(span);
                    Ok(())
                })?;
            }
            ServerFault::Replace { .. }
            | ServerFault::KillPooler { .. }
            | ServerFault::FreezePooler { .. } => return Err(unsuitable(fault)),
        }
        self.settle()
    }
}

/// The value of a field in an answer of names and values.
fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("\r\n{name}\r\n"))?;
    rest.split("\r\n").nth(1)
}

//! A PostgreSQL with a synchronous standby, each behind a proxy for the processes.

use cloakroom_testkit::servers::{Durability, Postgres, Proxy, Server as _};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::single::kill;
use super::{Deployment, mute, unsuitable, wait_until};
use crate::Failure;
use crate::fault::ServerFault;
use crate::time::pause;

/// After how many milliseconds of silence the standby is promoted.
const SILENCE: u64 = 1500;
/// How long a former primary still answers after the fault that deposed it, in milliseconds.
const UNAWARE: u64 = 1000;

/// This is what a failover manager does: it promotes the standby, and makes a standby of the former
/// primary later. It does not keep clients from the former primary meanwhile.
pub(super) struct Pair {
    proxies: [Proxy; 2],
    servers: [Postgres; 2],
    primary: usize,
    runtime: Runtime,
}

impl Pair {
    pub(super) fn start() -> Result<Self, Failure> {
        let first = Postgres::start(Durability::Always);
        let second = first.start_standby();
        let proxies = [&first, &second].map(|server| Proxy::to(server.port()));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let this = Self { proxies, servers: [first, second], primary: 0, runtime };
        this.commit_to_standby()?;
        Ok(this)
    }

    /// Acknowledges from now on only what the standby has on its disk.
    fn commit_to_standby(&self) -> Result<(), Failure> {
        self.query(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.query(self.primary, "SELECT pg_reload_conf()")?;
        let state = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'";
        wait_until("the standby is synchronous", || {
            self.query(self.primary, state).is_ok_and(|state| state.as_deref() == Some("sync"))
        })?;
        // Commits wait once the checkpointer has read the settings, which it does before this.
        self.query(self.primary, "CHECKPOINT").map(drop)
    }

    /// Makes the standby take writes. Until it has a standby of its own, it waits for none.
    fn promote(&mut self) -> Result<(), Failure> {
        self.primary = 1 - self.primary;
        self.query(self.primary, "ALTER SYSTEM RESET synchronous_standby_names")?;
        self.query(self.primary, "SELECT pg_reload_conf()")?;
        match self.query(self.primary, "SELECT pg_promote()")?.as_deref() {
            Some("t") => Ok(()),
            _ => Err("the standby was not promoted".into()),
        }
    }

    /// Makes a standby of the former primary.
    fn follow(&mut self) -> Result<(), Failure> {
        let [first, second] = &mut self.servers;
        let (primary, former) = if self.primary == 0 { (first, second) } else { (second, first) };
        former.follow(primary);
        self.commit_to_standby()
    }

    /// Promotes the standby if the silence of the primary lasts. Returns whether it was.
    fn wait_silently(&mut self, span: u64) -> Result<bool, Failure> {
        pause(span.min(SILENCE));
        let is_long = span > SILENCE;
        if is_long {
            self.promote()?;
            pause(span - SILENCE);
        }
        Ok(is_long)
    }

    /// The former primary answers for a while, and becomes a standby then.
    fn settle(&mut self, is_replaced: bool) -> Result<(), Failure> {
        if is_replaced {
            pause(UNAWARE);
            self.follow()?;
        }
        Ok(())
    }

    /// The first value of the answer.
    fn query(&self, server: usize, statement: &str) -> Result<Option<String>, Failure> {
        self.runtime.block_on(async {
            let url = self.servers[server].url();
            let (client, driver) = tokio_postgres::connect(&url, NoTls).await?;
            let driver = tokio::spawn(driver);
            let answer = client.simple_query(statement).await?;
            drop(client);
            driver.await??;
            Ok(answer.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            }))
        })
    }
}

impl Deployment for Pair {
    fn url(&self) -> String {
        both(self.servers.each_ref().map(cloakroom_testkit::servers::Server::port))
    }

    fn url_of_nodes(&self) -> String {
        both(self.proxies.each_ref().map(Proxy::port))
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        let primary = self.primary;
        match fault {
            ServerFault::Kill { down } => kill(&mut self.servers[primary], down),
            ServerFault::Replace { down } => {
                self.servers[primary].kill();
                self.promote()?;
                pause(down);
                if !self.servers[primary].restart() {
                    return Err("the server does not start again".into());
                }
                self.settle(true)
            }
            ServerFault::Freeze { span } => {
                self.servers[primary].freeze();
                let is_replaced = self.wait_silently(span);
                self.servers[primary].thaw();
                self.settle(is_replaced?)
            }
            ServerFault::Depose { span } => {
                self.promote()?;
                pause(span);
                self.settle(true)
            }
            ServerFault::ResetConnections => {
                self.proxies.iter().for_each(Proxy::reset);
                Ok(())
            }
            ServerFault::MuteConnections { span } => {
                // A proxy of its own: `self` is needed meanwhile.
                self.proxies[primary].on(..).cut();
                let is_replaced = self.wait_silently(span);
                mute(&self.proxies[primary], || Ok(()))?;
                self.settle(is_replaced?)
            }
            ServerFault::KillPooler { .. } | ServerFault::FreezePooler { .. } => {
                Err(unsuitable(fault))
            }
        }
    }
}

/// The URL of two servers.
fn both([first, second]: [u16; 2]) -> String {
    format!("postgres://test@127.0.0.1:{first},127.0.0.1:{second}/postgres")
}

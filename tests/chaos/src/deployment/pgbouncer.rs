//! PostgreSQL behind a pooler, which is behind a proxy.

use cloakroom_testkit::servers::{Durability, PgBouncer, PoolMode, Postgres, Proxy, Server as _};

use super::single::{freeze, kill};
use super::{Deployment, mute, unsuitable};
use crate::Failure;
use crate::fault::ServerFault;
use crate::time::pause;

/// More than all processes ask for.
const CONNECTIONS: usize = 150;

pub(super) struct Pooled {
    proxy: Proxy,
    pooler: PgBouncer,
    server: Postgres,
}

impl Pooled {
    pub(super) fn start() -> Self {
        let server = Postgres::start(Durability::Always);
        let pooler = PgBouncer::start(&server, PoolMode::Session, CONNECTIONS);
        Self { proxy: Proxy::to(pooler.port()), pooler, server }
    }
}

impl Deployment for Pooled {
    fn url(&self) -> String {
        self.pooler.url()
    }

    fn url_of_nodes(&self) -> String {
        self.pooler.url_at(self.proxy.port())
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        match fault {
            ServerFault::Kill { down } => kill(&mut self.server, down)?,
            ServerFault::Freeze { span } => freeze(&self.server, span),
            ServerFault::KillPooler { down } => kill(&mut self.pooler, down)?,
            ServerFault::FreezePooler { span } => freeze(&self.pooler, span),
            ServerFault::ResetConnections => self.proxy.reset(),
            ServerFault::MuteConnections { span } => mute(&self.proxy, || {
                pause(span);
                Ok(())
            })?,
            ServerFault::Replace { .. } | ServerFault::Depose { .. } => {
                return Err(unsuitable(fault));
            }
        }
        Ok(())
    }
}

//! One server, behind a proxy.

use cloakroom_testkit::servers::{Proxy, Server};

use super::{Deployment, mute, unsuitable};
use crate::Failure;
use crate::fault::ServerFault;
use crate::time::pause;

pub(super) struct Single<S> {
    proxy: Proxy,
    server: S,
}

impl<S: Server> Single<S> {
    pub(super) fn new(server: S) -> Self {
        Self { proxy: Proxy::to(server.port()), server }
    }
}

impl<S: Server> Deployment for Single<S> {
    fn url(&self) -> String {
        self.server.url()
    }

    fn url_of_nodes(&self) -> String {
        self.server.url_at(self.proxy.port())
    }

    fn suffer(&mut self, fault: ServerFault) -> Result<(), Failure> {
        match fault {
            ServerFault::Kill { down } => kill(&mut self.server, down),
            ServerFault::Freeze { span } => {
                freeze(&self.server, span);
                Ok(())
            }
            ServerFault::ResetConnections => {
                self.proxy.reset();
                Ok(())
            }
            ServerFault::MuteConnections { span } => mute(&self.proxy, || {
                pause(span);
                Ok(())
            }),
            _ => Err(unsuitable(fault)),
        }
    }
}

/// Kills a server, and starts it again after `down` milliseconds.
pub(super) fn kill(server: &mut impl Server, down: u64) -> Result<(), Failure> {
    server.kill();
    pause(down);
    if server.restart() { Ok(()) } else { Err("the server does not start again".into()) }
}

/// Stops a server for `span` milliseconds.
pub(super) fn freeze(server: &impl Server, span: u64) {
    server.freeze();
    pause(span);
    server.thaw();
}

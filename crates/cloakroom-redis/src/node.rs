//! A server that holds sessions: its queues, and the tasks that serve them.

use std::ptr;
use std::sync::{Arc, Weak};

use cloakroom::stores::batch::{Queue, Reply};
use tokio::runtime::Handle;

use crate::connection::Connection;
use crate::keys::Keys;
use crate::op::Op;
use crate::topology::Topology;
use crate::worker;

/// The most operations, and bytes of them, that wait in a queue.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_BYTES: usize = 64 << 20;
/// The most messages in flight, of reads and of writes each.
const MESSAGES_IN_FLIGHT: usize = 4;

/// A server and its queues. Servers do not wait for each other.
#[derive(Debug)]
pub(crate) struct Node {
    /// For operations that do not wait for replicas.
    pub(crate) connection: Arc<Connection>,
    write_connection: Arc<Connection>,
    pub(crate) writes: Queue<Op, Reply>,
    pub(crate) reads: Queue<Op, Reply>,
}

impl Node {
    pub(crate) fn start(
        write_connection: &Arc<Connection>,
        keys: &Keys,
        topology: &Weak<Topology>,
        runtime: &Handle,
    ) -> Arc<Self> {
        let settings = write_connection.settings().clone();
        // `WAIT` blocks its connection, so reads need another one.
        let waits = settings.min_replicas.is_some();
        let connection = if waits {
            Connection::new(write_connection.endpoint().clone(), settings.clone())
        } else {
            Arc::clone(write_connection)
        };
        // What has waited longer is not sent: a fifth of the timeout is left to answer it.
        let longest = settings.timeout * 4 / 5;
        let (writes, write_driver) = Queue::joining(MAX_WAITING, MAX_WAITING_BYTES, Some(longest));
        let (reads, read_driver) = Queue::with_timeout(MAX_WAITING, usize::MAX, longest);
        let spawn = |driver, connection: &Arc<Connection>| {
            let (connection, topology) = (Arc::clone(connection), Weak::clone(topology));
            runtime.spawn(worker::run(driver, connection, keys.clone(), topology));
        };
        for _ in 0..if waits { 1 } else { MESSAGES_IN_FLIGHT } {
            spawn(write_driver.clone(), write_connection);
        }
        for _ in 0..MESSAGES_IN_FLIGHT {
            spawn(read_driver.clone(), &connection);
        }
        let write_connection = Arc::clone(write_connection);
        Arc::new(Self { connection, write_connection, writes, reads })
    }

    /// Whether this is one of its connections.
    pub(crate) fn uses(&self, connection: &Connection) -> bool {
        [&self.connection, &self.write_connection]
            .into_iter()
            .any(|own| ptr::eq(Arc::as_ptr(own), connection))
    }

    /// Whether the server has a compare-and-set of its own.
    pub(crate) fn is_native(&self) -> bool {
        self.write_connection.is_native()
    }

    /// Drops the connections, because they lead to the wrong server.
    pub(crate) fn disconnect(&self) {
        self.connection.disconnect();
        self.write_connection.disconnect();
    }
}

//! One server that holds sessions: what is asked of it, and the tasks that ask.

use std::sync::{Arc, Weak};

use cloakroom::stores::batch::{Queue, Reply};
use tokio::runtime::Handle;

use crate::driver;
use crate::keys::Keys;
use crate::link::Link;
use crate::net::Net;
use crate::op::Op;

/// Operations that may wait, and bytes of them.
const WAITING: usize = 16_384;
const WAITING_BYTES: usize = 64 << 20;
/// Messages that may be on the wire at once, of reads and of writes.
const MESSAGES: usize = 4;

/// A server, and what waits for it. Servers do not wait for each other.
#[derive(Debug)]
pub(crate) struct Node {
    /// For what waits for no replica.
    pub(crate) link: Arc<Link>,
    link_to_write: Arc<Link>,
    pub(crate) ops: Queue<Op, Reply>,
    pub(crate) reads: Queue<Op, Reply>,
}

impl Node {
    pub(crate) fn start(
        link: &Arc<Link>,
        keys: &Keys,
        net: &Weak<Net>,
        runtime: &Handle,
    ) -> Arc<Self> {
        let patience = link.settings().patience;
        // Who waits for replicas has the server read nothing else meanwhile: others do not wait with it.
        let is_copied = link.settings().copies.is_some();
        let link_to_read = if is_copied {
            Link::new(link.way().clone(), *link.settings())
        } else {
            Arc::clone(link)
        };
        let (ops, to_do) = Queue::with_timeout(WAITING, WAITING_BYTES, patience);
        let (reads, to_read) = Queue::with_timeout(WAITING, usize::MAX, patience);
        let run = |driver, link: &Arc<Link>| {
            runtime.spawn(driver::run(driver, Arc::clone(link), keys.clone(), Weak::clone(net)));
        };
        for _ in 0..if is_copied { 1 } else { MESSAGES } {
            run(to_do.clone(), link);
        }
        for _ in 0..MESSAGES {
            run(to_read.clone(), &link_to_read);
        }
        Arc::new(Self { link: link_to_read, link_to_write: Arc::clone(link), ops, reads })
    }

    /// Leaves its connections behind: they lead to the wrong server.
    pub(crate) async fn leave(&self) {
        self.link.leave().await;
        self.link_to_write.leave().await;
    }
}

//! The tasks that send operations to a server: all waiting operations go into one message.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Weak};

use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use redis::{Pipeline, ServerError, ServerErrorKind, Value};
use tokio::time::Instant;

use crate::connection::{Connection, SendError};
use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::native;
use crate::op::Op;
use crate::slots::Address;
use crate::topology::Topology;

/// The most operations, and bytes of them, in one message.
const MAX_BATCH: usize = 256;
const MAX_BATCH_BYTES: usize = 4 << 20;
/// How many replication marks are looked at to find one whose slot the server has.
const MAX_MARKS: u16 = 4_096;
/// How often an operation is retried or redirected.
const MAX_RETRIES: usize = 4;

/// How to send an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mode {
    /// By a command of the server's own where it has one, or as `Digest`.
    Native,
    /// Calls scripts by their digests.
    Digest,
    /// Calls scripts by their texts.
    Text,
    /// Calls scripts by their texts, after `ASKING`: the slot is being moved to this node.
    Asking,
}

/// Where to retry an operation that did not happen.
enum Retry {
    /// On the same server.
    Here(Mode),
    /// On another node of the cluster.
    At(Address, Mode),
}

/// Operations to retry, as indices into the batch.
type Retries = Vec<(usize, Retry)>;

/// Sends operations until the queue is closed and empty.
pub(crate) async fn run(
    driver: Driver<Op, Reply>,
    connection: Arc<Connection>,
    keys: Keys,
    topology: Weak<Topology>,
) {
    let worker = Worker { connection, keys, topology, mark: AtomicU16::new(0) };
    while let Some(mut batch) = driver.next(MAX_BATCH, MAX_BATCH_BYTES).await {
        let all: Vec<usize> = (0..batch.len()).collect();
        let mode = if worker.connection.is_native() { Mode::Native } else { Mode::Digest };
        let mut retries = worker.send(&worker.connection, &mut batch, &all, mode).await;
        for _ in 0..MAX_RETRIES {
            if retries.is_empty() {
                break;
            }
            retries = worker.retry(retries, &mut batch).await;
        }
        for (index, _) in retries {
            let error = RedisError::new(RedisErrorKind::NotReady, "find the node of this session");
            batch.answer(index, Err(error.not_sent()));
        }
    }
}

struct Worker {
    connection: Arc<Connection>,
    keys: Keys,
    topology: Weak<Topology>,
    /// The number of the replication mark in use.
    mark: AtomicU16,
}

impl Worker {
    /// Sends each operation where it is to be retried.
    async fn retry(&self, retries: Retries, batch: &mut Batch<Op, Reply>) -> Retries {
        let mut here = HashMap::<Mode, Vec<usize>>::new();
        let mut elsewhere = HashMap::<_, Vec<usize>>::new();
        for (index, retry) in retries {
            match retry {
                Retry::Here(mode) => here.entry(mode).or_default().push(index),
                Retry::At(address, mode) => {
                    elsewhere.entry((address, mode == Mode::Asking)).or_default().push(index);
                }
            }
        }
        let mut left = Vec::new();
        for (mode, indices) in here {
            left.extend(self.send(&self.connection, batch, &indices, mode).await);
        }
        for ((address, is_asking), indices) in elsewhere {
            let mode = if is_asking { Mode::Asking } else { Mode::Text };
            let connection =
                self.topology.upgrade().and_then(|topology| topology.connection_to(&address));
            if let Some(connection) = connection {
                left.extend(self.send(&connection, batch, &indices, mode).await);
            } else {
                let retry = |index| (index, Retry::At(address.clone(), mode));
                left.extend(indices.into_iter().map(retry));
            }
        }
        left
    }

    /// Sends operations in one message and answers them. Returns those to retry.
    async fn send(
        &self,
        connection: &Arc<Connection>,
        batch: &mut Batch<Op, Reply>,
        indices: &[usize],
        mode: Mode,
    ) -> Retries {
        let has_write = indices.iter().any(|index| !batch.op(*index).is_read());
        let min_replicas = connection.settings().min_replicas.filter(|_| has_write);
        let mut message = Pipeline::with_capacity(2 * indices.len() + 1);
        for index in indices {
            if mode == Mode::Asking {
                message.cmd("ASKING");
            }
            let op = batch.op(*index);
            let session = self.keys.session(batch.id(*index));
            let native = (mode == Mode::Native).then(|| op.native_command(&session)).flatten();
            let by_digest = matches!(mode, Mode::Native | Mode::Digest);
            message.add_command(native.unwrap_or_else(|| op.command(&session, by_digest)));
        }
        let commands_per_op = if mode == Mode::Asking { 2 } else { 1 };
        let mut count = indices.len() * commands_per_op;
        if let (Some((wanted, timeout)), Some(first)) = (min_replicas, indices.first()) {
            // `WAIT` waits for the last write of the connection. An operation that finds its work
            // already done writes nothing, so this write makes sure that there is one.
            let session = self.keys.session(batch.id(*first));
            let key = batch.op(*first).key(&session);
            let mark = if mode == Mode::Asking {
                message.cmd("ASKING");
                Keys::replication_mark_next_to(key)
            } else {
                self.replication_mark(connection, key)
            };
            message.cmd("SET").arg(mark).arg(1).arg("PX").arg(1);
            count += commands_per_op + 1;
            let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
            message.cmd("WAIT").arg(wanted).arg(timeout);
        }
        let deadline = Instant::from_std(batch.since()) + connection.settings().timeout;
        let mut answers = match connection.send(deadline, &message, count).await {
            Ok(answers) => answers,
            Err(error) => {
                for index in indices {
                    let is_read = batch.op(*index).is_read();
                    batch.answer(*index, Err(failure(&error, is_read)));
                }
                self.refresh_topology();
                return Vec::new();
            }
        };
        let is_replicated = min_replicas.is_none_or(|(wanted, _)| {
            let (reached, marked) = (answers.pop(), answers.pop());
            if matches!(marked, Some(Value::ServerError(_))) {
                self.mark.fetch_add(1, Ordering::Relaxed);
            }
            let is_enough = matches!(reached, Some(Value::Int(n)) if n >= i64::from(wanted));
            is_enough && marked == Some(Value::Okay)
        });
        if !is_replicated || answers.iter().any(lacks_replicas) {
            // Another server, which has the replicas, could be the master by now.
            connection.endpoint().doubt_master();
        }
        if answers.iter().any(is_cluster_down) {
            self.refresh_topology();
        }
        let answers = answers
            .into_iter()
            .take(indices.len() * commands_per_op)
            .skip(commands_per_op - 1)
            .step_by(commands_per_op);
        let retries: Retries = indices
            .iter()
            .zip(answers)
            .filter_map(|(index, answer)| {
                Some((*index, settle(batch, connection, *index, answer, mode, is_replicated)?))
            })
            .collect();
        if retries.iter().any(|(_, retry)| matches!(retry, Retry::At(_, Mode::Text))) {
            self.refresh_topology();
        }
        retries
    }

    /// A key to write on this server, and to wait for.
    ///
    /// Not in a slot that is being moved from here: a key that does not exist cannot be written
    /// there. If one was refused, the next one is tried from then on.
    fn replication_mark(&self, connection: &Arc<Connection>, key: &[u8]) -> Vec<u8> {
        let Some(topology) = self.topology.upgrade().filter(|topology| topology.is_cluster())
        else {
            return self.keys.replication_mark(0);
        };
        let first = self.mark.load(Ordering::Relaxed);
        for number in (0..MAX_MARKS).map(|more| first.wrapping_add(more)) {
            let mark = self.keys.replication_mark(number);
            if topology.node_of(&mark).is_some_and(|node| node.uses(connection)) {
                self.mark.store(number, Ordering::Relaxed);
                return mark;
            }
        }
        Keys::replication_mark_next_to(key)
    }

    /// Slots may have moved.
    fn refresh_topology(&self) {
        if let Some(topology) = self.topology.upgrade() {
            topology.refresh_soon();
        }
    }
}

/// Whether the server refused a write, as `min-replicas-to-write` demands.
fn lacks_replicas(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "NOREPLICAS")
}

fn is_cluster_down(answer: &Value) -> bool {
    let Value::ServerError(error) = answer else { return false };
    error.kind() == Some(ServerErrorKind::ClusterDown)
}

/// Answers an operation, or returns where to retry it.
fn settle(
    batch: &mut Batch<Op, Reply>,
    connection: &Arc<Connection>,
    index: usize,
    answer: Value,
    mode: Mode,
    is_replicated: bool,
) -> Option<Retry> {
    let op = batch.op(index);
    let is_native = mode == Mode::Native && op.has_native_command();
    let reply = match answer {
        // The value is not the one seen, so nothing was written. Its revision can still be, but
        // there is no use in another wait for replicas.
        Value::Nil if is_native && is_replicated => return Some(Retry::Here(Mode::Digest)),
        Value::Nil if is_native => {
            Err(RedisError::new(RedisErrorKind::NotReplicated, "wait for replicas").not_sent())
        }
        Value::ServerError(error) => {
            // Another server, which lacks the command, can be there by now.
            if is_native && native::is_unknown_to(&error) {
                return Some(Retry::Here(Mode::Digest));
            }
            let retry = retry_after(&error, mode, connection);
            if retry.is_some() {
                return retry;
            }
            let error = RedisError::driver("carry out a command", error.into());
            let did_nothing = op.is_read() || error.is_refusal();
            Err(if did_nothing { error.not_sent() } else { error.outcome_unknown() })
        }
        _ if !is_replicated && !op.is_read() => {
            Err(RedisError::new(RedisErrorKind::NotReplicated, "wait for replicas")
                .outcome_unknown())
        }
        answer => op.decode(answer),
    };
    batch.answer(index, reply);
    None
}

/// Where to retry an operation that failed with this error.
fn retry_after(error: &ServerError, mode: Mode, connection: &Arc<Connection>) -> Option<Retry> {
    match error.kind()? {
        ServerErrorKind::NoScript if mode != Mode::Text => Some(Retry::Here(Mode::Text)),
        kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask) => {
            let error = redis::RedisError::from(error.clone());
            let mut address = Address::parse(error.redirect_node()?.0)?;
            if address.host.is_empty() {
                // The same host at another port.
                address.host = connection.endpoint().host()?;
            }
            let mode = if kind == ServerErrorKind::Ask { Mode::Asking } else { Mode::Text };
            Some(Retry::At(address, mode))
        }
        _ => None,
    }
}

/// A failed read changed nothing. A failed write is known not to have happened only if it was not
/// sent.
fn failure(error: &SendError, is_read: bool) -> StoreError {
    match error {
        SendError::NotSent(error) => error.not_sent(),
        SendError::Unknown(error) if is_read => error.not_sent(),
        SendError::Unknown(error) => error.outcome_unknown(),
    }
}

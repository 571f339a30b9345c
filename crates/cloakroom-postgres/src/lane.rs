//! Writes to sessions that another transaction has locked, apart from all other writes.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::stores::batch::{Batch, Reply};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use crate::connect_options::ConnectOptions;
use crate::connection::{Connection, SendError};
use crate::write::Write;
use crate::writer;

/// Connections that wait for locks, made when they are needed.
const CONNECTIONS: usize = 2;
/// How long a write waits at a time, before others that wait have their turn.
const TURN: Duration = Duration::from_millis(100);

/// Where writes to locked sessions wait.
#[derive(Clone)]
pub(crate) struct Lane {
    waiting: mpsc::UnboundedSender<Locked>,
    /// How long a write waits in all, since it was submitted.
    timeout: Duration,
}

/// The operations of a batch whose sessions are locked, and when to give up.
struct Locked {
    batch: Batch<Write, Reply>,
    places: Vec<usize>,
    until: Instant,
}

impl Lane {
    /// The lane ends when all its clones are dropped.
    pub(crate) fn start(runtime: &Handle, options: &ConnectOptions) -> Self {
        let (waiting, taken) = mpsc::unbounded_channel();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..CONNECTIONS {
            let connection = Connection::for_writes(options.clone(), TURN);
            runtime.spawn(run(Arc::clone(&taken), waiting.downgrade(), connection));
        }
        Self { waiting, timeout: options.timeout * 4 / 5 }
    }

    /// Lets the operations at these places wait for their sessions. There is at most one for each
    /// session, so there are few.
    pub(crate) fn wait(&self, batch: Batch<Write, Reply>, places: Vec<usize>) {
        let until = Instant::from_std(batch.since()) + self.timeout;
        // If the lane has ended, dropping the batch answers its operations.
        let _ = self.waiting.send(Locked { batch, places, until });
    }
}

async fn run(
    taken: Arc<Mutex<mpsc::UnboundedReceiver<Locked>>>,
    waiting: mpsc::WeakUnboundedSender<Locked>,
    connection: Arc<Connection>,
) {
    loop {
        let next = taken.lock().await.recv().await;
        let Some(Locked { mut batch, places, until }) = next else { return };
        let mut still_locked = Vec::new();
        for place in places {
            let deadline = connection.deadline_of(&batch);
            match writer::send_one(&connection, deadline, &mut batch, place).await {
                Ok(telling) => {
                    if let Some(telling) = telling {
                        // Other writes wait here.
                        tokio::spawn(telling);
                    }
                }
                Err(error @ SendError::NotSent(_))
                    if error.is_transient() && Instant::now() < until =>
                {
                    still_locked.push(place);
                }
                Err(error) => batch.answer(place, Err(error.as_write_error())),
            }
        }
        if !still_locked.is_empty() {
            let Some(waiting) = waiting.upgrade() else { return };
            let _ = waiting.send(Locked { batch, places: still_locked, until });
        }
    }
}

//! Writes whose changes listeners are told of, after the commit.
//!
//! A transaction that notifies takes a lock of the whole database until its commit is on the disk,
//! so no two of them would commit at the same time. So the notification is a transaction of its own
//! that does not wait for the disk. It is sent together with the write, which costs no round trip,
//! and only if anyone listens. If the connection ends in between, listeners notice that
//! ([`peers`](crate::peers)).

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use tokio::time::{Instant, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use crate::connection::{Connection, Established, SendError, Statements};

/// Completes once listeners have been told. To be awaited after the write is answered.
pub(crate) type Telling = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Connection {
    /// Executes a statement that makes `changes`, in one round trip.
    pub(crate) async fn write(
        self: &Arc<Self>,
        deadline: Instant,
        statement: fn(&Statements) -> &Statement,
        parameters: &[&(dyn ToSql + Sync)],
        changes: &str,
    ) -> Result<(Vec<Row>, Option<Telling>), SendError> {
        let connection = self.established(deadline).await?;
        let began = Instant::now();
        let is_told = !changes.is_empty() && connection.is_heard.load(Ordering::Relaxed);
        let mut telling = is_told.then(|| self.tell(&connection, changes));
        let answer = {
            let query = connection.client.query(statement(&connection.statements), parameters);
            let mut query = pin!(self.answer_of(&connection, deadline, query));
            // The write is polled first, so it is also sent first.
            poll_fn(|context| {
                let answer = query.as_mut().poll(context);
                if let (Poll::Pending, Some(running)) = (&answer, &mut telling) {
                    if running.as_mut().poll(context).is_ready() {
                        telling = None;
                    }
                }
                answer
            })
            .await
        };
        let rows = self.judge(&connection, began, answer)?;
        if let Some(is_heard) = rows.first().and_then(|row| row.try_get("is_heard").ok()) {
            connection.is_heard.store(is_heard, Ordering::Relaxed);
            if is_heard && !is_told && !changes.is_empty() {
                telling = Some(self.tell(&connection, changes));
            }
        }
        Ok((rows, telling))
    }

    /// Tells listeners of changes. If that is not possible, tells them that they missed some.
    fn tell(self: &Arc<Self>, connection: &Arc<Established>, changes: &str) -> Telling {
        let (this, connection) = (Arc::clone(self), Arc::clone(connection));
        let changes = changes.to_owned();
        Box::pin(async move {
            let (client, statements) = (&connection.client, &connection.statements);
            let telling = async {
                client.execute(&statements.notify, &[&changes]).await.is_ok()
                    || client.execute(&statements.miss, &[]).await.is_ok()
            };
            // Meanwhile the writer sends nothing else.
            if !timeout(this.options.timeout * 2 / 5, telling).await.unwrap_or_default() {
                // Listeners notice that the connection has gone.
                this.discard(&connection);
            }
        })
    }
}

//! The change feed: the server tells of every session that anybody writes, in the order of the commits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::PublicId;
use cloakroom::record::Revision;
use cloakroom::store::{StoreError, Subscriber};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use crate::column::revision;
use crate::error::PostgresError;
use crate::link::{SAFE, Way, Wire};

/// How often the server is asked whether it has told everything.
const BEAT: Duration = Duration::from_secs(1);
/// How long a feed that broke rests before it is mended.
const PAUSE: Duration = Duration::from_millis(200);

/// One subscriber's connection.
pub(crate) struct Feed {
    way: Way,
    subscriber: Arc<dyn Subscriber>,
}

impl Feed {
    pub(crate) const fn new(way: Way, subscriber: Arc<dyn Subscriber>) -> Self {
        Self { way, subscriber }
    }

    /// Tells the subscriber of changes for ever, and `begun` whether the first connection could be made; none is made if not.
    pub(crate) async fn run(self, begun: oneshot::Sender<Result<bool, StoreError>>) {
        let mut begun = Some(begun);
        loop {
            match self.subscribe().await {
                Ok((client, wire)) => {
                    // What was written before is lost on this subscriber.
                    self.subscriber.gap();
                    if let Some(begun) = begun.take() {
                        let _ = begun.send(Ok(true));
                    }
                    self.relay(client, wire).await;
                }
                Err(error) => {
                    if let Some(begun) = begun.take() {
                        // A standby tells nothing.
                        let told =
                            if error.is_of_a_standby() { Ok(false) } else { Err(error.not_sent()) };
                        let _ = begun.send(told);
                        return;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn subscribe(&self) -> Result<(Client, Wire), PostgresError> {
        let (client, mut wire) = self.way.dial().await?;
        let listen = format!("{SAFE} LISTEN \"{}\"", self.way.names.channel());
        // Whatever is told before the answer was written before: nothing is remembered of it.
        self.say(&client, &mut wire, &listen, |_| ()).await?;
        Ok((client, wire))
    }

    /// Passes on what the server tells until it is silent.
    async fn relay(&self, client: Client, mut wire: Wire) {
        loop {
            let asked = self.subscriber.now();
            // The server tells what it has to tell before it is ready for the next question.
            let beat = self.say(&client, &mut wire, "SELECT 1", |payload| self.tell(payload));
            if beat.await.is_err() {
                return;
            }
            self.subscriber.caught_up_to(asked);
            let mut rest = pin!(sleep(BEAT));
            loop {
                let message = tokio::select! {
                    message = poll_fn(|context| wire.poll_message(context)) => message,
                    () = &mut rest => break,
                };
                match message {
                    Some(Ok(AsyncMessage::Notification(told))) => self.tell(told.payload()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                }
            }
        }
    }

    /// Says something and passes on what is told until it is answered.
    async fn say(
        &self,
        client: &Client,
        wire: &mut Wire,
        words: &str,
        tell: impl Fn(&str),
    ) -> Result<(), PostgresError> {
        let saying = async {
            let mut answer = pin!(client.batch_execute(words));
            loop {
                tokio::select! {
                    biased;
                    message = poll_fn(|context| wire.poll_message(context)) => match message {
                        Some(Ok(AsyncMessage::Notification(told))) => tell(told.payload()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(PostgresError::driver("listen to the server", error)),
                        None => return Err(unreachable()),
                    },
                    answer = &mut answer => {
                        return answer.map_err(|error| PostgresError::driver("listen to the server", error));
                    }
                }
            }
        };
        timeout(self.way.patience, saying).await.unwrap_or_else(|_| Err(unreachable()))
    }

    /// Sessions with a comma between them, each with its revision if it has a new one.
    fn tell(&self, payload: &str) {
        for change in payload.split(',') {
            match read(change) {
                Some((id, revision)) => self.subscriber.changed(id, revision),
                None => self.subscriber.gap(),
            }
        }
    }
}

fn unreachable() -> PostgresError {
    PostgresError::new(crate::error::PostgresErrorKind::TimedOut, "listen to the server")
}

fn read(change: &str) -> Option<(PublicId, Option<Revision>)> {
    let mut parts = change.split(':');
    let id = parts.next()?.replace('-', "").parse().ok()?;
    let Some(count) = parts.next() else { return Some((id, None)) };
    Some((id, Some(revision(count.parse().ok()?, parts.next()?.parse().ok()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_with_its_revision_and_without() {
        let id: PublicId = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
        assert_eq!(read(text), Some((id, None)));
        assert_eq!(read(&format!("{text}:3:-1")), Some((id, Some(Revision::new(3, u64::MAX)))));
        for text in ["", ":", "0001", &format!("{text}:3"), &format!("{text}:a:1")] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

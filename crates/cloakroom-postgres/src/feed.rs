//! The change feed: the server notifies of every write to a session, once it is committed.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::PublicId;
use cloakroom::record::Revision;
use cloakroom::store::{StoreError, Subscriber};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, SimpleQueryMessage};

use crate::column::revision;
use crate::connect_options::{ConnectOptions, Driver, SAFE_SETTINGS};
use crate::error::{PostgresError, PostgresErrorKind};
use crate::peers::{Heartbeat, Peers, Verdict};
use crate::servers::Connected;

/// How often the feed checks that it has received all notifications.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often while an older transaction goes on.
const FIRST_HEARTBEATS: Duration = Duration::from_millis(50);
/// How long a broken feed waits before it reconnects.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

/// The connection of one subscriber.
pub(crate) struct Feed {
    options: ConnectOptions,
    subscriber: Arc<dyn Subscriber>,
}

impl Feed {
    pub(crate) const fn new(options: ConnectOptions, subscriber: Arc<dyn Subscriber>) -> Self {
        Self { options, subscriber }
    }

    /// Notifies the subscriber of changes until the task is aborted.
    ///
    /// `started` receives the outcome of the first attempt to connect. If it fails, the feed ends.
    pub(crate) async fn run(self, started: oneshot::Sender<Result<bool, StoreError>>) {
        let mut started = Some(started);
        loop {
            match self.subscribe().await {
                Ok(connected) => {
                    // Earlier changes were missed.
                    self.subscriber.gap();
                    if let Some(started) = started.take() {
                        let _ = started.send(Ok(true));
                    }
                    self.relay(connected).await;
                }
                Err(error) => {
                    if let Some(started) = started.take() {
                        // A standby sends no notifications.
                        let outcome = if error.kind() == PostgresErrorKind::Standby {
                            Ok(false)
                        } else {
                            Err(error.not_sent())
                        };
                        let _ = started.send(outcome);
                        return;
                    }
                }
            }
            sleep(RECONNECT_DELAY).await;
        }
    }

    async fn subscribe(&self) -> Result<Connected, PostgresError> {
        let Connected { client, mut driver, facts } = self.options.connect().await?;
        if facts.is_standby {
            return Err(PostgresError::new(PostgresErrorKind::Standby, "subscribe to changes"));
        }
        let listen = format!("{SAFE_SETTINGS} LISTEN \"{}\"", self.options.names.channel());
        // First it listens, then the connections that write are told so.
        let enroll = self.options.names.fill(include_str!("sql/enroll_listener.sql"));
        for statement in [&listen, &enroll] {
            // Notifications before the reply are of changes that the subscriber has not cached yet.
            self.execute(&client, &mut driver, statement, |_| ()).await?;
        }
        Ok(Connected { client, driver, facts })
    }

    /// Passes notifications on until the server stops answering.
    async fn relay(&self, Connected { client, mut driver, facts }: Connected) {
        let heartbeat = self.options.names.fill(include_str!("sql/heartbeat.sql"));
        let mut peers = Peers::default();
        loop {
            let now = self.subscriber.now();
            // The server sends pending notifications before it answers the next query.
            let beat =
                self.execute(&client, &mut driver, &heartbeat, |payload| self.notify(payload));
            let Ok(Some(beat)) = beat.await.map(|answer| parse_heartbeat(&answer)) else { return };
            if !self.options.servers.is_newest(facts.timeline) {
                return;
            }
            let pause = match peers.observe(beat) {
                Verdict::Unknown => FIRST_HEARTBEATS,
                Verdict::Gap => {
                    self.subscriber.gap();
                    HEARTBEAT
                }
                Verdict::Complete => {
                    self.subscriber.caught_up_to(now);
                    HEARTBEAT
                }
            };
            let mut pause = pin!(sleep(pause));
            loop {
                let message = tokio::select! {
                    message = poll_fn(|context| driver.poll_message(context)) => message,
                    () = &mut pause => break,
                };
                match message {
                    Some(Ok(AsyncMessage::Notification(change))) => self.notify(change.payload()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                }
            }
        }
    }

    /// Executes statements, and passes notifications on until they are answered.
    async fn execute(
        &self,
        client: &Client,
        driver: &mut Driver,
        sql: &str,
        notify: impl Fn(&str),
    ) -> Result<Vec<SimpleQueryMessage>, PostgresError> {
        let executing = async {
            let mut reply = pin!(client.simple_query(sql));
            loop {
                tokio::select! {
                    biased;
                    message = poll_fn(|context| driver.poll_message(context)) => match message {
                        Some(Ok(AsyncMessage::Notification(change))) => notify(change.payload()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(failed(error)),
                        None => return Err(timed_out()),
                    },
                    reply = &mut reply => return reply.map_err(failed),
                }
            }
        };
        timeout(self.options.timeout, executing).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Parses a notification: changes separated by commas.
    fn notify(&self, payload: &str) {
        for change in payload.split(',') {
            match parse(change) {
                Some((id, revision)) => self.subscriber.changed(id, revision),
                None => self.subscriber.gap(),
            }
        }
    }
}

fn parse_heartbeat(answer: &[SimpleQueryMessage]) -> Option<Heartbeat> {
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Heartbeat::parse([row.get(0), row.get(1), row.get(2), row.get(3)])
        }
        _ => None,
    })
}

fn failed(error: tokio_postgres::Error) -> PostgresError {
    PostgresError::driver("subscribe to changes", error)
}

fn timed_out() -> PostgresError {
    PostgresError::new(PostgresErrorKind::TimedOut, "subscribe to changes")
}

/// Parses `id` or `id:revision:token`; the latter for a write that gave the session a new revision.
fn parse(change: &str) -> Option<(PublicId, Option<Revision>)> {
    let mut parts = change.split(':');
    let id = parts.next()?.replace('-', "").parse().ok()?;
    let Some(count) = parts.next() else { return Some((id, None)) };
    Some((id, Some(revision(count.parse().ok()?, parts.next()?.parse().ok()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_parsed_with_and_without_a_revision() {
        let id: PublicId = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
        assert_eq!(parse(text), Some((id, None)));
        assert_eq!(parse(&format!("{text}:3:-1")), Some((id, Some(Revision::new(3, u64::MAX)))));
        for text in ["", ":", "0001", &format!("{text}:3"), &format!("{text}:a:1")] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! The change feed: the server tells of every key of a session that anybody writes, by its client tracking.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::{Listener, StoreError};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;

/// How often the server is asked whether it has told everything.
const BEAT: Duration = Duration::from_secs(1);
/// How long a feed that broke rests before it is mended.
const PAUSE: Duration = Duration::from_millis(200);

type Pushes = mpsc::UnboundedReceiver<PushInfo>;

/// One listener's connection.
pub(crate) struct Feed {
    client: Client,
    keys: Keys,
    patience: Duration,
    listener: Arc<dyn Listener>,
}

impl Feed {
    pub(crate) fn new(
        client: &Client,
        keys: Keys,
        patience: Duration,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, StoreError> {
        let address = client.get_connection_info().clone();
        // Only the third version of the protocol tells of what was not asked for.
        let settings = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(address.set_redis_settings(settings))
            .map_err(|error| RedisError::driver("use this address", error).not_sent())?;
        Ok(Self { client, keys, patience, listener })
    }

    /// Tells the listener of changes for ever, and `begun` whether the first connection could be made; none is made if not.
    pub(crate) async fn run(self, begun: oneshot::Sender<Result<bool, StoreError>>) {
        let mut begun = Some(begun);
        loop {
            match self.subscribe().await {
                Ok((connection, pushes)) => {
                    // What was written before is lost on this listener.
                    self.listener.lost();
                    if let Some(begun) = begun.take() {
                        let _ = begun.send(Ok(true));
                    }
                    self.relay(connection, pushes).await;
                }
                Err(error) => {
                    if let Some(begun) = begun.take() {
                        let _ = begun.send(Err(error.not_sent()));
                        return;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn subscribe(&self) -> Result<(MultiplexedConnection, Pushes), RedisError> {
        let (sender, pushes) = mpsc::unbounded_channel();
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience))
            .set_push_sender(sender);
        let subscribing = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&settings).await?;
            let mut track = redis::cmd("CLIENT");
            track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.keys.every_session());
            let () = track.query_async(&mut connection).await?;
            Ok(connection)
        };
        match timeout(self.patience, subscribing).await {
            Ok(Ok(connection)) => Ok((connection, pushes)),
            Ok(Err(error)) => Err(RedisError::driver("listen to the server", error)),
            Err(_) => Err(RedisError::new(RedisErrorKind::TimedOut, "listen to the server")),
        }
    }

    /// Passes on what the server tells until it is silent.
    async fn relay(&self, connection: MultiplexedConnection, mut pushes: Pushes) {
        loop {
            let asked = self.listener.now();
            let mut connection = connection.clone();
            let mut beat = pin!(timeout(self.patience, async move {
                redis::cmd("PING").query_async::<()>(&mut connection).await
            }));
            let is_there = loop {
                tokio::select! {
                    biased;
                    push = pushes.recv() => if !self.tell(push) { return },
                    answer = &mut beat => break matches!(answer, Ok(Ok(()))),
                }
            };
            if !is_there {
                return;
            }
            // What came before the answer is told before it counts.
            while let Ok(push) = pushes.try_recv() {
                if !self.tell(Some(push)) {
                    return;
                }
            }
            self.listener.heard(asked);
            let mut rest = pin!(sleep(BEAT));
            loop {
                tokio::select! {
                    biased;
                    push = pushes.recv() => if !self.tell(push) { return },
                    () = &mut rest => break,
                }
            }
        }
    }

    /// False if the connection has ended.
    fn tell(&self, push: Option<PushInfo>) -> bool {
        let Some(push) = push.filter(|push| push.kind != PushKind::Disconnection) else { return false };
        if push.kind == PushKind::Invalidate {
            match push.data.into_iter().next() {
                Some(Value::Array(keys)) => {
                    for key in keys {
                        if let Value::BulkString(key) = key
                            && let Some(id) = self.keys.id_in(&key)
                        {
                            self.listener.changed(id, None);
                        }
                    }
                }
                // Everything went.
                _ => self.listener.lost(),
            }
        }
        true
    }
}

//! The change feed: each server notifies of every write to a session's key, by client tracking.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::{StoreError, Subscriber};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ErrorKind, PushInfo, PushKind, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Endpoint, is_replica_role, run_in};
use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::server::Server;
use crate::slots::Address;
use crate::topology::{Master, SlotMap, Topology};

/// How often the feed checks that it has received all notifications.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long a broken feed waits before it reconnects.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

const SUBSCRIBE: &str = "subscribe to changes";

/// The connections of one subscriber.
pub(crate) struct Feed {
    topology: Arc<Topology>,
    keys: Keys,
    subscriber: Arc<dyn Subscriber>,
}

/// The notifications of all servers.
struct Subscription {
    listeners: Vec<Listener>,
    since: Instant,
    pushes: mpsc::UnboundedReceiver<PushInfo>,
}

/// The connection to one server.
#[derive(Clone)]
struct Listener {
    /// The address of the server on the slot map.
    address: Address,
    /// The address that this connection was made to.
    connected_to: ConnectionAddr,
    connection: MultiplexedConnection,
}

impl Feed {
    pub(crate) const fn new(
        topology: Arc<Topology>,
        keys: Keys,
        subscriber: Arc<dyn Subscriber>,
    ) -> Self {
        Self { topology, keys, subscriber }
    }

    /// Notifies the subscriber of changes until the task is aborted.
    ///
    /// `started` receives the outcome of the first attempt to connect. If it fails, the feed ends.
    pub(crate) async fn run(self, started: oneshot::Sender<Result<bool, StoreError>>) {
        let mut started = Some(started);
        loop {
            match self.subscribe().await {
                Ok(subscription) => {
                    // Earlier changes were missed.
                    self.subscriber.gap();
                    if let Some(started) = started.take() {
                        let _ = started.send(Ok(true));
                    }
                    self.relay(subscription).await;
                }
                Err(error) => {
                    if let Some(started) = started.take() {
                        let _ = started.send(Err(error.not_sent()));
                        return;
                    }
                }
            }
            sleep(RECONNECT_DELAY).await;
        }
    }

    async fn subscribe(&self) -> Result<Subscription, RedisError> {
        let since = Instant::now();
        let _ = self.topology.refresh().await;
        let (sender, pushes) = mpsc::unbounded_channel();
        let mut listeners = Vec::new();
        for Master { address, node, .. } in &self.topology.map().masters {
            let limit = self.topology.settings().timeout;
            let subscribing = async {
                let server = node.connection.endpoint().server(limit).await?;
                let connection = self.track(&server, sender.clone()).await?;
                Ok((server.addr().clone(), connection))
            };
            let (connected_to, connection) = timeout(limit, subscribing)
                .await
                .unwrap_or_else(|_| Err(RedisError::new(RedisErrorKind::TimedOut, SUBSCRIBE)))?;
            listeners.push(Listener { address: address.clone(), connected_to, connection });
        }
        Ok(Subscription { listeners, since, pushes })
    }

    /// Connects to a server and turns on client tracking of all sessions.
    async fn track(
        &self,
        server: &Server,
        sender: mpsc::UnboundedSender<PushInfo>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let failed = |error| RedisError::driver(SUBSCRIBE, error);
        let limit = self.topology.settings().timeout;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit))
            .set_push_sender(sender);
        let mut connection = server.with_pushes().connect(settings, SUBSCRIBE).await?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.keys.session_prefix());
        let () = track.query_async(&mut connection).await.map_err(failed)?;
        Ok(connection)
    }

    /// Passes notifications on until a server stops answering, or the set of masters changes.
    async fn relay(&self, mut subscription: Subscription) {
        loop {
            let now = self.subscriber.now();
            let mut heartbeat =
                pin!(self.is_complete(subscription.listeners.clone(), subscription.since));
            let is_complete = loop {
                tokio::select! {
                    biased;
                    push = subscription.pushes.recv() => if !self.notify(push) { return },
                    is_complete = &mut heartbeat => break is_complete,
                }
            };
            if !is_complete {
                return;
            }
            // Notifications that arrived before the answers.
            while let Ok(push) = subscription.pushes.try_recv() {
                if !self.notify(Some(push)) {
                    return;
                }
            }
            self.subscriber.caught_up_to(now);
            let mut pause = pin!(sleep(HEARTBEAT));
            loop {
                tokio::select! {
                    biased;
                    push = subscription.pushes.recv() => if !self.notify(push) { return },
                    () = &mut pause => break,
                }
            }
        }
    }

    /// Whether every master has a listener, and every listener is connected to a current master.
    async fn is_complete(&self, listeners: Vec<Listener>, since: Instant) -> bool {
        let limit = self.topology.settings().timeout;
        timeout(limit, self.check(&listeners, since)).await.unwrap_or(false)
    }

    async fn check(&self, listeners: &[Listener], since: Instant) -> bool {
        // A former master sends no notifications of what its successor writes.
        let _ = self.topology.refresh().await;
        let map = self.topology.map();
        let has_listener =
            |address: &Address| listeners.iter().any(|listener| listener.address == *address);
        if !map.masters.iter().all(|master| has_listener(&master.address))
            || self.topology.used_unmapped_since(since)
        {
            return false;
        }
        for listener in listeners {
            let mut connection = listener.connection.clone();
            let role = redis::cmd("ROLE").query_async::<Value>(&mut connection).await;
            let was_replaced = match role {
                Ok(role) if !self.topology.is_cluster() && is_replica_role(&role) => true,
                Ok(_) => match self.was_replaced(listener, &map).await {
                    Some(was_replaced) => was_replaced,
                    None => return false,
                },
                // The server does not permit `ROLE`.
                Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => false,
                Err(_) => return false,
            };
            if was_replaced {
                let is_same = |master: &&Master| master.address == listener.address;
                if let Some(master) = map.masters.iter().find(is_same) {
                    master.node.disconnect();
                }
                return false;
            }
        }
        true
    }

    /// Whether a single master was replaced by another one, without knowing it itself.
    ///
    /// `None` if that cannot be found out, or if operations go to another server than the
    /// listener's.
    async fn was_replaced(&self, listener: &Listener, map: &SlotMap) -> Option<bool> {
        let Some(Master { node, .. }) = map.masters.first().filter(|_| !self.topology.is_cluster())
        else {
            return Some(false);
        };
        if let endpoint @ Endpoint::Sentinels(_) = node.connection.endpoint() {
            let master = endpoint.server(self.topology.settings().timeout).await.ok()?;
            if *master.addr() != listener.connected_to {
                return Some(true);
            }
        }
        // A host name can resolve to another server by now.
        let mut query = redis::cmd("INFO");
        query.arg("server");
        let info = match query.query_async::<Value>(&mut listener.connection.clone()).await {
            Ok(info) => info,
            // A server that does not permit `INFO` has no run id on any connection.
            Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => Value::Nil,
            Err(_) => return None,
        };
        let run = node.connection.run().await.ok()?;
        (run_in(&info) == run).then_some(false)
    }

    /// Notifies the subscriber; returns false if a connection has ended.
    fn notify(&self, push: Option<PushInfo>) -> bool {
        let Some(push) = push.filter(|push| push.kind != PushKind::Disconnection) else {
            return false;
        };
        if push.kind == PushKind::Invalidate {
            match push.data.into_iter().next() {
                Some(Value::Array(keys)) => {
                    for key in keys {
                        let Value::BulkString(key) = key else { continue };
                        if let Some(id) = self.keys.parse_session(&key) {
                            self.subscriber.changed(id, None);
                        }
                    }
                }
                // The database was flushed.
                _ => self.subscriber.gap(),
            }
        }
        true
    }
}

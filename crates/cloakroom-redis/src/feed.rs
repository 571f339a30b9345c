//! The change feed: each server tells of every key of a session that anybody writes, by its client tracking.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::{StoreError, Subscriber};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, ProtocolVersion, PushInfo, PushKind,
    Value,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Way, follows, identity_in};
use crate::net::{Map, Master, Net};
use crate::slots::Address;

/// How often the servers are asked whether they have told everything.
const BEAT: Duration = Duration::from_secs(1);
/// How long a feed that broke rests before it is mended.
const PAUSE: Duration = Duration::from_millis(200);

/// One subscriber's connections.
pub(crate) struct Feed {
    net: Arc<Net>,
    keys: Keys,
    subscriber: Arc<dyn Subscriber>,
}

/// What all servers tell, and whom it comes from.
struct Subscription {
    connections: Vec<Ear>,
    since: Instant,
    pushes: mpsc::UnboundedReceiver<PushInfo>,
}

/// The connection that one server tells over.
#[derive(Clone)]
struct Ear {
    /// The server as the map knows it.
    address: Address,
    /// Where it really is.
    place: ConnectionAddr,
    connection: MultiplexedConnection,
}

impl Feed {
    pub(crate) const fn new(net: Arc<Net>, keys: Keys, subscriber: Arc<dyn Subscriber>) -> Self {
        Self { net, keys, subscriber }
    }

    /// Tells the subscriber of changes for ever, and `begun` whether the first connection could be made; none is made if not.
    pub(crate) async fn run(self, begun: oneshot::Sender<Result<bool, StoreError>>) {
        let mut begun = Some(begun);
        loop {
            match self.subscribe().await {
                Ok(subscription) => {
                    // What was written before is lost on this subscriber.
                    self.subscriber.gap();
                    if let Some(begun) = begun.take() {
                        let _ = begun.send(Ok(true));
                    }
                    self.relay(subscription).await;
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

    async fn subscribe(&self) -> Result<Subscription, RedisError> {
        let since = Instant::now();
        let _ = self.net.explore().await;
        let (sender, pushes) = mpsc::unbounded_channel();
        let mut connections = Vec::new();
        for Master { address, node, .. } in &self.net.map().masters {
            let patience = self.net.settings().patience;
            let subscribing = async {
                let client = node.link.way().client(patience).await?;
                let place = client.get_connection_info().addr().clone();
                Ok((place, self.track(&client, sender.clone()).await?))
            };
            let (place, connection) =
                timeout(patience, subscribing).await.unwrap_or_else(|_| {
                    Err(RedisError::new(RedisErrorKind::TimedOut, "listen to the server"))
                })?;
            connections.push(Ear { address: address.clone(), place, connection });
        }
        Ok(Subscription { connections, since, pushes })
    }

    async fn track(
        &self,
        client: &Client,
        sender: mpsc::UnboundedSender<PushInfo>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let failed = |error| RedisError::driver("listen to the server", error);
        let address = client.get_connection_info().clone();
        // Only the third version of the protocol tells of what was not asked for.
        let settings = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(address.set_redis_settings(settings)).map_err(failed)?;
        let patience = self.net.settings().patience;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            .set_push_sender(sender);
        let connecting = client.get_multiplexed_async_connection_with_config(&settings);
        let mut connection = connecting.await.map_err(failed)?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.keys.every_session());
        let () = track.query_async(&mut connection).await.map_err(failed)?;
        Ok(connection)
    }

    /// Passes on what the servers tell until one is silent or there are others.
    async fn relay(&self, mut all: Subscription) {
        loop {
            let asked = self.subscriber.now();
            let mut beat = pin!(self.beat(all.connections.clone(), all.since));
            let are_there = loop {
                tokio::select! {
                    biased;
                    push = all.pushes.recv() => if !self.tell(push) { return },
                    answer = &mut beat => break answer,
                }
            };
            if !are_there {
                return;
            }
            // What came before the answers is told before they count.
            while let Ok(push) = all.pushes.try_recv() {
                if !self.tell(Some(push)) {
                    return;
                }
            }
            self.subscriber.caught_up_to(asked);
            let mut rest = pin!(sleep(BEAT));
            loop {
                tokio::select! {
                    biased;
                    push = all.pushes.recv() => if !self.tell(push) { return },
                    () = &mut rest => break,
                }
            }
        }
    }

    /// Whether all servers answer, are the masters still, and are all there are.
    async fn beat(&self, ears: Vec<Ear>, since: Instant) -> bool {
        let patience = self.net.settings().patience;
        timeout(patience, self.are_all(&ears, since)).await.unwrap_or(false)
    }

    async fn are_all(&self, ears: &[Ear], since: Instant) -> bool {
        // A master that is no longer one tells nothing any more: whoever is, is not listened to.
        let _ = self.net.explore().await;
        let map = self.net.map();
        let is_heard = |address: &Address| ears.iter().any(|ear| ear.address == *address);
        if !map.masters.iter().all(|master| is_heard(&master.address))
            || self.net.asked_strangers(since)
        {
            return false;
        }
        for ear in ears {
            let role = redis::cmd("ROLE").query_async::<Value>(&mut ear.connection.clone()).await;
            let has_left = match role {
                Ok(role) if !self.net.is_cluster() && follows(&role) => true,
                Ok(_) => match self.is_succeeded(ear, &map).await {
                    Some(is_succeeded) => is_succeeded,
                    // Nobody tells: what is caught_up_to may not be all, but there is nobody else to ask.
                    None => return false,
                },
                // One that answers, but does not tell.
                Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => false,
                Err(_) => return false,
            };
            if has_left {
                if let Some(master) =
                    map.masters.iter().find(|master| master.address == ear.address)
                {
                    master.node.leave().await;
                }
                return false;
            }
        }
        true
    }

    /// Whether sentinels, if there are any, name another server by now than the one that is listened to, which may not know.
    /// `None` if nobody can tell, or another server is asked than is listened to.
    async fn is_succeeded(&self, ear: &Ear, map: &Map) -> Option<bool> {
        let Some(Master { node, .. }) = map.masters.first().filter(|_| !self.net.is_cluster())
        else {
            return Some(false);
        };
        if let way @ Way::Asking(_) = node.link.way() {
            let named = way.client(self.net.settings().patience).await.ok()?;
            if *named.get_connection_info().addr() != ear.place {
                return Some(true);
            }
        }
        // A name may lead to another server by now, of which nothing is caught_up_to.
        let mut question = redis::cmd("INFO");
        let facts =
            match question.arg("server").query_async::<Value>(&mut ear.connection.clone()).await {
                Ok(facts) => facts,
                // One that keeps its facts to itself does so on every connection.
                Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => Value::Nil,
                Err(_) => return None,
            };
        let asked = node.link.identity().await.ok()?;
        (identity_in(&facts) == asked).then_some(false)
    }

    /// False if a connection has ended.
    fn tell(&self, push: Option<PushInfo>) -> bool {
        let Some(push) = push.filter(|push| push.kind != PushKind::Disconnection) else {
            return false;
        };
        if push.kind == PushKind::Invalidate {
            match push.data.into_iter().next() {
                Some(Value::Array(keys)) => {
                    for key in keys {
                        if let Value::BulkString(key) = key
                            && let Some(id) = self.keys.id_in(&key)
                        {
                            self.subscriber.changed(id, None);
                        }
                    }
                }
                // Everything went.
                _ => self.subscriber.gap(),
            }
        }
        true
    }
}

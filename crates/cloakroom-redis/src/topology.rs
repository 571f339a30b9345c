//! The servers that hold the sessions: a single one, or the masters of a cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use redis::Pipeline;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connection::{Connection, Endpoint, SendError, Settings};
use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::node::Node;
use crate::sentinel::Sentinels;
use crate::server::Server;
use crate::slots::{self, Address, Range, slot_of};

/// The slot map is not refreshed if it is younger than this.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_millis(50);

const FIND_NODES: &str = "find the cluster's nodes";

/// The servers, and which of them holds which slots.
#[derive(Debug)]
pub(crate) struct Topology {
    settings: Settings,
    keys: Keys,
    runtime: Handle,
    /// The nodes that the cluster was configured with; none for a single server.
    seeds: Vec<Arc<Connection>>,
    map: RwLock<Arc<SlotMap>>,
    refreshed: Mutex<Option<Instant>>,
    /// Whether a task is refreshing the map.
    is_refreshing: AtomicBool,
    /// When operations were last sent to a node that is not on the map, and so has no change feed.
    used_unmapped: std::sync::Mutex<Option<Instant>>,
    this: Weak<Self>,
}

/// Which master holds which slots.
#[derive(Debug, Default)]
pub(crate) struct SlotMap {
    /// In the order of the first slots that they hold.
    pub(crate) masters: Vec<Master>,
    /// First slot, last slot, and the index of the master.
    ranges: Vec<(u16, u16, usize)>,
}

/// A server that holds sessions.
#[derive(Clone, Debug)]
pub(crate) struct Master {
    /// The first slot that it holds.
    pub(crate) slot: u16,
    pub(crate) address: Address,
    pub(crate) node: Arc<Node>,
}

impl SlotMap {
    /// A hash of the map: it changes when slots move.
    pub(crate) fn fingerprint(&self) -> u32 {
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let mut digest = crc.digest();
        for (first, last, master) in &self.ranges {
            let Address { host, port } = &self.masters[*master].address;
            digest.update(format!("{first}-{last} {host}:{port},").as_bytes());
        }
        digest.finalize()
    }

    fn master_at(&self, address: &Address) -> Option<&Master> {
        self.masters.iter().find(|master| master.address == *address)
    }
}

impl Topology {
    /// A single server, or the master that sentinels name.
    pub(crate) fn single(endpoint: Endpoint, settings: Settings, keys: Keys) -> Arc<Self> {
        let settings = Settings { checks_role: true, ..settings };
        if let Endpoint::Sentinels(sentinels) = &endpoint {
            Handle::current().spawn(Sentinels::follow(Arc::downgrade(sentinels)));
        }
        Self::new(Vec::new(), settings, keys, |topology| {
            let node = topology.start_node(endpoint);
            let address = Address { host: String::new(), port: 0 };
            SlotMap {
                masters: vec![Master { slot: 0, address, node }],
                ranges: vec![(0, u16::MAX, 0)],
            }
        })
    }

    /// The cluster that one of the `seeds` knows.
    pub(crate) async fn cluster(
        seeds: Vec<Server>,
        settings: Settings,
        keys: Keys,
    ) -> Result<Arc<Self>, RedisError> {
        let connect = |seed| Connection::new(Endpoint::Server(Box::new(seed)), settings.clone());
        let seeds = seeds.into_iter().map(connect).collect();
        let topology = Self::new(seeds, settings.clone(), keys, |_| SlotMap::default());
        topology.refresh().await.map(|()| topology)
    }

    fn new(
        seeds: Vec<Arc<Connection>>,
        settings: Settings,
        keys: Keys,
        map: impl FnOnce(&Self) -> SlotMap,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| {
            let topology = Self {
                settings,
                keys,
                runtime: Handle::current(),
                seeds,
                map: RwLock::default(),
                refreshed: Mutex::default(),
                is_refreshing: AtomicBool::new(false),
                used_unmapped: std::sync::Mutex::default(),
                this: Weak::clone(this),
            };
            *topology.map.write().unwrap_or_else(PoisonError::into_inner) =
                Arc::new(map(&topology));
            topology
        })
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn is_cluster(&self) -> bool {
        !self.seeds.is_empty()
    }

    /// The map as of the last refresh.
    pub(crate) fn map(&self) -> Arc<SlotMap> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The master that holds this key, according to the map.
    pub(crate) fn node_of(&self, key: &[u8]) -> Option<Arc<Node>> {
        let map = self.map();
        let slot = if self.is_cluster() { slot_of(key) } else { 0 };
        let index = map.ranges.partition_point(|(_, last, _)| *last < slot);
        let (_, _, master) = map.ranges.get(index).filter(|(first, ..)| *first <= slot)?;
        Some(Arc::clone(&map.masters[*master].node))
    }

    /// A connection to the node at this address, which a redirection named.
    pub(crate) fn connection_to(&self, address: &Address) -> Option<Arc<Connection>> {
        let map = self.map();
        if let Some(master) = map.master_at(address) {
            return Some(Arc::clone(&master.node.connection));
        }
        *self.used_unmapped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let endpoint = self.seeds.first()?.endpoint().at(address).ok()?;
        Some(Connection::new(endpoint, self.settings.clone()))
    }

    /// Whether operations were sent since then to a node that is not on the map.
    pub(crate) fn used_unmapped_since(&self, since: Instant) -> bool {
        let used = *self.used_unmapped.lock().unwrap_or_else(PoisonError::into_inner);
        used.is_some_and(|instant| instant >= since)
    }

    /// Refreshes the map of a cluster, unless that was done a moment ago.
    pub(crate) async fn refresh(&self) -> Result<(), RedisError> {
        if !self.is_cluster() {
            return Ok(());
        }
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|instant| instant.elapsed() < MIN_REFRESH_INTERVAL) {
            return Ok(());
        }
        let masters: Vec<Arc<Connection>> =
            self.map().masters.iter().map(|master| Arc::clone(&master.node.connection)).collect();
        // At the same time: those that hang delay no answer of the others.
        let mut asked = JoinSet::new();
        for connection in masters.iter().chain(&self.seeds) {
            let connection = Arc::clone(connection);
            asked.spawn(async move { (slots_known_to(&connection).await, connection) });
        }
        let mut result = Err(RedisError::new(RedisErrorKind::NotReady, FIND_NODES));
        while let Some(answer) = asked.join_next().await {
            let Ok((slots, connection)) = answer else { continue };
            result = slots.and_then(|slots| self.map_of(slots, &connection));
            if let Ok(map) = &mut result {
                *self.map.write().unwrap_or_else(PoisonError::into_inner) =
                    Arc::new(std::mem::take(map));
                break;
            }
        }
        *refreshed = Some(Instant::now());
        result.map(drop)
    }

    /// Refreshes the map in a task.
    pub(crate) fn refresh_soon(&self) {
        let Some(topology) = self.this.upgrade().filter(|topology| topology.is_cluster()) else {
            return;
        };
        if !self.is_refreshing.swap(true, Ordering::AcqRel) {
            self.runtime.spawn(async move {
                let _ = topology.refresh().await;
                topology.is_refreshing.store(false, Ordering::Release);
            });
        }
    }

    /// The map of these slots, which the server at the end of the connection told.
    fn map_of(
        &self,
        slots: Vec<Range>,
        connection: &Arc<Connection>,
    ) -> Result<SlotMap, RedisError> {
        let known = self.map();
        let mut map = SlotMap::default();
        for (first, last, mut address) in slots {
            if address.host.is_empty() {
                address.host = connection.endpoint().host().unwrap_or_default();
            }
            let listed = map.masters.iter().position(|master| master.address == address);
            let master = listed.unwrap_or(map.masters.len());
            if listed.is_none() {
                // A known master keeps its connection and its queues.
                let node = match known.master_at(&address) {
                    Some(known) => Arc::clone(&known.node),
                    None => self.start_node(connection.endpoint().at(&address)?),
                };
                map.masters.push(Master { slot: first, address, node });
            }
            map.ranges.push((first, last, master));
        }
        Ok(map)
    }

    fn start_node(&self, endpoint: Endpoint) -> Arc<Node> {
        let connection = Connection::new(endpoint, self.settings.clone());
        Node::start(&connection, &self.keys, &self.this, &self.runtime)
    }
}

/// The slots with the nodes that hold them, as a node knows them.
async fn slots_known_to(connection: &Arc<Connection>) -> Result<Vec<Range>, RedisError> {
    let mut commands = Pipeline::new();
    commands.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let sent = connection.send(connection.deadline(), &commands, 2).await;
    let answers = sent.map_err(SendError::into_inner)?;
    if let Some(redis::Value::ServerError(error)) = answers.first() {
        return Err(RedisError::driver(FIND_NODES, error.clone().into()));
    }
    // A node that is cut off from the majority has an outdated map.
    let state: String = redis::from_redis_value_ref(&answers[0]).unwrap_or_default();
    if !state.contains("cluster_state:ok") {
        return Err(RedisError::new(RedisErrorKind::NotReady, FIND_NODES));
    }
    let slots = answers.get(1).and_then(slots::parse).filter(|slots| !slots.is_empty());
    slots.ok_or_else(|| RedisError::new(RedisErrorKind::Unexpected, FIND_NODES))
}

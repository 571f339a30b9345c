//! The servers that together hold the sessions: one, or the masters of a cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use redis::Pipeline;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Broken, Link, Settings, Way};
use crate::node::Node;
use crate::slots::{self, Address, slot_of};

/// A map that is younger than this is not asked for again.
const FRESH: Duration = Duration::from_millis(50);

/// Where sessions are. Cheap to look into.
#[derive(Debug)]
pub(crate) struct Net {
    settings: Settings,
    keys: Keys,
    runtime: Handle,
    /// Those who know the cluster, by which it was entered; none of a server alone.
    seeds: Vec<Arc<Link>>,
    map: RwLock<Arc<Map>>,
    asked: Mutex<Option<Instant>>,
    /// Somebody waits to ask for it already.
    asks_soon: AtomicBool,
    /// When a server was last asked that has no slot of its own yet: nobody hears what it tells.
    strange: std::sync::Mutex<Option<Instant>>,
    own: Weak<Self>,
}

/// Who has which slots.
#[derive(Debug, Default)]
pub(crate) struct Map {
    /// In the order of the first slots that they have.
    pub(crate) masters: Vec<Master>,
    /// From slot to slot, and which of the masters.
    ranges: Vec<(u16, u16, usize)>,
}

/// A server that holds sessions.
#[derive(Clone, Debug)]
pub(crate) struct Master {
    /// The first slot it has.
    pub(crate) slot: u16,
    pub(crate) address: Address,
    pub(crate) node: Arc<Node>,
}

impl Map {
    /// Of who has what: another map has another.
    pub(crate) fn sign(&self) -> u32 {
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

impl Net {
    /// One server, or one behind sentinels.
    pub(crate) fn one(way: Way, settings: Settings, keys: Keys) -> Arc<Self> {
        let settings = Settings { asks_role: true, ..settings };
        Self::start(Vec::new(), settings, keys, |net| {
            let node = Node::start(&Link::new(way, settings), &net.keys, &net.own, &net.runtime);
            let address = Address { host: String::new(), port: 0 };
            Map { masters: vec![Master { slot: 0, address, node }], ranges: vec![(0, u16::MAX, 0)] }
        })
    }

    /// A cluster, entered by any of these.
    pub(crate) async fn cluster(
        seeds: Vec<redis::Client>,
        settings: Settings,
        keys: Keys,
    ) -> Result<Arc<Self>, RedisError> {
        let seeds = seeds.into_iter().map(|seed| Link::new(Way::To(seed), settings)).collect();
        let net = Self::start(seeds, settings, keys, |_| Map::default());
        net.explore().await.map(|()| net)
    }

    fn start(
        seeds: Vec<Arc<Link>>,
        settings: Settings,
        keys: Keys,
        map: impl FnOnce(&Self) -> Map,
    ) -> Arc<Self> {
        Arc::new_cyclic(|own| {
            let net = Self {
                settings,
                keys,
                runtime: Handle::current(),
                seeds,
                map: RwLock::default(),
                asked: Mutex::default(),
                asks_soon: AtomicBool::new(false),
                strange: std::sync::Mutex::default(),
                own: Weak::clone(own),
            };
            *net.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map(&net));
            net
        })
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        !self.seeds.is_empty()
    }

    /// The servers as they were last known.
    pub(crate) fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The server that has this key, as far as is known.
    pub(crate) fn node_of(&self, key: &[u8]) -> Option<Arc<Node>> {
        let map = self.map();
        let slot = if self.is_cluster() { slot_of(key) } else { 0 };
        let at = map.ranges.partition_point(|(_, last, _)| *last < slot);
        let (_, _, master) = map.ranges.get(at).filter(|(first, ..)| *first <= slot)?;
        Some(Arc::clone(&map.masters[*master].node))
    }

    /// A connection to the server at this address.
    pub(crate) fn link_to(&self, address: &Address) -> Option<Arc<Link>> {
        let map = self.map();
        if let Some(master) = map.master_at(address) {
            return Some(Arc::clone(&master.node.link));
        }
        *self.strange.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let way = self.seeds.first()?.way().at(address).ok()?;
        Some(Link::new(way, self.settings))
    }

    /// Whether a server was asked since then that is not one of those on the map.
    pub(crate) fn asked_strangers(&self, since: Instant) -> bool {
        self.strange
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|asked| asked >= since)
    }

    /// Draws the map of a cluster anew, unless somebody did a moment ago.
    pub(crate) async fn explore(&self) -> Result<(), RedisError> {
        if !self.is_cluster() {
            return Ok(());
        }
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|moment| moment.elapsed() < FRESH) {
            return Ok(());
        }
        let masters: Vec<Arc<Link>> =
            self.map().masters.iter().map(|master| Arc::clone(&master.node.link)).collect();
        let mut failure = RedisError::new(RedisErrorKind::NotReady, "find the cluster's servers");
        for link in masters.iter().chain(&self.seeds) {
            match self.ask(link).await {
                Ok(map) => {
                    *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
                    *asked = Some(Instant::now());
                    return Ok(());
                }
                Err(error) => failure = error,
            }
        }
        *asked = Some(Instant::now());
        Err(failure)
    }

    /// Leaves the connections to all servers behind, without anybody waiting for it.
    pub(crate) fn leave_soon(&self) {
        let map = self.map();
        self.runtime.spawn(async move {
            for master in &map.masters {
                master.node.leave().await;
            }
        });
    }

    /// Draws it anew without anybody waiting for it.
    pub(crate) fn explore_soon(&self) {
        if let Some(net) = self.own.upgrade().filter(|net| net.is_cluster())
            && !self.asks_soon.swap(true, Ordering::AcqRel)
        {
            self.runtime.spawn(async move {
                let _ = net.explore().await;
                net.asks_soon.store(false, Ordering::Release);
            });
        }
    }

    async fn ask(&self, link: &Link) -> Result<Map, RedisError> {
        let mut message = Pipeline::new();
        message.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
        let answers = link.say(&message, 2).await;
        let answers = answers.map_err(|broken| match broken {
            Broken::NotSent(error) | Broken::Unknown(error) => error,
        })?;
        let unexpected =
            || RedisError::new(RedisErrorKind::Unexpected, "find the cluster's servers");
        if let Some(redis::Value::ServerError(error)) = answers.first() {
            return Err(RedisError::driver("find the cluster's servers", error.clone().into()));
        }
        // One that is cut off from the others goes by what was.
        let state: String = redis::from_redis_value_ref(&answers[0]).unwrap_or_default();
        if !state.contains("cluster_state:ok") {
            return Err(RedisError::new(RedisErrorKind::NotReady, "find the cluster's servers"));
        }
        let ranges = answers.get(1).and_then(slots::read).filter(|ranges| !ranges.is_empty());
        let known = self.map();
        let mut map = Map::default();
        for (first, last, mut address) in ranges.ok_or_else(unexpected)? {
            if address.host.is_empty() {
                address.host = link.way().host().unwrap_or_default();
            }
            let listed = map.masters.iter().position(|master| master.address == address);
            let master = listed.unwrap_or(map.masters.len());
            if listed.is_none() {
                // Who was known before keeps the connection and what waits for it.
                let node = match known.master_at(&address) {
                    Some(known) => Arc::clone(&known.node),
                    None => self.node_at(link.way().at(&address)?),
                };
                map.masters.push(Master { slot: first, address, node });
            }
            map.ranges.push((first, last, master));
        }
        Ok(map)
    }

    fn node_at(&self, way: Way) -> Arc<Node> {
        Node::start(&Link::new(way, self.settings), &self.keys, &self.own, &self.runtime)
    }
}

//! Options for connecting to a server, a cluster or sentinels.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::time::{Clock, SystemClock};

use crate::connection::{Endpoint, Settings};
use crate::error::{RedisError, RedisErrorKind};
use crate::inspection;
use crate::keys::Keys;
use crate::sentinel::Sentinels;
use crate::server::Server;
use crate::store::RedisStore;
use crate::tls;
use crate::topology::Topology;

/// Options for a [`RedisStore`]; see [`RedisStore::builder`], [`RedisStore::cluster`] and
/// [`RedisStore::sentinel`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `connect` is called"]
pub struct RedisBuilder {
    mode: Mode,
    urls: Vec<Url>,
    prefix: String,
    settings: Settings,
    evictions: Evictions,
    root_certificate: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Mode {
    Single,
    Cluster,
    /// With the name of the master.
    Sentinel(String),
}

/// Whether a server may remove sessions when its memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evictions {
    Refused,
    Accepted,
}

/// A URL whose `Debug` output shows no password.
#[derive(Clone)]
struct Url(String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password can be before the `@` and after the `?`.
        if self.0.rfind('@') > self.0.find('?') && self.0.contains('?') {
            return f.write_str("..@..");
        }
        let (server, options) =
            self.0.split_once('?').map_or((&*self.0, false), |(server, _)| (server, true));
        let shown = server.rsplit('@').next().unwrap_or_default();
        f.write_str(if shown.len() < server.len() { "..@" } else { "" })?;
        f.write_str(shown)?;
        f.write_str(if options { "?.." } else { "" })
    }
}

impl RedisBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            mode: Mode::Single,
            urls: vec![Url(url)],
            prefix: "cloakroom".to_owned(),
            settings: Settings {
                timeout: Duration::from_secs(5),
                min_replicas: None,
                checks_role: false,
                probe: Vec::new(),
                clock: Arc::new(SystemClock),
            },
            evictions: Evictions::Refused,
            root_certificate: None,
        }
    }

    pub(crate) fn cluster(url: String) -> Self {
        Self { mode: Mode::Cluster, ..Self::new(url) }
    }

    /// User, password and database number in the URL are those of the master. A sentinel gets user
    /// and password only if it requires authentication.
    pub(crate) fn sentinel(url: String, name: String) -> Self {
        Self { mode: Mode::Sentinel(name), ..Self::new(url) }
    }

    /// Adds the URL of another node of the cluster, or of another sentinel, to try if the ones
    /// before it do not answer.
    ///
    /// For a single server this replaces its URL.
    pub fn add_node(mut self, url: impl Into<String>) -> Self {
        if matches!(self.mode, Mode::Single) {
            self.urls.clear();
        }
        self.urls.push(Url(url.into()));
        self
    }

    /// The prefix of all keys; `cloakroom` by default.
    ///
    /// Up to 64 ASCII letters, digits, and any of `_.:-`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a call takes at most, until it is answered or fails; 5 seconds by default.
    ///
    /// That is the whole time: waiting for other calls, connecting, and waiting for the server.
    /// Once the server has been out of reach for half of it, calls fail sooner.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Acknowledges a write only once `count` replicas have it (Redis's `WAIT`).
    ///
    /// A write fails if they do not have it within `timeout`, which is capped at half of
    /// [`timeout`](Self::timeout). It may have been made all the same. By default a write does not
    /// wait for replicas.
    ///
    /// With each batch of writes the store also writes a key that it never reads, since `WAIT`
    /// waits for the last write of the connection. An ACL that restricts the keys must also permit
    /// `{<prefix>*`.
    ///
    /// # Security
    /// Without this option a master that dies can lose its last writes, including logouts, because
    /// a replica takes over without them. With it those writes are on `count` more servers. A
    /// failover prefers the most recent replica, but does not guarantee it: Redis promises less
    /// loss, not none.
    pub const fn min_replicas(mut self, count: u16, timeout: Duration) -> Self {
        self.settings.min_replicas = Some((count, timeout));
        self
    }

    /// Uses a server that evicts sessions when its memory is full.
    ///
    /// By default [`connect`](Self::connect) refuses one that has `maxmemory` and any
    /// `maxmemory-policy` but `noeviction`.
    ///
    /// # Security
    /// The server then also removes what revocation and limits depend on. A principal whose index
    /// was evicted has sessions that no list shows: `revoke_all` ends none of them and says so with
    /// `Ok(0)`, limits on the number of sessions do not count them, and a sign-in that was revoked
    /// succeeds again. A tombstone that was evicted no longer tells why its session ended. Give
    /// sessions a server of their own, with `noeviction`, if any of this matters.
    pub const fn accept_evictions(mut self) -> Self {
        self.evictions = Evictions::Accepted;
        self
    }

    /// The clock that the servers' clocks are compared with; that of this host by default.
    ///
    /// Servers remove entries by their own clocks, five minutes after they expire. One whose clock
    /// is more than four minutes ahead is not used ([`ClockAhead`](RedisErrorKind::ClockAhead)):
    /// sessions would end early, some as soon as they begin. That is checked on connecting, and
    /// once a second while a server is in use.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// A PEM file with the root certificates to trust, instead of those of the system.
    ///
    /// For `rediss://` URLs.
    pub fn root_certificate(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificate = Some(file.into());
        self
    }

    /// Connects to the server, or to all masters of the cluster.
    ///
    /// # Errors
    /// [`RedisError`] if a URL or the prefix is invalid, a server cannot be reached, its clock is
    /// [ahead](RedisErrorKind::ClockAhead), or it [evicts](RedisErrorKind::Evicts) sessions.
    ///
    /// # Panics
    /// Outside a tokio runtime. The tasks of the store run in the current runtime.
    pub async fn connect(mut self) -> Result<RedisStore, RedisError> {
        let max_wait = self.settings.timeout / 2;
        self.settings.min_replicas =
            self.settings.min_replicas.map(|(count, timeout)| (count, timeout.min(max_wait)));
        let keys = Keys::new(&self.prefix)
            .ok_or_else(|| RedisError::new(RedisErrorKind::Prefix, "use this key prefix"))?;
        self.settings.probe = keys.probe();
        let mut config = None;
        let mut tls = || match &config {
            Some(config) => Ok(Arc::clone(config)),
            None => tls::config(self.root_certificate.as_deref())
                .map(|new| Arc::clone(config.insert(new))),
        };
        let servers: Vec<Server> =
            self.urls.iter().map(|url| Server::new(&url.0, &mut tls)).collect::<Result<_, _>>()?;
        let no_url = || RedisError::new(RedisErrorKind::Url, "connect without a URL");
        let first = servers.first().ok_or_else(no_url)?.clone();
        let topology = match self.mode {
            Mode::Single => {
                Topology::single(Endpoint::Server(Box::new(first)), self.settings, keys.clone())
            }
            Mode::Cluster => Topology::cluster(servers, self.settings, keys.clone()).await?,
            Mode::Sentinel(name) => {
                let sentinels = Sentinels::new(servers, &name, first);
                Topology::single(Endpoint::Sentinels(sentinels), self.settings, keys.clone())
            }
        };
        inspection::check_servers(&topology, self.evictions == Evictions::Accepted).await?;
        Ok(RedisStore::new(topology, keys))
    }
}

//! The policy of one kind of session, checked once.

use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::client::ClientPolicy;
use crate::codec::{Codec, CodecError, Coding, Json, OldPayload, Upgrade};
use crate::entropy::{Entropy, OsEntropy, random};
use crate::guesses::Guesses;
use crate::key::KindTag;
use crate::lifetime::Lifetime;
use crate::limit::Limit;
use crate::manager::{Manager, Throttle, Tokens, UndecodablePolicy};
use crate::observer::Observer;
use crate::payload::Holder;
use crate::sessions::Sessions;
use crate::store::Store;
use crate::theft::TheftPolicy;
use crate::time::{Clock, SystemClock};
use crate::transport::Transport;
use crate::turnstile::Turnstile;
use crate::value::{DefaultKind, Kind, Value};

/// The policy of [`Sessions`] in the making. Whatever is left out is the hardened default.
///
/// ```
/// # use cloakroom::{CookiePolicy, Lifetime, Map, MemoryStore, Sessions, Transport};
/// # use std::time::Duration;
/// let sessions: Sessions<Map> = Sessions::builder(MemoryStore::new())
///     .lifetime(Lifetime::default().with_idle(Duration::from_secs(10 * 60)))
///     .transport(Transport::cookie(CookiePolicy::host("visitor")))
///     .build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<V, K = DefaultKind> {
    store: Arc<dyn Store>,
    lifetime: Lifetime,
    transport: Transport,
    codec: Arc<dyn Codec<V>>,
    schema: u8,
    upgrade: Option<Arc<Upgrade<V>>>,
    limit: Option<Limit>,
    theft: TheftPolicy,
    undecodable: UndecodablePolicy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observers: Vec<Box<dyn Observer>>,
    clients: Option<ClientPolicy>,
    throttle: Option<Box<Throttle>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> Builder<V, K> {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            lifetime: Lifetime::default(),
            transport: Transport::default(),
            codec: Arc::new(Json),
            schema: 0,
            upgrade: None,
            limit: None,
            theft: TheftPolicy::default(),
            undecodable: UndecodablePolicy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            observers: Vec::new(),
            clients: None,
            throttle: None,
            kind: PhantomData,
        }
    }

    /// How long sessions live.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How keys travel: in a cookie (the default), as bearer tokens, or as either.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// How values become bytes; JSON unless said otherwise.
    pub fn codec(mut self, codec: impl Codec<V>) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// Today's version of the value, and how to read a payload of another version or codec.
    ///
    /// What was upgraded is written in today's form by the session's next change.
    pub fn schema(
        mut self,
        version: u8,
        upgrade: impl Fn(OldPayload<'_>) -> Result<V, CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.schema = version;
        self.upgrade = Some(Arc::new(upgrade));
        self
    }

    /// How many sessions a principal may be signed in on; any number unless said.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What is done when two clients turn out to hold copies of one key.
    pub fn theft(mut self, policy: TheftPolicy) -> Self {
        self.theft = policy;
        self
    }

    /// What is done with a session whose value can't be decoded.
    pub fn undecodable(mut self, policy: UndecodablePolicy) -> Self {
        self.undecodable = policy;
        self
    }

    /// Who is told what happens; called again, one more.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// What is noted of the clients that begin sessions and sign in; nothing unless said.
    pub fn clients(mut self, policy: ClientPolicy) -> Self {
        self.clients = Some(policy);
        self
    }

    /// Whose keys are still looked up: `admits` is given a client's address and how many of its keys opened nothing
    /// within a minute, whenever it presents another. Where it says no, the request is `Throttled` (429) without a store call.
    ///
    /// The addresses are those of [`clients`](Builder::clients); without them nobody is throttled. All who share an
    /// address share its fate: let many pass. Nobody can guess a key of 256 bits; this is for the noise.
    pub fn throttle(mut self, admits: impl Fn(IpAddr, u32) -> bool + Send + Sync + 'static) -> Self {
        self.throttle = Some(Box::new(admits));
        self
    }

    /// Where the time is read: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where random bytes come from: for tests.
    ///
    /// # Security
    /// Who can predict this source can forge keys; see [`Entropy`].
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Checks the policy and opens for business.
    ///
    /// # Errors
    /// [`ConfigError`] for a combination that browsers would refuse, saying why, and for a system without randomness.
    pub fn build(self) -> Result<Sessions<V, K>, ConfigError> {
        if self.limit.is_some_and(|limit| limit.most() == 0) {
            return Err(ConfigError(NO_SESSIONS.into()));
        }
        let channel = self.transport.compile(K::NAME).map_err(ConfigError::new)?;
        let seed = random(&*self.entropy).map(u64::from_le_bytes).map_err(ConfigError::new)?;
        let coding = Arc::new(Coding { codec: self.codec, schema: self.schema, upgrade: self.upgrade });
        Ok(Sessions::of(Arc::new(Manager {
            store: self.store,
            channel,
            blank: Arc::new(Holder { value: V::default(), coding: Arc::clone(&coding) }),
            coding,
            lifetime: Mutex::new(self.lifetime),
            kind: KindTag::of(K::NAME),
            theft: self.theft,
            undecodable: self.undecodable,
            clock: self.clock,
            entropy: self.entropy,
            observers: self.observers.into(),
            clients: self.clients,
            throttle: self.throttle,
            guesses: Guesses::default(),
            limit: self.limit,
            turnstile: Turnstile::default(),
            logins: Turnstile::default(),
            tokens: Tokens::new(seed),
        })))
    }
}

impl<V, K> fmt::Debug for Builder<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("store", &self.store)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

const NO_SESSIONS: &str = "a limit of no session lets nobody sign in";

/// A policy that could never work. It says why.
#[derive(Debug)]
pub struct ConfigError(Box<dyn StdError + Send + Sync>);

impl ConfigError {
    pub(crate) fn new(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set sessions up: {}", self.0)
    }
}

impl StdError for ConfigError {}

//! The policy of one kind of session, checked when it is built.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use crate::error::ConfigError;
use crate::http::{ClientPolicy, CookiePolicy, DeviceChannel, SiteData, Transport};
use crate::key::{Entropy, KindTag, OsEntropy, random};
use crate::manager::{CookieReturns, KeyedLock, Manager, Tokens};
use crate::observe::{Observer, Observers};
use crate::policy::{DeviceBinding, Lifetime, ReusePolicy, SessionLimit, UnreadablePolicy};
use crate::protocol::steps::Policy;
use crate::sessions::Sessions;
use crate::store::Store;
use crate::stores::InstrumentedStore;
use crate::time::{Clock, SystemClock};
use crate::value::{
    Codec, CodecError, Coding, DefaultKind, JsonCodec, OldPayload, SessionKind, SessionValue,
    Upgrade,
};

/// Builds [`Sessions`] with a policy of your own.
///
/// Every option has a secure default.
///
/// ```
/// # use cloakroom::{CookiePolicy, Lifetime, MemoryStore, SessionMap, Sessions};
/// # use std::time::Duration;
/// let sessions: Sessions<SessionMap> = Sessions::builder(MemoryStore::new())
///     .lifetime(Lifetime::default().with_idle_timeout(Duration::from_secs(10 * 60)))
///     .cookie(CookiePolicy::host("visitor"))
///     .build()?;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct SessionsBuilder<V, K = DefaultKind> {
    store: Arc<dyn Store>,
    lifetime: Lifetime,
    transport: Transport,
    codec: Arc<dyn Codec<V>>,
    schema: u8,
    upgrade: Option<Arc<Upgrade<V>>>,
    limit: Option<SessionLimit>,
    reuse: ReusePolicy,
    unreadable: UnreadablePolicy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observers: Vec<Box<dyn Observer>>,
    max_value: usize,
    clients: Option<ClientPolicy>,
    private_pages: bool,
    clear_site_data: Option<SiteData>,
    device: Option<DeviceBinding>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> SessionsBuilder<V, K> {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            lifetime: Lifetime::default(),
            transport: Transport::default(),
            codec: Arc::new(JsonCodec),
            schema: 0,
            upgrade: None,
            limit: None,
            reuse: ReusePolicy::default(),
            unreadable: UnreadablePolicy::default(),
            max_value: DEFAULT_MAX_VALUE,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            observers: Vec::new(),
            clients: None,
            private_pages: false,
            clear_site_data: None,
            device: None,
            kind: PhantomData,
        }
    }

    /// How long sessions last.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The cookie that keys travel in: short for [`transport`](SessionsBuilder::transport) with
    /// [`Transport::cookie`].
    ///
    /// ```
    /// # use cloakroom::{CookiePolicy, MemoryStore, SessionMap, Sessions};
    /// # let over_tls = true;
    /// let cookie = match over_tls {
    ///     true => CookiePolicy::host("id"),
    ///     false => CookiePolicy::for_plain_http("id"), // for development
    /// };
    /// let sessions: Sessions<SessionMap> =
    ///     Sessions::builder(MemoryStore::new()).cookie(cookie).build()?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn cookie(self, policy: CookiePolicy) -> Self {
        self.transport(Transport::cookie(policy))
    }

    /// How keys travel: in a cookie (the default), as bearer tokens, or as either.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// How values are encoded.
    ///
    /// Default: JSON.
    pub fn codec(mut self, codec: impl Codec<V>) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// The current version of the value, and how to read a payload of another version or codec.
    ///
    /// An upgraded value is written in the current form by the session's next change.
    pub fn schema(
        mut self,
        version: u8,
        upgrade: impl Fn(OldPayload<'_>) -> Result<V, CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.schema = version;
        self.upgrade = Some(Arc::new(upgrade));
        self
    }

    /// The most bytes that one session's value can take, encoded.
    ///
    /// A write of a larger one is refused with [`ErrorKind::Unfit`](crate::ErrorKind::Unfit), which
    /// is status 413, on every store alike. A larger value that a store already holds can be read.
    ///
    /// Default: 1 MiB.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes;
        self
    }

    /// How many sessions a principal can be signed in on.
    ///
    /// Default: no limit.
    pub fn limit(mut self, limit: SessionLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What to do when a retired key is presented, so that two clients seem to hold copies of it.
    pub fn reuse(mut self, policy: ReusePolicy) -> Self {
        self.reuse = policy;
        self
    }

    /// What to do with a session that cannot be read.
    pub fn unreadable(mut self, policy: UnreadablePolicy) -> Self {
        self.unreadable = policy;
        self
    }

    /// Adds an observer, which receives every event of these sessions and every call of their
    /// store.
    ///
    /// ```
    /// # use cloakroom::observe::{Event, EventLevel, Observer};
    /// # use cloakroom::{ErrorKind, MemoryStore, SessionMap, Sessions, block_on};
    /// # use std::sync::{Arc, Mutex};
    /// #[derive(Debug, Default)]
    /// struct Warnings(Mutex<Vec<String>>);
    ///
    /// impl Observer for Warnings {
    ///     fn observe(&self, event: &Event<'_>) {
    ///         if event.level() == EventLevel::Warn {
    ///             self.0.lock().unwrap().push(event.name().to_owned());
    ///         }
    ///     }
    /// }
    ///
    /// let warnings = Arc::new(Warnings::default());
    /// let store = MemoryStore::bounded(0, 1 << 20); // one that is full
    /// let sessions: Sessions<SessionMap> =
    ///     Sessions::builder(store).observer(Arc::clone(&warnings)).build()?;
    /// assert!(block_on(sessions.generate(SessionMap::default())).is_err());
    /// assert_eq!(*warnings.0.lock().unwrap(), ["store_called"]);
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    ///
    /// Without an observer, no call of the store is timed.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// What to record about clients that create sessions and sign in.
    ///
    /// Default: nothing.
    pub fn clients(mut self, policy: ClientPolicy) -> Self {
        self.clients = Some(policy);
        self
    }

    /// Keeps browsers from showing pages of a signed-in visitor after the sign-out.
    ///
    /// For applications whose pages show private data, on computers that several people use. By
    /// default, Back shows such a page again without a request: from the browser's HTTP cache, or
    /// whole from its back/forward cache. With this option
    /// - every response to a request that asked for its session carries `Cache-Control: no-store,
    ///   private` if a principal is signed in on it, in place of the handler's, so no cache keeps
    ///   it. Such a page costs a request each time;
    /// - every response that removes the cookie also sets the cookie `NAME-left=1` for five
    ///   seconds. It has the attributes of the other, and says nothing.
    ///
    /// The second cookie is for Chromium, which keeps even `no-store` pages in its back/forward
    /// cache and drops them when cookies change. Of the page that a sign-in redirects to, it
    /// ignores as many changes as that redirect made (measured with version 156), so the removal
    /// alone is not enough. A sign-in response that sets cookies of the application's own needs
    /// as many further changes at the sign-out: remove those cookies there.
    ///
    /// # Security
    /// A page stays visible in a browser that is told nothing: if the session expires, or ends on
    /// another device. Chromium drops a `no-store` page from that cache after some minutes, and
    /// Firefox keeps none.
    pub fn private_pages(mut self) -> Self {
        self.private_pages = true;
        self
    }

    /// Lets browsers drop what they keep of this origin at a sign-out.
    ///
    /// The response that removes the cookie, by [`logout`](crate::Session::logout),
    /// [`end`](crate::Session::end) or [`clear_headers`](Sessions::clear_headers), then carries
    /// `Clear-Site-Data` with this. So does one that begins another session after `logout` or
    /// `end`, such as for a message. It is sent only with a cookie that is Secure, since browsers
    /// ignore it elsewhere, and not to clients with a bearer token.
    ///
    /// ```
    /// # use cloakroom::http::SiteData;
    /// # use cloakroom::{MemoryStore, SessionMap, Sessions};
    /// let sessions: Sessions<SessionMap> = Sessions::builder(MemoryStore::new())
    ///     .clear_site_data(SiteData::CacheAndStorage)
    ///     .build()?;
    /// let headers = sessions.clear_headers();
    /// let mut values = headers.iter().map(|(_, value)| value);
    /// assert!(values.any(|value| value == r#""cache", "storage""#));
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    ///
    /// It removes what other visitors and applications of this origin keep in the same browser,
    /// too: drafts, a cart, a theme, push subscriptions. Browsers finish it before they show the
    /// response, which takes time with a large cache.
    ///
    /// # Security
    /// It adds to [`private_pages`](Self::private_pages) and does not replace it: browsers clear
    /// before the page that is left goes into the back/forward cache. A browser that is told
    /// nothing clears nothing: if the session expires, or ends on another device.
    pub fn clear_site_data(mut self, data: SiteData) -> Self {
        self.clear_site_data = Some(data);
        self
    }

    /// Offers browsers to bind sessions to the device that signed in.
    ///
    /// The endpoints of [`DeviceBinding`] have to be served.
    #[cfg(feature = "device-binding")]
    pub fn device_binding(mut self, policy: DeviceBinding) -> Self {
        self.device = Some(policy);
        self
    }

    /// Where the time comes from: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where random bytes come from: for tests.
    ///
    /// # Security
    /// Anyone who can predict this source can forge keys; see [`Entropy`].
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Checks the policy.
    ///
    /// # Errors
    /// [`ConfigError`] if browsers would refuse the cookie, if the session limit or a timeout is
    /// zero, or if the system has no randomness. It says which.
    pub fn build(self) -> Result<Sessions<V, K>, ConfigError> {
        if self.limit.is_some_and(|limit| limit.max() == 0) {
            return Err(ConfigError::because(NO_SESSIONS));
        }
        if self.lifetime.is_over_at_once() {
            return Err(ConfigError::because(NO_TIME));
        }
        let mut channel = self.transport.compile(K::NAME).map_err(ConfigError::new)?;
        channel.private_pages = self.private_pages;
        channel.clear_site_data = self.clear_site_data;
        if let (Some(device), Some(cookie)) = (&self.device, self.transport.cookie_policy()) {
            channel.device = Some(
                DeviceChannel::new(device, cookie, K::NAME)
                    .map_err(|why| ConfigError::because(&why))?,
            );
        } else if self.device.is_some() {
            return Err(ConfigError::because(NO_COOKIE));
        }
        let seed = random(&*self.entropy).map(u64::from_le_bytes).map_err(ConfigError::new)?;
        let coding = Arc::new(Coding::new(self.codec, self.schema, self.upgrade, self.max_value));
        let policy = Policy {
            kind: KindTag::of(K::NAME),
            reuse: self.reuse,
            unreadable: self.unreadable,
            limit: self.limit,
            same_site: channel.same_site,
            bearer: channel.bearer,
            device: self.device,
        };
        let observers = Observers::new(self.observers);
        let store = if observers.is_empty() {
            self.store
        } else {
            Arc::new(InstrumentedStore::new(self.store, observers.clone()))
        };
        Ok(Sessions::of(Arc::new(Manager {
            store,
            channel,
            default_value: Arc::new(coding.typed(V::default())),
            coding,
            lifetime: Mutex::new(self.lifetime),
            policy,
            clock: self.clock,
            entropy: self.entropy,
            observers,
            clients: self.clients,
            writers: KeyedLock::default(),
            logins: KeyedLock::default(),
            tokens: Tokens::new(seed),
            cookie_returns: CookieReturns::default(),
        })))
    }
}

impl<V, K> fmt::Debug for SessionsBuilder<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("store", &self.store)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

const DEFAULT_MAX_VALUE: usize = 1 << 20;
const NO_TIME: &str = "with an idle or absolute timeout of zero, every session would be over as it \
    begins; for no idle timeout, begin with `Lifetime::absolute`";
const NO_COOKIE: &str = "device binding needs a cookie, which is what it binds: build the sessions \
    with `Transport::cookie` or `Transport::cookie_or_bearer`";
const NO_SESSIONS: &str = "a session limit of zero would refuse every sign-in";

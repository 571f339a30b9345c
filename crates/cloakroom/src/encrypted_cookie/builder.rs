//! The policy of encrypted sessions, checked when it is built.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::EncryptedSessions;
use super::cookie::EncryptedCookie;
use super::key_ring::KeyRing;
use super::text::Purpose;
use crate::error::ConfigError;
use crate::http::{CookiePolicy, Transport};
use crate::key::{Entropy, OsEntropy};
use crate::policy::Lifetime;
use crate::time::{Clock, SystemClock, Timestamp};
use crate::value::{
    Codec, CodecError, Coding, DefaultKind, JsonCodec, OldPayload, SessionKind, SessionValue,
    Upgrade,
};

/// Builds [`EncryptedSessions`] with a policy of your own.
///
/// Every option has a secure default.
///
/// ```
/// # use cloakroom::{CookiePolicy, Lifetime, SessionMap, Timestamp};
/// # use cloakroom::encrypted_cookie::{EncryptedSessions, EncryptionKey, KeyRing};
/// # use std::time::Duration;
/// # let key = EncryptionKey::generate()?;
/// let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::builder(KeyRing::new(key))
///     .lifetime(Lifetime::absolute(Duration::from_secs(3600)))
///     .cookie(CookiePolicy::host("preferences"))
///     .revoke_issued_before(Timestamp::from_millis(1_767_225_600_000)) // when cookies leaked
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct EncryptedSessionsBuilder<V, K = DefaultKind> {
    ring: KeyRing,
    lifetime: Lifetime,
    cookie: CookiePolicy,
    watermark: Timestamp,
    codec: Arc<dyn Codec<V>>,
    schema: u8,
    upgrade: Option<Arc<Upgrade<V>>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    kind: PhantomData<fn() -> K>,
}

impl<V: SessionValue, K: SessionKind> EncryptedSessionsBuilder<V, K> {
    pub(super) fn new(ring: KeyRing) -> Self {
        Self {
            ring,
            lifetime: Lifetime::default(),
            cookie: CookiePolicy::default(),
            watermark: Timestamp::EPOCH,
            codec: Arc::new(JsonCodec),
            schema: 0,
            upgrade: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            kind: PhantomData,
        }
    }

    /// How long sessions last.
    ///
    /// The renewal timeout has no effect, as there is no secret to renew.
    ///
    /// With an idle timeout, a response to a mere read sometimes sends the cookie again, and can
    /// overtake another request's change or logout. With [`Lifetime::absolute`], only a change or
    /// the replacement of a key sends it.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Name and attributes of the cookie.
    ///
    /// If the application also has stored sessions, give these another name or kind.
    pub fn cookie(mut self, policy: CookiePolicy) -> Self {
        self.cookie = policy;
        self
    }

    /// Refuses all sessions that began before this moment: the only way to revoke, and it affects
    /// everyone.
    ///
    /// What counts is when a session [began](super::EncryptedSession::issued_at), not when its
    /// cookie was last encrypted, so a server that does not know the moment yet cannot prolong a
    /// session past it.
    #[doc(alias = "issued_before")]
    pub fn revoke_issued_before(mut self, moment: Timestamp) -> Self {
        self.watermark = moment;
        self
    }

    /// How values are encoded.
    ///
    /// Default: JSON. A more compact codec leaves more room in the cookie.
    pub fn codec(mut self, codec: impl Codec<V>) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// The current version of the value, and how to read a payload of another version or codec.
    ///
    /// An upgraded value is encrypted in the current form whenever the cookie is next sent.
    pub fn schema(
        mut self,
        version: u8,
        upgrade: impl Fn(OldPayload<'_>) -> Result<V, CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.schema = version;
        self.upgrade = Some(Arc::new(upgrade));
        self
    }

    /// Where the time comes from: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where the random bytes of nonces come from: for tests.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Checks the policy.
    ///
    /// # Errors
    /// [`ConfigError`] if browsers would refuse the cookie. It says why.
    pub fn build(self) -> Result<EncryptedSessions<V, K>, ConfigError> {
        let cookie = self.cookie.compile(K::NAME).map_err(ConfigError::new)?;
        let channel = Transport::cookie(self.cookie).compile(K::NAME).map_err(ConfigError::new)?;
        Ok(EncryptedSessions::of(EncryptedCookie {
            ring: self.ring,
            purpose: Purpose::new(cookie.name(), K::NAME),
            scope: EncryptedCookie::<V>::scope(&cookie),
            cookie,
            channel,
            lifetime: self.lifetime,
            watermark: self.watermark,
            coding: Arc::new(Coding::new(
                self.codec,
                self.schema,
                self.upgrade,
                // A cookie has a bound of its own.
                usize::MAX,
            )),
            clock: self.clock,
            entropy: self.entropy,
        }))
    }
}

impl<V, K> fmt::Debug for EncryptedSessionsBuilder<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedSessionsBuilder")
            .field("ring", &self.ring)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

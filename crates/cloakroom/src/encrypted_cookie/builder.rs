//! The policy of encrypted_cookie sessions, checked once.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::EncryptedSessions;
use super::cookie::EncryptedCookie;
use super::key_ring::KeyRing;
use super::text::Purpose;
use crate::error::ConfigError;
use crate::http::CookiePolicy;
use crate::key::{Entropy, OsEntropy};
use crate::policy::Lifetime;
use crate::time::{Clock, SystemClock, Timestamp};
use crate::value::{
    Codec, CodecError, Coding, DefaultKind, JsonCodec, OldPayload, SessionKind, SessionValue,
    Upgrade,
};

/// The policy of [`EncryptedSessions`] in the making. Whatever is left out is the hardened default.
///
/// ```
/// # use cloakroom::{CookiePolicy, Lifetime, SessionMap, Timestamp};
/// # use cloakroom::encrypted_cookie::{KeyRing, EncryptedSessions, EncryptionKey};
/// # use std::time::Duration;
/// # let key = EncryptionKey::generate()?;
/// let sessions: EncryptedSessions<SessionMap> = EncryptedSessions::builder(KeyRing::new(key))
///     .lifetime(Lifetime::absolute(Duration::from_secs(3600)))
///     .cookie(CookiePolicy::host("preferences"))
///     .revoke_issued_before(Timestamp::from_millis(1_767_225_600_000)) // the night in which a copy got out
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

    /// How long sessions live: both timeouts stand inside the encrypt. The renewal timeout means nothing here, as there is no secret
    /// to replace.
    ///
    /// With an idle timeout, reading alone sends the cookie again now and then, and such a response may overtake a change or a logout of
    /// another request; with [`Lifetime::absolute`] alone only changes do, and a key that was replaced.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Name and attributes of the cookie. An application that has stored sessions too needs another name or kind for these.
    pub fn cookie(mut self, policy: CookiePolicy) -> Self {
        self.cookie = policy;
        self
    }

    /// Everybody out whose session began before this moment: the one revocation that encrypted_cookie sessions have, and it is everybody's.
    ///
    /// It goes by when a session [began](super::EncryptedSession::issued_at), not by when it was last encrypted_cookie, so a server that does not know of the
    /// moment yet lets nobody slip through.
    #[doc(alias = "issued_before")]
    pub fn revoke_issued_before(mut self, moment: Timestamp) -> Self {
        self.watermark = moment;
        self
    }

    /// How values become bytes; JSON unless said otherwise. A terser one leaves more room in the cookie.
    pub fn codec(mut self, codec: impl Codec<V>) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// Today's version of the value, and how to read a payload of another version or codec.
    ///
    /// What was upgraded is encrypted_cookie in today's form by the session's next change, or by a use that is encrypted_cookie anew.
    pub fn schema(
        mut self,
        version: u8,
        upgrade: impl Fn(OldPayload<'_>) -> Result<V, CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.schema = version;
        self.upgrade = Some(Arc::new(upgrade));
        self
    }

    /// Where the time is read: for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where nonces' random bytes come from: for tests.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Checks the policy.
    ///
    /// # Errors
    /// [`ConfigError`] for a cookie that browsers would refuse, saying why.
    pub fn build(self) -> Result<EncryptedSessions<V, K>, ConfigError> {
        let cookie = self.cookie.compile(K::NAME).map_err(ConfigError::new)?;
        Ok(EncryptedSessions::of(EncryptedCookie {
            ring: self.ring,
            purpose: Purpose::new(cookie.name(), K::NAME),
            cookie,
            lifetime: self.lifetime,
            watermark: self.watermark,
            coding: Coding { codec: self.codec, schema: self.schema, upgrade: self.upgrade },
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

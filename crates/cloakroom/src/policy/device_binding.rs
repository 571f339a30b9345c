//! Whether sessions are bound to the device that signed in.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Assurance;

/// How long a secret of a bound session opens it, unless the policy says otherwise.
const DEFAULT_COOKIE_LIFE: Duration = Duration::from_secs(10 * 60);

/// Offers browsers to bind a session to the device that signed in
/// ([Device Bound Session Credentials](https://w3c.github.io/webappsec-dbsc/)).
///
/// A browser that can do so makes a key pair for the session. From then on its cookie is good for
/// minutes, and is renewed only for a proof that the browser has the private key: a stolen cookie
/// is worth what is left of those minutes. Any other browser ignores the offer and keeps a cookie
/// as before.
///
/// ```
/// # #[cfg(feature = "device-binding")] {
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// use cloakroom::device_binding::DeviceBinding;
///
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).device_binding(DeviceBinding::offer()).build()?;
/// # }
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// The endpoints that browsers register at and refresh at have to be served: with
/// `SessionLayer::serving_device_binding`, `SessionMiddleware::serving_device_binding`, or
/// by hand with `Sessions::device_endpoint` and `Sessions::answer_device`.
///
/// # Security
/// - It is offered at a sign-in, in the response that carries the new key, and only with what that
///   response says can a device be registered. Malware that is in the browser at that moment, or
///   stays there, is not kept out.
/// - A session whose cookie ends with the browser is not bound: a bound one comes back with the
///   browser's key, until its idle timeout.
#[derive(Clone)]
#[must_use = "a policy does nothing until it is given to a builder"]
pub struct DeviceBinding {
    cookie_life: Duration,
    required_from: Option<Assurance>,
    challenge_key: Option<Zeroizing<[u8; 32]>>,
    paths: Option<(Box<str>, Box<str>)>,
}

impl DeviceBinding {
    /// Offers a binding at every sign-in, and leaves it to the browser to take it.
    pub fn offer() -> Self {
        Self {
            cookie_life: DEFAULT_COOKIE_LIFE,
            required_from: None,
            challenge_key: None,
            paths: None,
        }
    }

    /// Makes every [`AuthRequirement`](super::AuthRequirement) of at least this assurance ask for a
    /// bound session, too, as if it said [`device_bound`](super::AuthRequirement::device_bound).
    ///
    /// For steps that users of browsers without a device key may not take.
    pub fn require_for(mut self, assurance: Assurance) -> Self {
        self.required_from = Some(assurance);
        self
    }

    /// How long a cookie of a bound session is good for: 10 minutes by default, at least one and at
    /// most 60.
    ///
    /// Shorter is safer and costs more proofs; a browser limits how many it makes.
    pub fn with_cookie_life(mut self, life: Duration) -> Self {
        self.cookie_life = life;
        self
    }

    /// Makes challenges from this secret of the server, too; it must be the same on all nodes.
    ///
    /// Without it, someone who reads the store and can use the device once can have it sign
    /// challenges of the minutes to come.
    pub fn with_challenge_key(mut self, key: [u8; 32]) -> Self {
        self.challenge_key = Some(Zeroizing::new(key));
        self
    }

    /// Where browsers register and where they refresh: `/.cloakroom/device/register` and
    /// `/.cloakroom/device/refresh` by default. If the kind of session has a name, it comes before
    /// the last part.
    pub fn with_paths(mut self, register: &str, refresh: &str) -> Self {
        self.paths = Some((register.into(), refresh.into()));
        self
    }

    /// How long a cookie of a bound session is good for.
    pub const fn cookie_life(&self) -> Duration {
        self.cookie_life
    }

    /// The assurance from which on a requirement asks for a bound session, if any.
    pub const fn required_for(&self) -> Option<Assurance> {
        self.required_from
    }

    /// The paths at which browsers register and refresh, if they were chosen.
    pub(crate) fn paths(&self) -> Option<(&str, &str)> {
        self.paths.as_ref().map(|(register, refresh)| (&**register, &**refresh))
    }

    pub(crate) fn challenge_key(&self) -> Option<&[u8; 32]> {
        self.challenge_key.as_deref()
    }
}

/// Does not show the challenge key.
impl fmt::Debug for DeviceBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceBinding")
            .field("cookie_life", &self.cookie_life)
            .field("required_from", &self.required_from)
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

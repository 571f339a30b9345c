//! Keys as parts of a state: comparable, and named for traces.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use cloakroom::key::{Carrier, KindTag, Nonce, Secret, Verifier};
use cloakroom::{Key, PublicId};

/// The one kind of session in the model.
pub(crate) static KIND: LazyLock<KindTag> = LazyLock::new(|| KindTag::of("model"));

/// The session that is imported from another library, and the request number of its key.
pub(crate) const IMPORTED: u8 = 0x60;
/// The session that the handles of one request create together.
pub(crate) const JOINT: u8 = 0x61;

/// The id of session `number`: 0 is the first session, and others are named after the request that
/// creates them.
pub(crate) const fn session_id(number: u8) -> PublicId {
    PublicId::from_bytes([number; 16])
}

pub(crate) const fn number_of(id: PublicId) -> u8 {
    id.as_bytes()[0]
}

/// How many requests there are at most; each of its draws is this much further.
const REQUESTS: u8 = 16;

/// The id that request `number` draws, when it draws for the `attempt`th time.
pub(crate) const fn drawn_by(number: u8, attempt: u8) -> u8 {
    number + REQUESTS * (attempt - 1)
}

/// The request that has created the session.
pub(crate) const fn creator_of(session: u8) -> u8 {
    if session < IMPORTED { session % REQUESTS } else { session }
}

/// The random bytes that request `number` draws: for its secret, or for a nonce.
pub(crate) const fn random_of(number: u8) -> [u8; 16] {
    [number | 0x80; 16]
}

/// A key with its verifier.
#[derive(Clone)]
pub(crate) struct ModelKey(Arc<Known>);

struct Known {
    key: Key,
    text: String,
    verifier: Verifier,
    name: String,
}

impl ModelKey {
    /// Wraps a key; `name` is for traces and does not affect comparisons.
    pub(crate) fn new(key: Key, name: String) -> Self {
        // The text alone does not say how the key travels.
        let text = match key.carrier() {
            Carrier::Cookie => key.expose(),
            Carrier::Bearer => format!("{}, bearer", key.expose()),
        };
        Self(Arc::new(Known { text, verifier: key.verifier(*KIND), key, name }))
    }

    /// A key that the laws have not heard of.
    pub(crate) fn stray(key: &Key) -> Self {
        Self::new(key.clone(), format!("another key of session {}", number_of(key.id())))
    }

    /// A key of session `session` with the secret that only request `number` draws.
    pub(crate) fn fresh(session: u8, number: u8) -> Self {
        let key = Key::new(session_id(session), Secret::from_bytes(random_of(number)));
        Self::new(key, format!("key {session}.{number}"))
    }

    /// The key that follows this one by a timed renewal with this nonce.
    pub(crate) fn followed_by(&self, nonce: &Nonce) -> Self {
        let next = self.key().with_secret(self.key().secret().next(nonce));
        Self::new(next, format!("{}'", self.0.name))
    }

    /// The key that a sign-in derives from this one with this nonce.
    pub(crate) fn signed_in_with(&self, nonce: &Nonce, carrier: Carrier) -> Self {
        let next = self.key().with_secret(self.key().secret().next(nonce)).carried_by(carrier);
        Self::new(next, format!("{}*", self.0.name))
    }

    /// The same text, sent in this way.
    pub(crate) fn carried_by(&self, carrier: Carrier) -> Self {
        let name = &self.0.name;
        match (self.key().carrier(), carrier) {
            (Carrier::Cookie, Carrier::Bearer) => {
                Self::new(self.key().carried_by(carrier), format!("{name} as a bearer token"))
            }
            (Carrier::Bearer, Carrier::Cookie) => {
                Self::new(self.key().carried_by(carrier), format!("{name} as a cookie"))
            }
            _ => self.clone(),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0.key
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The number of its session.
    pub(crate) fn session(&self) -> u8 {
        number_of(self.0.key.id())
    }
}

impl PartialEq for ModelKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ModelKey {}

impl PartialOrd for ModelKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ModelKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl Hash for ModelKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

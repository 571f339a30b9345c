//! What the protocol's steps are given apart from the store's answers.

use std::io;
use std::sync::Arc;

use zeroize::Zeroize;

use super::{Manager, Started, runner};
use crate::key::{Entropy, Key, PublicId, random};
use crate::observe::Event;
use crate::policy::{ClientInfo, Lifetime};
use crate::protocol::steps::{Context, Policy, Steps};
use crate::protocol::{Failure, Protocol, RequestOrigin};
use crate::time::Timestamp;
use crate::value::{CodecError, Payload, SessionValue, TypedValue};

/// A manager, and the request for which it runs an operation.
pub(crate) struct Scope<'a, V> {
    pub(crate) manager: &'a Manager<V>,
    /// `None` outside a request: then no key can be sent.
    pub(crate) request: Option<&'a (dyn RequestFacts + Sync)>,
}

impl<'a, V: SessionValue> Scope<'a, V> {
    /// Runs an operation as far as the store answers at once; if it has to wait, the rest of it is
    /// returned as a future.
    #[inline(always)]
    pub(crate) fn start<O: Steps<Self>>(self, operation: O) -> Started<'a, V, O> {
        runner::start(self, operation)
    }
}

/// What operations need to know of the request they belong to.
pub(crate) trait RequestFacts {
    /// The key under which its first write creates a session.
    fn first_key(&self, entropy: &dyn Entropy) -> Result<Key, Failure>;

    /// Forgets that key.
    fn forget_first_key(&self);

    /// Takes back a key that its response was to send.
    fn retract_key(&self, key: &Key);

    /// What it says about its client.
    fn client(&self) -> ClientInfo;

    /// Whether its response can still send a key.
    fn can_send_key(&self) -> bool;

    /// Whether its client takes a renewed cookie key.
    fn can_renew(&self) -> bool;

    /// Which site started it.
    fn origin(&self) -> RequestOrigin;

    /// Whether its page may never be seen.
    fn is_speculative(&self) -> bool;
}

impl<V> Scope<'_, V> {
    /// Whether the request's page may never be seen: no message counts as shown.
    pub(crate) fn is_speculative(&self) -> bool {
        self.request.is_some_and(RequestFacts::is_speculative)
    }
}

impl<V: SessionValue> Context for Scope<'_, V> {
    type Value = Arc<TypedValue<V>>;
    type Rules = Protocol;

    fn rules(&self) -> &Protocol {
        &Protocol
    }

    fn policy(&self) -> &Policy {
        &self.manager.policy
    }

    fn now(&self) -> Timestamp {
        self.manager.now()
    }

    fn token(&self) -> u64 {
        self.manager.tokens.next()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        random(&*self.manager.entropy)
    }

    fn new_key(&self) -> Result<Key, Failure> {
        Ok(mint(&*self.manager.entropy)?)
    }

    fn first_key(&self) -> Result<Key, Failure> {
        match self.request {
            Some(request) => request.first_key(&*self.manager.entropy),
            None => Err(Failure::HeadersSent),
        }
    }

    fn forget_first_key(&self) {
        if let Some(request) = self.request {
            request.forget_first_key();
        }
    }

    fn has_waiting_writers(&self, id: PublicId) -> bool {
        self.manager.writers.is_locked(&id)
    }

    fn retract_key(&self, key: &Key) {
        if let Some(request) = self.request {
            request.retract_key(key);
        }
    }

    fn lifetime(&self) -> Lifetime {
        self.manager.lifetime()
    }

    fn client(&self) -> ClientInfo {
        // Without a policy about clients, requests know nothing of theirs.
        let request = self.request.filter(|_| self.manager.clients.is_some());
        request.map(RequestFacts::client).unwrap_or_default()
    }

    fn can_send_key(&self) -> bool {
        self.request.is_some_and(RequestFacts::can_send_key)
    }

    fn can_renew(&self) -> bool {
        self.request.is_some_and(RequestFacts::can_renew)
    }

    fn origin(&self) -> RequestOrigin {
        self.request.map(RequestFacts::origin).unwrap_or_default()
    }

    fn default_value(&self) -> Arc<TypedValue<V>> {
        Arc::clone(&self.manager.default_value)
    }

    fn payload(
        &self,
        value: &Arc<TypedValue<V>>,
        replaced: &Payload,
    ) -> Result<Payload, CodecError> {
        self.manager.coding.payload(value, replaced)
    }

    #[inline]
    fn decode(&self, payload: &Payload) -> Result<Option<Arc<TypedValue<V>>>, CodecError> {
        payload.open(&self.manager.coding)
    }

    fn report(&self, event: &Event<'_>) {
        self.manager.observe(event);
    }
}

/// A key for a session that does not exist yet.
#[inline]
pub(crate) fn mint(entropy: &dyn Entropy) -> io::Result<Key> {
    let mut bytes: [u8; 32] = random(entropy)?;
    let key = Key::from_bytes(bytes);
    // The second half is the secret.
    bytes[16..].zeroize();
    Ok(key)
}

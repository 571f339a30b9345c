//! Carries out the protocol: the one place where its steps meet the clock, randomness and the
//! store.

mod keyed_lock;
mod list;
mod returning;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
#[expect(clippy::result_large_err, reason = "an operation that waits is moved once")]
mod runner;
#[expect(
    clippy::inline_always,
    reason = "each request goes through here: inlining saves 2 % of its instructions"
)]
#[expect(clippy::result_large_err, reason = "an operation that waits is moved once")]
mod scope;
mod summary;
mod tokens;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use keyed_lock::KeyedLock;
pub(crate) use returning::CookieReturns;
pub(crate) use runner::Started;
pub(crate) use scope::{RequestFacts, Scope, mint};
pub use summary::Summary;
pub(crate) use tokens::Tokens;

use crate::http::{Channel, ClientPolicy};
use crate::key::{Entropy, PublicId};
use crate::observe::{Event, Observer, Observers};
use crate::policy::{Lifetime, Principal};
use crate::protocol::Failure;
use crate::protocol::steps::{Loaded, Policy, SessionState as State, Steps};
use crate::record::Record;
use crate::store::Store;
use crate::time::{Clock, Timestamp};
use crate::value::{Coding, SessionValue, TypedValue};

/// What all handles of one kind of session share.
pub(crate) struct Manager<V> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channel: Channel,
    pub(crate) coding: Arc<Coding<V>>,
    /// The value of a request without a session.
    pub(crate) default_value: Arc<TypedValue<V>>,
    pub(crate) lifetime: Mutex<Lifetime>,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observers: Observers,
    pub(crate) clients: Option<ClientPolicy>,
    /// Where the writers of a session wait for one another, once one has lost a race for it.
    pub(crate) writers: KeyedLock<PublicId, Record>,
    /// Where sign-ins of a principal with a session limit wait for one another.
    pub(crate) logins: KeyedLock<Principal>,
    pub(crate) tokens: Tokens,
    pub(crate) cookie_returns: CookieReturns,
}

/// A live session, as one request or job knows it.
pub(crate) type LoadedSession<V> = Loaded<Arc<TypedValue<V>>>;

/// What a request knows of its session.
pub(crate) type SessionState<V> = State<Arc<TypedValue<V>>>;

impl<V> Manager<V> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        self.observers.observe(event);
    }

    /// Says something on the terminal, in a debug build that observes no events.
    #[expect(clippy::print_stderr, reason = "there is no one else to tell")]
    pub(crate) fn tell_developer(&self, what: fmt::Arguments<'_>) {
        if cfg!(debug_assertions) && self.observers.is_empty() {
            eprintln!("cloakroom: {what}");
        }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value together with its coding.
    pub(crate) fn typed_value(&self, value: V) -> Arc<TypedValue<V>> {
        Arc::new(self.coding.typed(value))
    }
}

impl<V: SessionValue> Manager<V> {
    /// Runs an operation outside any request.
    pub(crate) async fn run<'a, O>(&'a self, operation: O) -> Result<O::Outcome, Failure>
    where
        O: Steps<Scope<'a, V>>,
    {
        match (Scope { manager: self, request: None }).start(operation) {
            Ok(outcome) => outcome,
            Err(run) => run.await,
        }
    }
}

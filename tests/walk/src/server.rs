//! The nodes: the library on one store, whose every call can pause.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use cloakroom::observe::{Event, Observer};
use cloakroom::record::EndReason;
use cloakroom::store::{Call, StoreError};
use cloakroom::value::DefaultKind;
use cloakroom::{
    Flash, Io, Principal, PublicId, SessionKind, Sessions, Store, Timestamp, decorate_store,
};
use cloakroom_testkit::{ManualClock, SeededEntropy};
use serde::{Deserialize, Serialize};

use crate::command::{KINDS, NODES, USERS};
use crate::fault::{Fault, FaultyStore};
use crate::policy::{Policy, Scopes};

/// The names of the cookies, one for each kind of session.
pub(crate) const COOKIES: [&str; KINDS] = ["__Secure-id", "__Secure-id-staff"];

/// The other kind of session, next to the default.
#[derive(Debug)]
pub(crate) struct Staff;

impl SessionKind for Staff {
    const NAME: &'static str = "staff";
}

/// A session's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) items: Vec<u32>,
    pub(crate) news: Flash<u32>,
}

impl Cart {
    /// Adds an item, unless it is there: a sign-in that is sent twice can add it twice.
    pub(crate) fn add(&mut self, item: u32) {
        if !self.items.contains(&item) {
            self.items.push(item);
        }
    }
}

/// Suspends its caller once before and once after each operation of the store.
#[derive(Debug)]
struct Pausing<S>(S);

impl<S: Store> Pausing<S> {
    fn around<'a, T: Send + 'a>(
        &'a self,
        _: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        Io::future(async move {
            pause().await;
            let answer = operation(&self.0).await;
            pause().await;
            answer
        })
    }
}

decorate_store!(Pausing);

/// Is pending once.
pub(crate) async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// What the library said about the end and the beginning of sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    Created(PublicId),
    Ended(PublicId, EndReason),
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Created { id } => lock(&self.0).push(Seen::Created(*id)),
            Event::Ended { id, reason } => lock(&self.0).push(Seen::Ended(*id, *reason)),
            _ => {}
        }
    }
}

/// A process of the application, with its two kinds of session.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) shop: Sessions<Cart>,
    pub(crate) staff: Sessions<Cart, Staff>,
}

/// The renewal timeout, by any node's clock.
const RENEWED_MILLIS: u64 = 16 * 60 * 1_000;

/// Two nodes on one store, each with a clock of its own.
#[derive(Debug)]
pub(crate) struct Servers {
    policy: Policy,
    store: Arc<Pausing<FaultyStore>>,
    clocks: [ManualClock; NODES],
    ahead: [i64; NODES],
    entropy: SeededEntropy,
    versions: [u8; NODES],
    /// When a node last set the cookie in the former scope.
    former_until: u64,
    nodes: Vec<Node>,
    recorder: Recorder,
}

impl Servers {
    pub(crate) fn new(policy: Policy, fault: Fault) -> Self {
        let mut servers = Self {
            policy,
            store: Arc::new(Pausing(FaultyStore::new(fault))),
            clocks: [(); NODES].map(|()| ManualClock::new()),
            ahead: [0; NODES],
            entropy: SeededEntropy::new(7),
            versions: [0; NODES],
            former_until: 0,
            nodes: Vec::new(),
            recorder: Recorder::default(),
        };
        servers.nodes = (0..NODES).map(|node| servers.start(node)).collect();
        servers
    }

    fn start(&self, node: usize) -> Node {
        Node { shop: self.sessions::<DefaultKind>(node), staff: self.sessions::<Staff>(node) }
    }

    fn sessions<K: SessionKind>(&self, node: usize) -> Sessions<Cart, K> {
        let mut builder = Sessions::builder(Arc::clone(&self.store))
            .clock(self.clocks[node].clone())
            .entropy(self.entropy.clone())
            .observer(self.recorder.clone())
            .reuse(self.policy.reuse())
            .transport(self.policy.transport(self.versions[node]));
        if let Some(limit) = self.policy.session_limit() {
            builder = builder.limit(limit);
        }
        if self.policy.private_pages {
            builder = builder.private_pages();
        }
        builder.build().expect("a valid policy")
    }

    pub(crate) fn set_time(&self, now: u64) {
        for (clock, ahead) in self.clocks.iter().zip(self.ahead) {
            clock.set(Timestamp::from_millis(now.saturating_add_signed(ahead)));
        }
    }

    pub(crate) fn set_clock(&mut self, node: usize, ahead: i64, now: u64) {
        self.ahead[node] = ahead;
        self.set_time(now);
    }

    /// Replaces a node by one of this version, and says which that is.
    ///
    /// Where the cookie's scope changes once, the newest version follows when all nodes have set
    /// the cookie in the new scope for a renewal timeout, as the guide says, and none goes back to
    /// the former one after that.
    pub(crate) fn deploy(&mut self, node: usize, version: u8, now: u64) -> u8 {
        if self.versions.contains(&0) {
            self.former_until = now;
        }
        let is_early = now < self.former_until + RENEWED_MILLIS;
        let others: Vec<_> = (0..NODES).filter(|other| *other != node).collect();
        let mut others = others.into_iter().map(|other| self.versions[other]);
        let version = match self.policy.scopes {
            Scopes::One => 0,
            Scopes::Changed { .. } if others.clone().any(|other| other == 0) => version.min(1),
            Scopes::Changed { .. } if version == 2 && is_early => 1,
            Scopes::Changed { .. } if others.any(|other| other == 2) => version.max(1),
            Scopes::Changed { .. } | Scopes::Mixed => version,
        };
        self.versions[node] = version;
        self.nodes[node] = self.start(node);
        version
    }

    pub(crate) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    /// What has been said since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.recorder.0))
    }
}

pub(crate) fn principal(user: usize) -> Principal {
    Principal::new(USERS[user]).expect("a valid name")
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

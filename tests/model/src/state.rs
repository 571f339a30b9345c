//! One state: the store, the cookie jars, the requests in flight, and what the laws remember.

use std::collections::{BTreeMap, BTreeSet};

use cloakroom::Principal;
use cloakroom::record::Retirement;
use cloakroom::record::Revision;

use crate::laws::Law;
use crate::model_key::{Entry, ModelKey};

/// One state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Seconds since the start.
    pub(crate) at: u64,
    pub(crate) store: BTreeMap<u8, Entry>,
    pub(crate) jars: [Option<ModelKey>; 2],
    /// What the owner's jar held before its last change, while a crash can still restore it.
    pub(crate) restorable: Option<ModelKey>,
    pub(crate) requests: Vec<Request>,
    pub(crate) spent: FaultBudget,
    pub(crate) shadow: Shadow,
}

/// How much of a scenario's budget has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct FaultBudget {
    pub(crate) requests: u8,
    pub(crate) doubts: u8,
    pub(crate) revocations: u8,
    pub(crate) copies: u8,
    pub(crate) crashes: u8,
}

/// The owner of a cookie jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Browser {
    /// The user: all tabs share one jar.
    Owner,
    /// Another client, with a copied or guessed cookie.
    Other,
}

/// Who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Alice,
    Bob,
}

impl Who {
    pub(crate) fn principal(self) -> Principal {
        let name = match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        };
        Principal::new(name).expect("a plain name")
    }
}

/// What a request's handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    Read,
    Update,
    Extend,
    Login(Who),
    Renew,
    Logout,
}

/// A request in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) number: u8,
    pub(crate) browser: Browser,
    pub(crate) task: Task,
    pub(crate) phase: Phase,
}

/// How far a request has come. Others can act between two phases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Sent, with the cookie that the jar held then.
    Sent { presented: Option<ModelKey>, at: u64 },
    /// Opened; a bookkeeping write is next.
    Bookkeeping(Opened, Chore),
    /// Key reuse was recognized; the session is to be ended.
    Reporting(u8),
    /// The handler is about to act on what was opened.
    Ready(Opened),
    /// A write was sent and its answer lost; it is to be repeated.
    Unsure { opened: Opened, expected: Revision, kept: Entry },
    /// A new session is to begin.
    Beginning,
    /// The response is in flight.
    Answered(Change),
}

/// A bookkeeping write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Chore {
    Begin,
    Sight,
    Retire,
    Touch,
}

/// The result of opening a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opened {
    pub(crate) result: OpenResult,
    /// The record as last read and the key that opens it, if it is live.
    pub(crate) held: Option<(Entry, ModelKey)>,
    pub(crate) change: Change,
    /// Writes tried so far: each has its own token.
    pub(crate) tries: u8,
}

/// Whether the key opened a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OpenResult {
    Live,
    Absent,
    Superseded,
}

/// What the response says about the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Keep,
    Send { model_key: ModelKey, decided: u64 },
    Remove { decided: u64 },
}

/// What the laws remember. The model does not act on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Shadow {
    pub(crate) secrets: BTreeMap<ModelKey, KeyFate>,
    /// Which key was sent to the holders of which by timed renewal.
    pub(crate) sent: BTreeMap<ModelKey, ModelKey>,
    /// Acknowledged writes: session, request.
    pub(crate) acknowledged: BTreeSet<(u8, u8)>,
    /// Sessions that were ended or reached a deadline.
    pub(crate) dead: BTreeSet<u8>,
    /// Who first signed in on a session.
    pub(crate) owners: BTreeMap<u8, String>,
    /// Laws that a step broke.
    pub(crate) broken: BTreeSet<Law>,
}

/// What became of a secret, by the steps taken and not by the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyFate {
    Works,
    Replaced { at: u64, how: Retirement },
}

impl State {
    pub(crate) fn jar(&self, browser: Browser) -> Option<&ModelKey> {
        self.jars[browser as usize].as_ref()
    }

    pub(crate) fn set_jar(&mut self, browser: Browser, model_key: Option<ModelKey>) {
        self.jars[browser as usize] = model_key;
    }
}

impl Change {
    /// When it was decided, if it changes the jar.
    pub(crate) fn decided(&self) -> Option<u64> {
        match self {
            Self::Keep => None,
            Self::Send { decided, .. } | Self::Remove { decided } => Some(*decided),
        }
    }
}

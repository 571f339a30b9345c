//! What there is at one moment: the store, the cookie jars, the requests under way, and what the laws remember.

use std::collections::{BTreeMap, BTreeSet};

use cloakroom::Principal;
use cloakroom::record::Retirement;
use cloakroom::record::Revision;

use crate::laws::Law;
use crate::ticket::{Entry, Ticket};

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Seconds since the start.
    pub(crate) at: u64,
    pub(crate) store: BTreeMap<u8, Entry>,
    pub(crate) jars: [Option<Ticket>; 2],
    /// What the owner's jar held before it last changed, while a crash may still bring it back.
    pub(crate) restorable: Option<Ticket>,
    pub(crate) requests: Vec<Request>,
    pub(crate) spent: Spent,
    pub(crate) ghost: Ghost,
}

/// What has been used up of a scenario's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Spent {
    pub(crate) requests: u8,
    pub(crate) doubts: u8,
    pub(crate) revocations: u8,
    pub(crate) copies: u8,
    pub(crate) crashes: u8,
}

/// Whose jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Browser {
    /// The owner: all tabs that share one jar.
    Owner,
    /// Somebody with a copy of the cookie, or a guess.
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
    Elevate,
    Logout,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) number: u8,
    pub(crate) browser: Browser,
    pub(crate) task: Task,
    pub(crate) phase: Phase,
}

/// How far a request has come. Between any two phases others may act.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// On its way, with the cookie the jar held when it left.
    Sent { presented: Option<Ticket>, at: u64 },
    /// Opened; a bookkeeping write is next.
    Tending(Visit, Chore),
    /// A stolen key was recognised; the session is to be ended.
    Reporting(u8),
    /// The handler is about to act on what was opened.
    Ready(Visit),
    /// A write was sent and its answer lost; it is to be sent once more.
    Unsure { visit: Visit, expected: Revision, kept: Entry },
    /// A new session is to be begun.
    Beginning,
    /// The response is on its way.
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

/// What opening a session came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Visit {
    pub(crate) door: Door,
    /// The record as last read and the key that opens it, if live.
    pub(crate) held: Option<(Entry, Ticket)>,
    pub(crate) change: Change,
    /// Writes tried so far: each has its own token.
    pub(crate) tries: u8,
}

/// Whether the door is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Door {
    Live,
    Vacant,
    Superseded,
}

/// What the response says about the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Keep,
    Send { ticket: Ticket, decided: u64 },
    Remove { decided: u64 },
}

/// What the laws remember. Nothing in the model acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ghost {
    pub(crate) secrets: BTreeMap<Ticket, Fate>,
    /// Which key was handed to holders of which by timed renewal.
    pub(crate) handed: BTreeMap<Ticket, Ticket>,
    /// Acknowledged writes: session, request.
    pub(crate) acknowledged: BTreeSet<(u8, u8)>,
    /// Sessions that were ended or reached a deadline.
    pub(crate) dead: BTreeSet<u8>,
    /// Who first signed in on a session.
    pub(crate) owners: BTreeMap<u8, String>,
    /// Laws that a step broke.
    pub(crate) broken: BTreeSet<Law>,
}

/// What became of a secret, by what was done and not by what the record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Works,
    Replaced { at: u64, how: Retirement },
}

impl State {
    pub(crate) fn jar(&self, browser: Browser) -> Option<&Ticket> {
        self.jars[browser as usize].as_ref()
    }

    pub(crate) fn set_jar(&mut self, browser: Browser, ticket: Option<Ticket>) {
        self.jars[browser as usize] = ticket;
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

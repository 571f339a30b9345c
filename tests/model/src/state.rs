//! One state: the store, the clients, the requests in flight, and what the laws remember.

use std::collections::{BTreeMap, BTreeSet};

use cloakroom::protocol::steps::{Ask, OtherSession, SessionState};
use cloakroom::record::{EndReason, Retirement};
use cloakroom::{Principal, Timestamp};

use crate::entry::Entry;
use crate::jar::{Change, Jar, Presented};
use crate::laws::Law;
use crate::model::moment;
use crate::model_key::{ModelKey, creator_of};
use crate::shared::Shared;
use crate::store::Store;
use crate::work::{Value, Work};

/// One state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Seconds since the start.
    pub(crate) at: u64,
    /// By how many seconds the clock of the nodes was set back.
    pub(crate) set_back: u64,
    pub(crate) store: Store,
    pub(crate) jars: [Jar; 2],
    /// What the owner's jar held before its last change, while a crash can still restore it.
    pub(crate) restorable: Option<Jar>,
    /// Whether the other library still has its session.
    pub(crate) has_legacy: bool,
    pub(crate) requests: Vec<Request>,
    pub(crate) spent: Spent,
    pub(crate) shadow: Shadow,
}

/// How much of a scenario's budget has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Spent {
    pub(crate) requests: u8,
    /// Counted only where a scenario limits them.
    pub(crate) sign_ins: u8,
    pub(crate) losses: u8,
    pub(crate) operator: u8,
    pub(crate) copies: u8,
    pub(crate) crashes: u8,
}

/// A client with its jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Client {
    /// The user's browser: all tabs share one jar.
    Owner,
    /// A client with a copied or guessed key, or another device of the user.
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
    /// A read that does not count as a use of the session.
    Peek,
    /// A read for a page that the browser loads before the user asks for it.
    Prefetch,
    /// A read of the session that a key opens, outside its request.
    OfKey,
    /// Adds the request's number to the value.
    Append,
    /// Replaces the value by the request's number.
    Set,
    /// Creates a session if there is none.
    Start,
    /// Makes the session end a fixed time from now.
    Extend,
    /// Gives the session another lifetime.
    Remember,
    Renew,
    Login(Who),
    /// Signs in, and adds the request's number to the value in the same write.
    LoginWith(Who),
    /// Signs in, and is given a bearer token.
    LoginBearer(Who),
    /// Signs in in a request of another site, after checks of its own.
    LoginVerified(Who),
    /// Signs in twice.
    LoginTwice(Who, Who),
    Logout,
    Import,
    /// Opens the session, and asks for it again later.
    Watch,
    /// Asks the store whether the sign-in still counts.
    Require,
    /// An operator revokes all sessions of Alice.
    RevokeAll,
}

impl Task {
    /// Who signs in, first.
    pub(crate) const fn signs_in(self) -> Option<Who> {
        match self {
            Self::Login(who)
            | Self::LoginWith(who)
            | Self::LoginBearer(who)
            | Self::LoginVerified(who)
            | Self::LoginTwice(who, _) => Some(who),
            _ => None,
        }
    }

    /// Whether it only reads.
    pub(crate) const fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Peek | Self::Prefetch | Self::OfKey | Self::Require)
    }

    /// Whether it opens its session as a request does that can be sent a renewed key.
    pub(crate) const fn renews(self) -> bool {
        !matches!(self, Self::Peek | Self::Prefetch | Self::OfKey)
    }
}

/// A request in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) number: u8,
    pub(crate) client: Client,
    pub(crate) task: Task,
    pub(crate) sent: u64,
    pub(crate) presented: Shared<Presented>,
    pub(crate) phase: Phase,
    /// What the response says about the cookie so far.
    pub(crate) change: Change,
    /// The key of the session that it acts on.
    pub(crate) key: Option<ModelKey>,
    /// The key with which it opened its session, if it has replaced that.
    pub(crate) replaced: Option<ModelKey>,
    /// Who was signed in when it opened its session.
    pub(crate) principal: Option<Principal>,
    /// Who signs in now.
    pub(crate) signs_in: Option<Who>,
    /// Whether the session's sign-in was older than a revocation when the operation began.
    pub(crate) is_revoked: bool,
    /// The key that it presented, if that opens nothing and its session is there.
    pub(crate) former: Option<ModelKey>,
    /// Whether its keys were judged again, after another write.
    pub(crate) is_judged_again: bool,
    /// Whether it was left something that another request was about to write.
    pub(crate) was_left_the_uncertain: bool,
    /// What its operation has written and not taken back: the session, and whether it began it.
    pub(crate) written: Option<(u8, bool)>,
    /// The record that it read last.
    pub(crate) read: Option<Entry>,
    /// The last question of the operation and the kind of its answer.
    pub(crate) last: Option<&'static str>,
    pub(crate) drawn: Drawn,
}

impl Request {
    pub(crate) fn new(
        number: u8,
        client: Client,
        task: Task,
        sent: u64,
        presented: Presented,
    ) -> Self {
        Self {
            number,
            client,
            task,
            sent,
            presented: Shared::new(presented),
            phase: Phase::Sent,
            change: Change::Keep,
            key: None,
            replaced: None,
            principal: None,
            signs_in: task.signs_in(),
            is_revoked: false,
            former: None,
            is_judged_again: false,
            was_left_the_uncertain: false,
            written: None,
            read: None,
            last: None,
            drawn: Drawn::default(),
        }
    }

    /// Whether the request acts on the session, or has created it.
    pub(crate) fn owns(&self, session: u8) -> bool {
        creator_of(session) == self.number
            || self.key.as_ref().is_some_and(|key| key.session() == session)
            || self.presented.keys.iter().any(|key| key.session() == session)
    }
}

/// What a request has opened: its session, and others that it could have used as well.
pub(crate) type Found = (SessionState<Value>, Vec<OtherSession>);

/// How much a request has drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Drawn {
    pub(crate) keys: u8,
    pub(crate) tokens: u8,
    pub(crate) logins: u8,
}

/// How far a request has come. Others can act between two phases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// The request is on its way.
    Sent,
    /// An operation waits for an answer.
    Asked(Shared<(Work, Ask)>),
    /// The application looks for the session of the other library.
    Loading(Shared<Work>),
    /// The handler is about to act on what was opened.
    Ready(Shared<Found>),
    /// The response is on its way.
    Answered,
}

/// What the laws remember. The model does not act on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Shadow {
    pub(crate) keys: BTreeMap<ModelKey, KeyFate>,
    /// Which key was sent to the holders of which by timed renewal.
    pub(crate) sent: BTreeMap<ModelKey, ModelKey>,
    /// When a key was first presented and opened its session.
    pub(crate) used: BTreeMap<ModelKey, u64>,
    /// Acknowledged writes: session, request.
    pub(crate) acknowledged: BTreeSet<(u8, u8)>,
    /// Sessions that were ended or reached a deadline.
    pub(crate) dead: BTreeSet<u8>,
    /// Why sessions were ended.
    pub(crate) ended: BTreeMap<u8, EndReason>,
    /// Who first signed in on a session.
    pub(crate) owners: BTreeMap<u8, Principal>,
    /// Sessions on which a sign-in was answered.
    pub(crate) signed_in: BTreeSet<u8>,
    /// Up to when sign-ins were revoked, once that was answered.
    pub(crate) revoked: BTreeMap<Principal, Timestamp>,
    /// Laws that a step broke.
    pub(crate) broken: BTreeSet<Law>,
}

/// What became of a key, by the steps taken and not by the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyFate {
    Works,
    /// When, how, and by which request.
    Replaced {
        at: u64,
        how: Retirement,
        by: u8,
    },
}

impl State {
    /// The time as the nodes know it.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(moment(self.at).as_millis() - self.set_back * 1000)
    }

    pub(crate) fn jar(&self, client: Client) -> &Jar {
        &self.jars[client as usize]
    }

    pub(crate) fn jar_mut(&mut self, client: Client) -> &mut Jar {
        &mut self.jars[client as usize]
    }

    /// Whether the key works, and its session has neither ended nor reached a deadline.
    pub(crate) fn works(&self, key: &ModelKey) -> bool {
        self.shadow.keys.get(key) == Some(&KeyFate::Works)
            && !self.shadow.dead.contains(&key.session())
    }
}

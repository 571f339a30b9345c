//! The scenarios: small bounded systems, each searched completely.
//!
//! Time advances in steps of about a minute, the unit of the protocol's spans, and stands still
//! while a question is at the store: a decision and the write it leads to happen within one step.

mod clients;
mod cookies;
mod foreign;
mod lawful;
mod setup;
mod sign_in;

use std::time::Duration;

use cloakroom::key::Carrier;
use cloakroom::policy::{SameSite, UnreadablePolicy};
use cloakroom::protocol::RequestOrigin;
use cloakroom::{Lifetime, SessionLimit};

use crate::laws::{ALWAYS, Law};
use crate::state::{Task, Who};

pub(crate) use clients::*;
pub(crate) use cookies::*;
pub(crate) use foreign::*;
pub(crate) use lawful::*;
pub(crate) use setup::Setup;
pub(crate) use sign_in::*;

/// How long [`Task::Extend`] and [`Task::Set`] make the session last.
pub(crate) const EXTENSION: Duration = Duration::from_secs(10 * 60);

/// The lifetime that [`Task::Remember`] gives the session.
pub(crate) fn remembered() -> Lifetime {
    Lifetime::absolute(Duration::from_secs(2 * 24 * 60 * 60))
        .with_idle_timeout(Duration::from_secs(60 * 60))
}

/// A law that a scenario is known to break, and why.
pub(crate) type Expected = (Law, &'static str);

/// One scenario and its bounds.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that can happen or not")]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Laws beyond those that always hold.
    pub(crate) more: &'static [Law],
    /// Laws that mean nothing here.
    pub(crate) without: &'static [Law],
    /// Laws that are known to be broken: the run fails if one of them holds.
    pub(crate) expected: &'static [Expected],
    pub(crate) setup: Setup,
    pub(crate) lifetime: Lifetime,
    /// Who is signed in on the first session.
    pub(crate) signed_in: Option<Who>,
    pub(crate) limit: Option<SessionLimit>,
    pub(crate) unreadable: UnreadablePolicy,
    /// Seconds after the start at which the clock stops.
    pub(crate) moments: &'static [u64],
    pub(crate) owner: &'static [Task],
    pub(crate) other: &'static [Task],
    /// When browsers send the cookie; `None` if keys do not travel in one.
    pub(crate) same_site: Option<SameSite>,
    /// What another site makes the owner's browser send.
    pub(crate) foreign: &'static [(RequestOrigin, Task)],
    /// The other client holds a guess: the right public id and a wrong secret.
    pub(crate) guess: bool,
    pub(crate) other_ignores_cookies: bool,
    pub(crate) requests: u8,
    /// How many of the requests sign in at most.
    pub(crate) sign_ins: u8,
    pub(crate) in_flight: usize,
    /// How many seconds a request can be in flight, and a response after its cookie was decided.
    pub(crate) lateness: u64,
    /// Requests can be dropped anywhere and responses lost.
    pub(crate) faults: bool,
    /// How many questions to the store can go wrong.
    pub(crate) losses: u8,
    /// How often an operator acts, and whether on all of Alice's sessions.
    pub(crate) operator: u8,
    pub(crate) revokes_all: bool,
    pub(crate) copies: u8,
    /// How the other client sends its copy.
    pub(crate) copied_as: Carrier,
    /// By how many seconds the clock is set back once; 0 if it is not.
    pub(crate) sets_back: u64,
    pub(crate) crashes: u8,
    pub(crate) sweeps: bool,
    /// Reads can be answered by a near cache with what it read last.
    pub(crate) is_cached: bool,
    pub(crate) has_randomness: bool,
    /// The first id that a request draws belongs to a session.
    pub(crate) draws_taken_ids: bool,
    /// Requests stand for handles of one request, which create one session.
    pub(crate) shares_first_key: bool,
    /// Whether a user is signed in on the other library's session.
    pub(crate) legacy_is_signed_in: bool,
}

/// All that `cloakroom-model` runs.
pub(crate) fn all() -> Vec<Scenario> {
    [lawful::all(), sign_in::all(), cookies::all(), foreign::all(), clients::all()].concat()
}

/// A day, without timed renewal.
pub(crate) fn day() -> Lifetime {
    Lifetime::absolute(Duration::from_secs(24 * 60 * 60)).without_renewal_timeout()
}

/// A day, with a renewal every `seconds`.
pub(crate) fn renewed_every(seconds: u64) -> Lifetime {
    day().with_renewal_timeout(Duration::from_secs(seconds))
}

fn calm(name: &'static str, about: &'static str) -> Scenario {
    Scenario {
        name,
        about,
        more: &[],
        without: &[],
        expected: &[],
        setup: Setup::OneCookie,
        lifetime: day(),
        signed_in: None,
        limit: None,
        unreadable: UnreadablePolicy::default(),
        moments: &[],
        owner: &[],
        other: &[],
        same_site: Some(SameSite::Lax),
        foreign: &[],
        guess: false,
        other_ignores_cookies: false,
        requests: 0,
        sign_ins: u8::MAX,
        in_flight: 2,
        lateness: 60,
        faults: true,
        losses: 0,
        operator: 0,
        revokes_all: false,
        copies: 0,
        copied_as: Carrier::Cookie,
        sets_back: 0,
        crashes: 0,
        sweeps: false,
        is_cached: false,
        has_randomness: true,
        draws_taken_ids: false,
        shares_first_key: false,
        legacy_is_signed_in: false,
    }
}

impl Scenario {
    pub(crate) fn laws(&self) -> Vec<Law> {
        let always = ALWAYS.iter().filter(|law| !self.without.contains(law));
        let mut laws: Vec<Law> = always.chain(self.more).copied().collect();
        for (law, _) in self.expected {
            if !laws.contains(law) {
                laws.push(*law);
            }
        }
        laws
    }

    pub(crate) const fn can_crash(&self) -> bool {
        self.crashes > 0
    }
}

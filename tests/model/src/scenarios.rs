//! What is checked: small worlds, each searched to its last state.
//!
//! Time comes in steps of about a minute, the unit of the protocol's own spans, and stands still while an operation
//! is with the store: a decision and the write it leads to happen within one step.

use std::time::Duration;

use cloakroom::Lifetime;

use crate::events::Event;
use crate::laws::{DOUBLE_CLICK, Law, SOLE_BROWSER};
use crate::state::{Task, Who};

/// What [`Task::Extend`] asks for.
pub(crate) const EXTENSION: Duration = Duration::from_secs(10 * 60);

/// One world and its bounds.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Laws beyond those that hold always.
    pub(crate) laws: &'static [Law],
    /// Situations that the search must have been in.
    pub(crate) situations: &'static [Event],
    pub(crate) lifetime: Lifetime,
    /// Who is signed in on the session that stands at the start.
    pub(crate) signed_in: Option<Who>,
    /// Seconds after the start at which the clock stops.
    pub(crate) moments: &'static [u64],
    pub(crate) owner: &'static [Task],
    pub(crate) other: &'static [Task],
    /// The other browser holds a guess: the right id, a secret that never was.
    pub(crate) guess: bool,
    pub(crate) requests: u8,
    pub(crate) in_flight: usize,
    /// How many seconds a request may be on its way, and a response after its cookie was decided.
    pub(crate) lateness: u64,
    /// Requests may be dropped anywhere and responses lost.
    pub(crate) faults: bool,
    /// How many writes may get no answer.
    pub(crate) doubts: u8,
    pub(crate) revocations: u8,
    pub(crate) copies: u8,
    pub(crate) crashes: u8,
    pub(crate) sweeps: bool,
}

/// All that `cloakroom-model` runs.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        race(),
        renewal(),
        crash(),
        sign_in(),
        double_click(),
        sign_in_during_renewal(),
        ending(),
        deadlines(),
        theft(),
        guess(),
    ]
}

fn calm(name: &'static str, about: &'static str) -> Scenario {
    Scenario {
        name,
        about,
        laws: &[],
        situations: &[],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60)),
        signed_in: None,
        moments: &[],
        owner: &[],
        other: &[],
        guess: false,
        requests: 0,
        in_flight: 2,
        lateness: 60,
        faults: true,
        doubts: 0,
        revocations: 0,
        copies: 0,
        crashes: 0,
        sweeps: false,
    }
}

/// Three requests at once on a session whose renewal is due.
pub(crate) fn race() -> Scenario {
    Scenario {
        laws: SOLE_BROWSER,
        situations: &[
            Event::RenewalBegun,
            Event::RenewalRaceLost,
            Event::NextKeyHandedOver,
            Event::WriteRaceLost,
            Event::LostAnswerWasDone,
            Event::LostAnswerWasNot,
            Event::LostAnswerUnknown,
            Event::LostWriteMadeAgain,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::ZERO),
        owner: &[Task::Read, Task::Update],
        requests: 4,
        in_flight: 3,
        doubts: 1,
        ..calm(
            "race",
            "three requests at once while a renewal is due; answers of the store get lost",
        )
    }
}

/// One browser through two renewals.
///
/// A response may be late by less than a renewal period (here 3 minutes): until then no key after the one it carries
/// can exist. Later than that it may overwrite a newer cookie, and if a request that still carries the newer one
/// then retires the older, the visitor has to sign in again.
pub(crate) fn renewal() -> Scenario {
    Scenario {
        laws: SOLE_BROWSER,
        situations: &[
            Event::RenewalBegun,
            Event::NextKeyHandedOver,
            Event::NextKeySighted,
            Event::OldKeyRetired,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(3 * 60)),
        moments: &[180, 240, 300, 420, 480],
        owner: &[Task::Read],
        requests: 8,
        in_flight: 3,
        lateness: 120,
        ..calm(
            "renewal",
            "one browser, timed renewals; requests and responses lost, late and reordered",
        )
    }
}

/// One browser that crashes and restores an older cookie.
///
/// It is not locked out. A request of it may be refused once, though: when the restored page sends several at once
/// after the grace, and the first to be answered lets the next retire the key that the others carry.
pub(crate) fn crash() -> Scenario {
    Scenario {
        laws: &[Law::NobodyIsLockedOut],
        situations: &[Event::CookieRestored, Event::OldKeyRetired, Event::NextKeyHandedOver],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[60, 120, 180],
        owner: &[Task::Read],
        requests: 7,
        in_flight: 2,
        lateness: 0,
        crashes: 1,
        name: "crash",
        about: "the browser crashes and comes back with the cookie it had within the minute before",
        ..renewal()
    }
}

pub(crate) fn sign_in() -> Scenario {
    Scenario {
        situations: &[
            Event::SignedIn,
            Event::Elevated,
            Event::PrincipalSwitched,
            Event::LoginBeganAfresh,
            Event::SupersededRefused,
            Event::RefusedAfterRace,
            Event::SupersededCounted,
        ],
        moments: &[60],
        owner: &[Task::Update, Task::Login(Who::Alice), Task::Login(Who::Bob), Task::Elevate],
        requests: 4,
        doubts: 1,
        ..calm("sign-in", "sign-ins as two people, elevations and writes side by side")
    }
}

pub(crate) fn double_click() -> Scenario {
    Scenario {
        laws: DOUBLE_CLICK,
        situations: &[Event::SignedIn, Event::LoginBeganAfresh, Event::WriteRaceLost],
        owner: &[Task::Read, Task::Update, Task::Login(Who::Alice)],
        requests: 4,
        in_flight: 3,
        faults: false,
        ..calm("double-click", "several sign-ins at once over a network that loses nothing")
    }
}

pub(crate) fn sign_in_during_renewal() -> Scenario {
    Scenario {
        situations: &[
            Event::RenewalBegun,
            Event::NextKeyHandedOver,
            Event::SignedIn,
            Event::RefusedAfterRace,
            Event::OldKeyRetired,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[60, 120],
        owner: &[Task::Update, Task::Login(Who::Alice), Task::Elevate],
        requests: 4,
        ..calm("sign-in-renewal", "sign-ins and elevations while a timed renewal is under way")
    }
}

pub(crate) fn ending() -> Scenario {
    Scenario {
        situations: &[
            Event::SessionEnded,
            Event::EndedFound,
            Event::WriteMetTombstone,
            Event::SessionBegun,
            Event::RenewalBegun,
            Event::Touched,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_idle_timeout(Duration::from_secs(5 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[30, 60],
        owner: &[Task::Read, Task::Update, Task::Logout],
        requests: 3,
        in_flight: 3,
        doubts: 1,
        revocations: 1,
        ..calm(
            "ending",
            "sign-outs and a revocation against writes, renewals and touches in flight",
        )
    }
}

pub(crate) fn deadlines() -> Scenario {
    Scenario {
        situations: &[
            Event::ExpiredFound,
            Event::Touched,
            Event::SlowHandler,
            Event::SessionBegun,
            Event::RenewalBegun,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(4 * 60))
            .with_idle_timeout(Duration::from_secs(2 * 60)),
        moments: &[60, 120, 180, 240],
        owner: &[Task::Read, Task::Update, Task::Extend],
        requests: 4,
        lateness: 120,
        sweeps: true,
        ..calm("deadlines", "idle and absolute deadlines, extensions, slow handlers, sweeps")
    }
}

pub(crate) fn theft() -> Scenario {
    Scenario {
        situations: &[
            Event::TheftFound,
            Event::OldKeyRetired,
            Event::SupersededRefused,
            Event::SupersededCounted,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[60, 120, 420, 480],
        owner: &[Task::Read, Task::Update],
        other: &[Task::Read],
        requests: 4,
        copies: 1,
        ..calm("theft", "a second client works with a copy of the cookie")
    }
}

pub(crate) fn guess() -> Scenario {
    Scenario {
        situations: &[Event::WrongSecretFound, Event::SessionBegun],
        moments: &[60],
        owner: &[Task::Update],
        other: &[
            Task::Read,
            Task::Update,
            Task::Extend,
            Task::Login(Who::Bob),
            Task::Elevate,
            Task::Logout,
        ],
        guess: true,
        requests: 4,
        ..calm("guess", "somebody knows the session's id and guesses its secret")
    }
}

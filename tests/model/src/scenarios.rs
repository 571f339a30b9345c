//! The scenarios: small bounded systems, each searched completely.
//!
//! Time advances in steps of about a minute, the unit of the protocol's spans, and stands still
//! while an operation is at the store: a decision and the write it leads to happen within one
//! step.

use std::time::Duration;

use cloakroom::Lifetime;

use crate::events::Event;
use crate::laws::{DOUBLE_CLICK, Law, SOLE_BROWSER};
use crate::state::{Task, Who};

/// What [`Task::Extend`] asks for.
pub(crate) const EXTENSION: Duration = Duration::from_secs(10 * 60);

/// One scenario and its bounds.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Laws beyond those that always hold.
    pub(crate) laws: &'static [Law],
    /// Situations that the search must reach.
    pub(crate) situations: &'static [Event],
    pub(crate) lifetime: Lifetime,
    /// Who is signed in on the initial session.
    pub(crate) signed_in: Option<Who>,
    /// Seconds after the start at which the clock stops.
    pub(crate) moments: &'static [u64],
    pub(crate) owner: &'static [Task],
    pub(crate) other: &'static [Task],
    /// The other client holds a guess: the right public id and a wrong secret.
    pub(crate) guess: bool,
    pub(crate) requests: u8,
    pub(crate) in_flight: usize,
    /// How many seconds a request can be in flight, and a response after its cookie was decided.
    pub(crate) lateness: u64,
    /// Requests can be dropped anywhere and responses lost.
    pub(crate) faults: bool,
    /// How many writes can get no answer.
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
        reuse(),
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

/// Three concurrent requests on a session whose renewal is due.
pub(crate) fn race() -> Scenario {
    Scenario {
        laws: SOLE_BROWSER,
        situations: &[
            Event::RenewalBegun,
            Event::RenewalRaceLost,
            Event::NextKeyResent,
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
            "three concurrent requests while a renewal is due; answers of the store get lost",
        )
    }
}

/// One browser through two renewals.
///
/// A response can be late by less than a renewal period (here 3 minutes): until then no key newer
/// than its own can exist. A later response can overwrite a newer cookie, and if a request that
/// still carries the newer one then retires the older, the user has to sign in again.
pub(crate) fn renewal() -> Scenario {
    Scenario {
        laws: SOLE_BROWSER,
        situations: &[
            Event::RenewalBegun,
            Event::NextKeyResent,
            Event::NextKeyConfirmed,
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
/// It is not locked out, but one of its requests can be refused: when the restored page sends
/// several after the grace period, the first answer lets the next request retire the key that the
/// others carry.
pub(crate) fn crash() -> Scenario {
    Scenario {
        laws: &[Law::NoOneIsLockedOut],
        situations: &[Event::CookieRestored, Event::OldKeyRetired, Event::NextKeyResent],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[60, 120, 180],
        owner: &[Task::Read],
        requests: 7,
        in_flight: 2,
        lateness: 0,
        crashes: 1,
        name: "crash",
        about: "the browser crashes and restores a cookie from within the last minute",
        ..renewal()
    }
}

pub(crate) fn sign_in() -> Scenario {
    Scenario {
        situations: &[
            Event::SignedIn,
            Event::Renewed,
            Event::PrincipalSwitched,
            Event::LoginBeganAfresh,
            Event::SupersededRefused,
            Event::RefusedAfterRace,
            Event::SupersededCounted,
        ],
        moments: &[60],
        owner: &[Task::Update, Task::Login(Who::Alice), Task::Login(Who::Bob), Task::Renew],
        requests: 4,
        doubts: 1,
        ..calm("sign-in", "sign-ins as two principals, key renewals and writes in parallel")
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
        ..calm("double-click", "several concurrent sign-ins over a network that loses nothing")
    }
}

pub(crate) fn sign_in_during_renewal() -> Scenario {
    Scenario {
        situations: &[
            Event::RenewalBegun,
            Event::NextKeyResent,
            Event::SignedIn,
            Event::RefusedAfterRace,
            Event::OldKeyRetired,
        ],
        lifetime: Lifetime::absolute(Duration::from_secs(24 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(60)),
        moments: &[60, 120],
        owner: &[Task::Update, Task::Login(Who::Alice), Task::Renew],
        requests: 4,
        ..calm("sign-in-renewal", "sign-ins and key renewals during a timed renewal")
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

pub(crate) fn reuse() -> Scenario {
    Scenario {
        situations: &[
            Event::ReuseFound,
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
        ..calm("reuse", "a second client uses a copy of the cookie")
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
            Task::Renew,
            Task::Logout,
        ],
        guess: true,
        requests: 4,
        ..calm("guess", "a client knows the public id and guesses the secret")
    }
}

//! Scenarios of one session: races, renewals, deadlines, ends and caches.

use std::time::Duration;

use cloakroom::Lifetime;

use super::{Scenario, Setup, calm, renewed_every};
use crate::laws::{Law, SOLE_BROWSER};
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        race(),
        renewal(),
        crash(),
        ending(),
        watch(),
        deadlines(),
        extension(),
        reuse(),
        guess(),
        cached(),
        handles(),
        taken(),
    ]
}

/// Three concurrent requests on a session whose renewal is due.
pub(crate) fn race() -> Scenario {
    Scenario {
        more: SOLE_BROWSER,
        lifetime: renewed_every(0),
        owner: &[Task::Read, Task::Append],
        requests: 3,
        in_flight: 3,
        losses: 1,
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
        more: SOLE_BROWSER,
        lifetime: renewed_every(3 * 60),
        moments: &[180, 240, 300, 420, 480],
        owner: &[Task::Read],
        requests: 7,
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
        more: &[Law::NoOneIsLockedOut],
        lifetime: renewed_every(60),
        moments: &[60, 120, 180],
        owner: &[Task::Read],
        requests: 7,
        lateness: 0,
        crashes: 1,
        ..calm("crash", "the browser crashes and restores a cookie from within the last minute")
    }
}

pub(crate) fn ending() -> Scenario {
    Scenario {
        lifetime: renewed_every(60).with_idle_timeout(Duration::from_secs(5 * 60)),
        moments: &[30, 60],
        owner: &[Task::Read, Task::Append, Task::Logout],
        requests: 3,
        losses: 1,
        operator: 1,
        ..calm(
            "ending",
            "sign-outs and a revocation against writes, renewals and touches in flight",
        )
    }
}

/// Sessions that are used outside a request.
pub(crate) fn watch() -> Scenario {
    Scenario {
        owner: &[Task::Watch, Task::Append, Task::Renew],
        requests: 2,
        name: "watch",
        about: "a session is asked for again while others write to it and end it",
        ..ending()
    }
}

pub(crate) fn deadlines() -> Scenario {
    Scenario {
        lifetime: Lifetime::absolute(Duration::from_secs(4 * 60))
            .with_idle_timeout(Duration::from_secs(2 * 60))
            .without_renewal_timeout(),
        moments: &[60, 120, 180, 240],
        owner: &[Task::Read, Task::Append, Task::Extend],
        requests: 3,
        lateness: 120,
        sweeps: true,
        ..calm("deadlines", "idle and absolute deadlines, extensions, slow handlers, sweeps")
    }
}

pub(crate) fn extension() -> Scenario {
    Scenario {
        lifetime: renewed_every(60).with_idle_timeout(Duration::from_secs(20 * 60)),
        signed_in: Some(Who::Alice),
        more: &[Law::SignedInIsListed],
        moments: &[60],
        owner: &[Task::Append, Task::Extend, Task::Remember, Task::Set],
        requests: 2,
        losses: 1,
        ..calm("extension", "explicit expiries and new lifetimes during a timed renewal")
    }
}

pub(crate) fn reuse() -> Scenario {
    Scenario {
        lifetime: renewed_every(60),
        moments: &[60, 120, 440],
        owner: &[Task::Read, Task::Append],
        other: &[Task::Read],
        requests: 4,
        lateness: 0,
        copies: 1,
        ..calm("reuse", "a second client uses a copy of the cookie")
    }
}

pub(crate) fn guess() -> Scenario {
    Scenario {
        moments: &[60],
        owner: &[Task::Append, Task::Logout],
        other: &[
            Task::Read,
            Task::Append,
            Task::Extend,
            Task::Login(Who::Bob),
            Task::Renew,
            Task::Logout,
        ],
        guess: true,
        requests: 3,
        ..calm("guess", "a client knows the public id and guesses the secret")
    }
}

pub(crate) fn cached() -> Scenario {
    Scenario {
        more: SOLE_BROWSER,
        lifetime: renewed_every(60),
        moments: &[60, 120],
        owner: &[Task::Read, Task::Append, Task::Watch],
        requests: 3,
        is_cached: true,
        ..calm("cached", "a near cache answers with what it read last")
    }
}

pub(crate) fn handles() -> Scenario {
    Scenario {
        setup: Setup::Legacy,
        owner: &[Task::Append, Task::Start],
        requests: 3,
        in_flight: 3,
        losses: 1,
        shares_first_key: true,
        ..calm("handles", "several handles of one request create its session")
    }
}

pub(crate) fn taken() -> Scenario {
    Scenario {
        owner: &[Task::Append],
        other: &[Task::Append, Task::Login(Who::Alice)],
        requests: 3,
        losses: 1,
        draws_taken_ids: true,
        ..calm("taken", "the first id that is drawn belongs to another session")
    }
}

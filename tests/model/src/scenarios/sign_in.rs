//! Scenarios of sign-ins and of the principal index.

use cloakroom::SessionLimit;

use super::{Scenario, Setup, calm, renewed_every};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        sign_in(),
        double_click(),
        sign_in_renewal(),
        limit(),
        limit_lost(),
        limit_order(),
        reject(),
        revocation(),
        import(),
    ]
}

pub(crate) fn sign_in() -> Scenario {
    Scenario {
        moments: &[60],
        owner: &[Task::Append, Task::Login(Who::Alice), Task::Login(Who::Bob), Task::Renew],
        more: &[Law::SignedInIsListed],
        // See `old_key_login`.
        without: &[Law::OnlyWorkingKeysEnd],
        requests: 3,
        losses: 1,
        ..calm("sign-in", "sign-ins as two principals, key renewals and writes in parallel")
    }
}

pub(crate) fn double_click() -> Scenario {
    Scenario {
        more: &[Law::DoubleClickSignsIn],
        owner: &[Task::Read, Task::Append, Task::Login(Who::Alice)],
        requests: 4,
        in_flight: 3,
        faults: false,
        expected: &[(
            Law::DoubleClickKeepsTheData,
            "the second click of a double click begins a session without the data of the first",
        )],
        ..calm("double-click", "several concurrent sign-ins over a network that loses nothing")
    }
}

pub(crate) fn sign_in_renewal() -> Scenario {
    Scenario {
        lifetime: renewed_every(60),
        moments: &[60, 120],
        owner: &[Task::Append, Task::Login(Who::Alice), Task::Renew],
        requests: 3,
        ..calm("sign-in-renewal", "sign-ins and key renewals during a timed renewal")
    }
}

/// Sign-ins from several devices.
pub(crate) fn limit() -> Scenario {
    Scenario {
        limit: Some(SessionLimit::end_oldest(1)),
        signed_in: Some(Who::Alice),
        owner: &[Task::Login(Who::Alice)],
        other: &[Task::Login(Who::Alice)],
        requests: 3,
        ..calm("limit", "a limit of one session, and sign-ins on several devices")
    }
}

pub(crate) fn limit_lost() -> Scenario {
    Scenario {
        requests: 2,
        losses: 2,
        name: "limit-lost",
        about: "a limit of one session, and answers of the store get lost",
        ..limit()
    }
}

/// The same, one after the other: of two sign-ins at once, one need not know of the other.
pub(crate) fn limit_order() -> Scenario {
    Scenario {
        more: &[Law::LimitEndsTheOldest],
        limit: Some(SessionLimit::end_oldest(2)),
        signed_in: Some(Who::Alice),
        moments: &[60, 120],
        other: &[Task::Login(Who::Alice)],
        requests: 4,
        in_flight: 1,
        ..calm("limit-order", "a limit of two sessions, and sign-ins one after the other")
    }
}

pub(crate) fn reject() -> Scenario {
    Scenario {
        without: &[Law::LoginAlwaysWorks],
        limit: Some(SessionLimit::reject_new(1)),
        owner: &[Task::Login(Who::Alice), Task::Logout],
        other: &[Task::Login(Who::Alice)],
        requests: 3,
        ..calm("reject", "a limit of one session that rejects new ones")
    }
}

pub(crate) fn revocation() -> Scenario {
    Scenario {
        more: &[Law::SignedInIsListed],
        // It is refused until the clock is past the revocation.
        without: &[Law::LoginAlwaysWorks],
        moments: &[60],
        owner: &[Task::Login(Who::Alice)],
        other: &[Task::Login(Who::Alice)],
        requests: 2,
        losses: 1,
        operator: 1,
        revokes_all: true,
        ..calm("revocation", "an operator revokes all sessions of a principal during sign-ins")
    }
}

pub(crate) fn import() -> Scenario {
    Scenario {
        setup: Setup::Legacy,
        owner: &[Task::Import, Task::Append],
        requests: 3,
        losses: 1,
        legacy_is_signed_in: true,
        operator: 1,
        revokes_all: true,
        without: &[Law::LoginAlwaysWorks],
        ..calm("import", "requests import a session of another library, and are interrupted")
    }
}

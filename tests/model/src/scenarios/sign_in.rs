//! Scenarios of sign-ins and of the principal index.

use cloakroom::SessionLimit;

use super::{Scenario, Setup, calm, renewed_every};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        sign_in(),
        double_click(),
        double_click_two(),
        lost_sign_in(),
        lost_sign_in_later(),
        login_twice(),
        login_twice_two(),
        sign_in_renewal(),
        limit(),
        limit_new(),
        limit_lost(),
        limit_order(),
        reject(),
        revocation(),
        require(),
        former_key_revoked(),
        import(),
    ]
}

pub(crate) fn sign_in() -> Scenario {
    Scenario {
        moments: &[60],
        owner: &[Task::Append, Task::Login(Who::Alice), Task::Login(Who::Bob), Task::Renew],
        more: &[Law::SignedInIsListed],
        requests: 3,
        losses: 1,
        ..calm("sign-in", "sign-ins as two principals, key renewals and writes in parallel")
    }
}

/// Two sign-ins. A third one, with the key of the first, can invalidate the key of the second, if
/// that is sent after the answer to the first.
pub(crate) fn double_click() -> Scenario {
    Scenario {
        more: &[Law::DoubleClickSignsIn, Law::DoubleClickKeepsTheData],
        owner: &[Task::Append, Task::Login(Who::Alice), Task::LoginWith(Who::Alice)],
        requests: 4,
        sign_ins: 2,
        in_flight: 3,
        faults: false,
        ..calm("double-click", "two concurrent sign-ins over a network that loses nothing")
    }
}

pub(crate) fn double_click_two() -> Scenario {
    Scenario {
        more: &[Law::DoubleClickSignsIn],
        owner: &[Task::Read, Task::Login(Who::Alice), Task::Login(Who::Bob)],
        name: "double-click-two",
        about: "concurrent sign-ins of two users in one browser",
        ..double_click()
    }
}

pub(crate) fn lost_sign_in() -> Scenario {
    Scenario {
        more: &[Law::LoginFindsTheData],
        moments: &[30],
        owner: &[Task::Append, Task::Login(Who::Alice), Task::LoginWith(Who::Alice)],
        requests: 3,
        ..calm("lost-sign-in", "answers to sign-ins are lost, and the user signs in again")
    }
}

/// A write with a retired key would begin a session.
pub(crate) fn lost_sign_in_later() -> Scenario {
    Scenario {
        setup: Setup::LostSignIn,
        moments: &[30, 90],
        owner: &[Task::Login(Who::Alice), Task::LoginWith(Who::Alice)],
        name: "lost-sign-in-later",
        about: "the answer to a sign-in was lost, and the user signs in again, soon or later",
        ..lost_sign_in()
    }
}

pub(crate) fn login_twice() -> Scenario {
    Scenario {
        more: &[Law::DoubleClickSignsIn],
        owner: &[Task::Login(Who::Alice), Task::LoginTwice(Who::Alice, Who::Alice)],
        requests: 2,
        name: "login-twice",
        about: "two sign-ins in one request",
        ..double_click()
    }
}

pub(crate) fn login_twice_two() -> Scenario {
    Scenario {
        owner: &[
            Task::Append,
            Task::Login(Who::Alice),
            Task::LoginTwice(Who::Alice, Who::Bob),
            Task::LoginTwice(Who::Alice, Who::Alice),
        ],
        requests: 2,
        losses: 1,
        ..calm("login-twice-two", "two sign-ins in one request, of two users")
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

/// The owner has no session yet.
pub(crate) fn limit_new() -> Scenario {
    Scenario {
        setup: Setup::Nothing,
        signed_in: None,
        requests: 2,
        name: "limit-new",
        about: "a limit of one session, and first sign-ins on two devices",
        ..limit()
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

/// A revocation that has not reached every session yet.
pub(crate) fn require() -> Scenario {
    Scenario {
        signed_in: Some(Who::Alice),
        owner: &[Task::Require],
        other: &[],
        name: "require",
        about: "a sign-in is asked for again while an operator revokes it",
        ..revocation()
    }
}

pub(crate) fn former_key_revoked() -> Scenario {
    Scenario {
        setup: Setup::LostSignIn,
        owner: &[Task::Login(Who::Alice), Task::Append],
        other: &[],
        name: "former-key-revoked",
        about: "a user signs in with a former key while an operator revokes the session",
        ..revocation()
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

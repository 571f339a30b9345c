//! Scenarios of bearer tokens, copies of keys, reads that are no use, and clocks.

use std::time::Duration;

use cloakroom::key::Carrier;

use super::{EXTENSION, Scenario, Setup, calm, renewed_every};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        strange_bearer(),
        bearer_as_cookie(),
        cookie_as_bearer(),
        bearer_login(),
        late_reuse(),
        old_key_login(),
        ignores_cookies(),
        peeks(),
        extend_always(),
        extend_again(),
        clock(),
        clock_sign_in(),
        no_randomness(),
    ]
}

pub(crate) fn strange_bearer() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen],
        setup: Setup::StrangeBearer,
        owner: &[Task::Read, Task::Append],
        requests: 2,
        ..calm("strange-bearer", "a request has a foreign bearer token and a valid cookie")
    }
}

pub(crate) fn bearer_as_cookie() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut],
        setup: Setup::Bearer,
        lifetime: renewed_every(60),
        moments: &[60, 120, 180],
        owner: &[Task::Read, Task::Append],
        other: &[Task::Read, Task::Append, Task::Logout],
        requests: 3,
        lateness: 0,
        copies: 1,
        copied_as: Carrier::Cookie,
        ..calm("bearer-as-cookie", "a copied bearer token is sent as a cookie")
    }
}

pub(crate) fn cookie_as_bearer() -> Scenario {
    Scenario {
        setup: Setup::OneCookie,
        copied_as: Carrier::Bearer,
        name: "cookie-as-bearer",
        about: "a copied cookie is sent as a bearer token",
        ..bearer_as_cookie()
    }
}

pub(crate) fn bearer_login() -> Scenario {
    Scenario {
        lifetime: renewed_every(60).with_idle_timeout(Duration::from_secs(5 * 60)),
        moments: &[60],
        owner: &[Task::Read, Task::OfKey, Task::Append, Task::LoginBearer(Who::Alice)],
        requests: 3,
        ..calm("bearer-login", "a client signs in with a cookie and is given a bearer token")
    }
}

pub(crate) fn late_reuse() -> Scenario {
    Scenario {
        setup: Setup::RetiredElsewhere,
        lifetime: renewed_every(60 * 60),
        moments: &[330],
        owner: &[Task::Append, Task::Login(Who::Alice)],
        other: &[Task::Read, Task::OfKey],
        requests: 2,
        losses: 1,
        operator: 1,
        ..calm("late-reuse", "a reused key is judged while the user signs in")
    }
}

pub(crate) fn old_key_login() -> Scenario {
    Scenario {
        signed_in: Some(Who::Alice),
        moments: &[90],
        lateness: 90,
        owner: &[Task::Login(Who::Alice)],
        other: &[Task::Login(Who::Bob), Task::Read],
        requests: 3,
        copies: 1,
        ..calm("old-key-login", "the holder of a copied key signs in while its owner does")
    }
}

pub(crate) fn ignores_cookies() -> Scenario {
    Scenario {
        lifetime: renewed_every(60),
        moments: &[60, 120, 440],
        owner: &[Task::Read],
        other: &[Task::Read],
        other_ignores_cookies: true,
        requests: 4,
        lateness: 0,
        copies: 1,
        expected: &[(
            Law::NoOneIsLockedOut,
            "a program that was given the cookie and ignores Set-Cookie counts as a second holder \
             of the key, and ends the session",
        )],
        ..calm("ignores-cookies", "a program of the user has a copy of the key and keeps it")
    }
}

pub(crate) fn peeks() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut],
        lifetime: renewed_every(60).with_idle_timeout(Duration::from_secs(5 * 60)),
        moments: &[60, 120, 180],
        owner: &[Task::Peek, Task::Prefetch, Task::OfKey, Task::Read],
        requests: 3,
        losses: 1,
        ..calm("peeks", "reads that do not count as a use, or that are no request of the client")
    }
}

pub(crate) fn extend_always() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut, Law::ExtensionsRenewByNeed],
        lifetime: calm("", "").lifetime.without_renewal_timeout().exactly(EXTENSION / 2),
        moments: &[60, 120],
        owner: &[Task::Extend],
        requests: 5,
        faults: false,
        ..calm("extend-always", "every request extends the session; answers are late")
    }
}

/// Longer than the cookie lives.
pub(crate) fn extend_again() -> Scenario {
    Scenario {
        more: &[Law::ExtensionsRenewByNeed],
        moments: &[60, 420, 780, 1140],
        requests: 5,
        in_flight: 1,
        lateness: 0,
        name: "extend-again",
        about: "every request extends the session, until the cookie ends",
        ..extend_always()
    }
}

/// The clock is set back, by far more than clocks differ.
pub(crate) fn clock() -> Scenario {
    Scenario {
        more: &[Law::RenewalIsNotPostponed, Law::NoOneIsLockedOut],
        // These tell the time by the clock.
        without: &[
            Law::RetiredKeysAreRecognized,
            Law::SupersededBeginsNothing,
            Law::CookieOutlivesRecord,
        ],
        lifetime: renewed_every(60),
        moments: &[60, 130, 200, 270],
        owner: &[Task::Read, Task::Append],
        requests: 4,
        in_flight: 1,
        lateness: 0,
        sets_back: 60 * 60,
        ..calm("clock", "the clock is set back by an hour")
    }
}

pub(crate) fn clock_sign_in() -> Scenario {
    Scenario {
        more: &[Law::RenewalIsNotPostponed, Law::LoginFindsTheData],
        moments: &[60, 130],
        owner: &[Task::Login(Who::Alice), Task::LoginWith(Who::Alice)],
        requests: 3,
        name: "clock-sign-in",
        about: "the clock is set back by an hour, and a user signs in",
        ..clock()
    }
}

pub(crate) fn no_randomness() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen],
        lifetime: renewed_every(0),
        owner: &[Task::Read, Task::Append],
        requests: 2,
        has_randomness: false,
        without: &[Law::LoginAlwaysWorks, Law::RenewalStarts],
        ..calm("no-randomness", "the system has no randomness while a renewal is due")
    }
}

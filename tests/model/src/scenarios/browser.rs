//! Scenarios of what browsers do, with the laws that are known to fail.

use cloakroom::Lifetime;
use cloakroom::policy::UnreadablePolicy;

use super::{EXTENSION, Scenario, Setup, calm, renewed_every};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        retired_first(),
        two_sessions(),
        damaged_first(),
        damaged(),
        damaged_ends(),
        late_removal(),
        lost_sign_in(),
        foreign_post(),
        foreign_login(),
        old_key_login(),
        late_reuse(),
        strange_bearer(),
        bearer_as_cookie(),
        extend_always(),
        ignores_cookies(),
        no_randomness(),
    ]
}

pub(crate) fn retired_first() -> Scenario {
    Scenario {
        setup: Setup::RetiredFirst,
        lifetime: renewed_every(60 * 60),
        moments: &[30, 90, 330],
        owner: &[Task::Read, Task::Append],
        requests: 3,
        expected: &[(
            Law::NoOneIsLockedOut,
            "a retired key that is sent first counts as reuse and ends the session, although the \
             next key of the request is its successor",
        )],
        ..calm("retired-first", "two cookies of one name: a retired key comes before a valid one")
    }
}

pub(crate) fn two_sessions() -> Scenario {
    Scenario {
        setup: Setup::TwoSessions,
        lifetime: renewed_every(60),
        moments: &[60],
        owner: &[Task::Read, Task::Append, Task::Login(Who::Alice), Task::Logout],
        requests: 4,
        expected: &[(
            Law::LogoutEndsAll,
            "a sign-out ends the first session that its keys open, and the next request opens \
             the second",
        )],
        ..calm("two-sessions", "two cookies of one name, each with the key of a session")
    }
}

pub(crate) fn damaged_first() -> Scenario {
    Scenario {
        setup: Setup::DamagedFirst,
        unreadable: UnreadablePolicy::Refuse,
        owner: &[Task::Read],
        requests: 2,
        without: &[Law::LoginAlwaysWorks, Law::NoOneIsStuck],
        expected: &[(
            Law::ValidKeysWin,
            "a record that cannot be read fails the request before its other key is tried",
        )],
        ..calm("damaged-first", "two cookies of one name, and the record of the first is damaged")
    }
}

pub(crate) fn damaged() -> Scenario {
    Scenario {
        setup: Setup::Damaged,
        owner: &[Task::Read, Task::Append],
        requests: 2,
        without: &[Law::ValidKeysWin],
        expected: &[(
            Law::UnreadableKeysStay,
            "a write begins another session in place of one that cannot be read, and its key \
             replaces the first",
        )],
        ..calm("damaged", "a record that cannot be read is set aside")
    }
}

pub(crate) fn damaged_ends() -> Scenario {
    Scenario {
        setup: Setup::DamagedFirst,
        unreadable: UnreadablePolicy::End,
        owner: &[Task::Read, Task::Append],
        requests: 3,
        losses: 1,
        ..calm("damaged-ends", "a record that cannot be read is ended, and the next key opens")
    }
}

pub(crate) fn late_removal() -> Scenario {
    Scenario {
        moments: &[30],
        owner: &[Task::Navigate, Task::Login(Who::Alice), Task::Logout],
        requests: 3,
        operator: 1,
        expected: &[(
            Law::ReadsSignNoOneOut,
            "the answer to a page with a dead key removes the cookie, which a sign-in has set \
             meanwhile",
        )],
        ..calm("late-removal", "late answers of pages, during sign-ins and sign-outs")
    }
}

pub(crate) fn lost_sign_in() -> Scenario {
    Scenario {
        owner: &[Task::Append, Task::Login(Who::Alice)],
        requests: 3,
        expected: &[(
            Law::LoginFindsTheData,
            "if the answer to a sign-in is lost, the next sign-in begins a session without data",
        )],
        ..calm("lost-sign-in", "answers to sign-ins are lost")
    }
}

pub(crate) fn foreign_post() -> Scenario {
    Scenario {
        signed_in: Some(Who::Alice),
        owner: &[Task::Read],
        foreign: &[Task::Append],
        requests: 2,
        expected: &[(
            Law::ForeignSitesReplaceNothing,
            "a request without the Lax cookie begins a session, whose key replaces the user's",
        )],
        ..calm("foreign-post", "another site makes the browser send a form without its cookie")
    }
}

pub(crate) fn foreign_login() -> Scenario {
    Scenario {
        owner: &[Task::Read],
        foreign: &[Task::Login(Who::Bob)],
        requests: 2,
        expected: &[(
            Law::ForeignSitesSignNoOneIn,
            "a form of another site signs the user in as its author",
        )],
        ..calm("foreign-login", "another site makes the browser sign in")
    }
}

pub(crate) fn old_key_login() -> Scenario {
    Scenario {
        signed_in: Some(Who::Alice),
        owner: &[Task::Login(Who::Alice)],
        other: &[Task::Login(Who::Bob)],
        requests: 2,
        copies: 1,
        expected: &[(
            Law::OnlyWorkingKeysEnd,
            "a sign-in as another principal ends the session without a condition, although its \
             key was replaced after it was judged",
        )],
        ..calm("old-key-login", "the holder of a copied key signs in while its owner does")
    }
}

pub(crate) fn late_reuse() -> Scenario {
    Scenario {
        setup: Setup::RetiredElsewhere,
        lifetime: renewed_every(60 * 60),
        moments: &[330],
        owner: &[Task::Login(Who::Alice)],
        other: &[Task::Read],
        requests: 2,
        losses: 1,
        operator: 1,
        expected: &[
            (
                Law::ReuseSparesSignIns,
                "reuse ends the session without a condition, although its user has signed in \
                 since the key was judged",
            ),
            (
                Law::ReasonsAreTold,
                "reuse says that it has ended the session, although someone else had a moment \
                 before",
            ),
        ],
        ..calm("late-reuse", "a reused key is judged while the user signs in")
    }
}

pub(crate) fn strange_bearer() -> Scenario {
    Scenario {
        setup: Setup::StrangeBearer,
        owner: &[Task::Read],
        requests: 2,
        without: &[Law::LoginAlwaysWorks],
        expected: &[(Law::ValidKeysWin, "a bearer token that opens nothing hides the cookie")],
        ..calm("strange-bearer", "a request has a foreign bearer token and a valid cookie")
    }
}

pub(crate) fn bearer_as_cookie() -> Scenario {
    Scenario {
        setup: Setup::Bearer,
        lifetime: renewed_every(60),
        moments: &[60, 120, 180],
        owner: &[Task::Read],
        other: &[Task::Read],
        requests: 4,
        lateness: 0,
        copies: 1,
        without: &[Law::RenewalStarts],
        expected: &[(
            Law::NoOneIsLockedOut,
            "a stolen bearer token opens as a cookie, is renewed for the thief, and the owner's \
             retires",
        )],
        ..calm("bearer-as-cookie", "a copied bearer token is sent as a cookie")
    }
}

pub(crate) fn extend_always() -> Scenario {
    Scenario {
        lifetime: Lifetime::absolute(EXTENSION / 2).without_renewal_timeout(),
        moments: &[60, 120],
        owner: &[Task::Extend],
        requests: 6,
        faults: false,
        expected: &[(
            Law::NoOneIsLockedOut,
            "each extension renews the key, so that an answer that is a minute late brings \
             back a key that has been replaced",
        )],
        ..calm("extend-always", "every request extends the session; answers are late")
    }
}

pub(crate) fn ignores_cookies() -> Scenario {
    Scenario {
        lifetime: renewed_every(60),
        moments: &[60, 120, 420],
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

pub(crate) fn no_randomness() -> Scenario {
    Scenario {
        lifetime: renewed_every(0),
        owner: &[Task::Read],
        requests: 1,
        has_randomness: false,
        without: &[Law::LoginAlwaysWorks, Law::NoOneIsStuck],
        expected: &[(
            Law::ValidKeysWin,
            "a renewal that cannot draw a nonce fails the read that it was part of",
        )],
        ..calm("no-randomness", "the system has no randomness while a renewal is due")
    }
}

//! Scenarios of requests that other sites start.

use cloakroom::policy::SameSite;
use cloakroom::protocol::RequestOrigin;

use super::{Scenario, Setup, calm};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![foreign_lax(), foreign_strict(), first_visit(), foreign_login(), embedded(), form_post()]
}

pub(crate) fn foreign_lax() -> Scenario {
    Scenario {
        more: &[Law::FirstVisitsBegin],
        signed_in: Some(Who::Alice),
        owner: &[Task::Read, Task::Logout],
        foreign: &[
            (RequestOrigin::Unsafe, Task::Append),
            (RequestOrigin::Embedded, Task::Append),
            (RequestOrigin::Link, Task::Append),
        ],
        requests: 3,
        ..calm("foreign-lax", "another site makes the browser send requests without its Lax cookie")
    }
}

pub(crate) fn foreign_strict() -> Scenario {
    Scenario {
        same_site: Some(SameSite::Strict),
        name: "foreign-strict",
        about: "another site makes the browser send requests without its Strict cookie",
        ..foreign_lax()
    }
}

/// A link is the usual way to a site, and the browser has no session then.
pub(crate) fn first_visit() -> Scenario {
    Scenario {
        setup: Setup::Nothing,
        signed_in: None,
        name: "first-visit",
        about: "a browser without a session follows a link from another site",
        ..foreign_strict()
    }
}

pub(crate) fn foreign_login() -> Scenario {
    Scenario {
        owner: &[Task::Read, Task::Logout],
        foreign: &[
            (RequestOrigin::Unsafe, Task::Login(Who::Bob)),
            (RequestOrigin::Embedded, Task::Login(Who::Bob)),
        ],
        requests: 2,
        ..calm("foreign-login", "another site makes the browser sign in")
    }
}

/// The cookie is sent with every request, so no request is withheld.
pub(crate) fn embedded() -> Scenario {
    Scenario {
        same_site: Some(SameSite::None),
        foreign: &[
            (RequestOrigin::Unsafe, Task::Login(Who::Bob)),
            (RequestOrigin::Unsafe, Task::Append),
            (RequestOrigin::Embedded, Task::Append),
        ],
        name: "embedded",
        about: "another site embeds pages, and makes the browser sign in",
        ..foreign_login()
    }
}

pub(crate) fn form_post() -> Scenario {
    Scenario {
        more: &[Law::VerifiedSignInsWork],
        foreign: &[
            (RequestOrigin::Unsafe, Task::LoginVerified(Who::Alice)),
            (RequestOrigin::Unsafe, Task::Append),
        ],
        owner: &[Task::Append],
        requests: 3,
        ..calm("form-post", "an identity provider answers with a form that the application checks")
    }
}

//! Scenarios of several keys in one request, and of records that cannot be read.

use cloakroom::policy::UnreadablePolicy;

use super::{Scenario, Setup, calm, renewed_every};
use crate::laws::Law;
use crate::state::{Task, Who};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        paired(),
        two_dead(),
        retired_first(),
        doubles(),
        two_sessions(),
        two_sessions_lost(),
        damaged_first(),
        damaged_refused(),
        damaged(),
        damaged_set_aside(),
        damaged_ends(),
        late_removal(),
    ]
}

pub(crate) fn paired() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen, Law::UnreadableKeysStay],
        setup: Setup::Paired,
        lifetime: renewed_every(60 * 60),
        moments: &[30, 90, 330],
        owner: &[Task::Read, Task::Append],
        requests: 3,
        losses: 1,
        ..calm("paired", "a valid key and one that opens nothing, for each reason, in either order")
    }
}

pub(crate) fn two_dead() -> Scenario {
    Scenario {
        setup: Setup::PairedDead,
        moments: &[30],
        owner: &[Task::Read, Task::Append, Task::Login(Who::Alice)],
        requests: 2,
        // Only a sign-in gets the browser on.
        without: &[Law::NoOneIsStuck],
        ..calm("two-dead", "a superseded key and one that opens nothing either, in either order")
    }
}

pub(crate) fn retired_first() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen],
        setup: Setup::RetiredFirst,
        lifetime: renewed_every(60 * 60),
        moments: &[30, 90, 330],
        owner: &[Task::Read, Task::Append],
        requests: 3,
        ..calm(
            "retired-first",
            "two cookies of one session: a retired key comes before a valid one",
        )
    }
}

pub(crate) fn doubles() -> Scenario {
    Scenario {
        more: &[Law::NoOneIsLockedOut],
        setup: Setup::BothValid,
        lifetime: renewed_every(60 * 60),
        moments: &[30, 60, 90, 150, 400],
        owner: &[Task::Read],
        requests: 4,
        lateness: 0,
        ..calm("doubles", "two cookies of one session while its renewal is in progress")
    }
}

pub(crate) fn two_sessions() -> Scenario {
    Scenario {
        setup: Setup::TwoSessions,
        lifetime: renewed_every(60),
        moments: &[60],
        owner: &[Task::Read, Task::Append, Task::Login(Who::Alice), Task::Logout],
        requests: 3,
        ..calm("two-sessions", "two cookies of one name, each with the key of a session")
    }
}

pub(crate) fn two_sessions_lost() -> Scenario {
    Scenario {
        moments: &[],
        requests: 3,
        losses: 1,
        name: "two-sessions-lost",
        about: "the same, and answers of the store get lost",
        ..two_sessions()
    }
}

pub(crate) fn damaged_first() -> Scenario {
    Scenario {
        more: &[Law::UnreadableKeysStay, Law::NoOneIsLockedOut],
        setup: Setup::DamagedFirst,
        owner: &[Task::Read, Task::Append],
        requests: 3,
        losses: 1,
        ..calm("damaged-first", "two cookies of one name, and the record of the first is damaged")
    }
}

pub(crate) fn damaged_refused() -> Scenario {
    Scenario {
        unreadable: UnreadablePolicy::Refuse,
        losses: 0,
        name: "damaged-refused",
        about: "the same, and a request for a damaged record alone is refused",
        ..damaged_first()
    }
}

pub(crate) fn damaged() -> Scenario {
    Scenario {
        more: &[Law::UnreadableKeysStay],
        setup: Setup::Damaged,
        signed_in: Some(Who::Alice),
        owner: &[Task::Read, Task::Append, Task::Login(Who::Alice), Task::Logout],
        requests: 2,
        losses: 1,
        // It can sign in only.
        without: &[Law::NoOneIsStuck],
        ..calm("damaged", "a record cannot be read, and its key is kept")
    }
}

pub(crate) fn damaged_set_aside() -> Scenario {
    Scenario {
        unreadable: UnreadablePolicy::SetAside,
        more: &[],
        without: &[],
        owner: &[Task::Read, Task::Append],
        name: "damaged-set-aside",
        about: "a record that cannot be read is set aside",
        ..damaged()
    }
}

pub(crate) fn damaged_ends() -> Scenario {
    Scenario {
        unreadable: UnreadablePolicy::End,
        owner: &[Task::Read, Task::Append],
        name: "damaged-ends",
        about: "a record that cannot be read is ended",
        ..damaged_set_aside()
    }
}

pub(crate) fn late_removal() -> Scenario {
    Scenario {
        moments: &[30],
        owner: &[Task::Read, Task::Login(Who::Alice), Task::Logout],
        requests: 3,
        operator: 1,
        ..calm("late-removal", "late answers of pages, during sign-ins and sign-outs")
    }
}

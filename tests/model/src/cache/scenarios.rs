//! What the nodes do, in whatever order.

/// A small part of the life of one session.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(super) nodes: usize,
    /// Begun in whatever order, unless one is said to come after another.
    pub(super) acts: &'static [Act],
}

pub(super) struct Act {
    pub(super) what: What,
    /// Begun once that one is over.
    pub(super) after: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A node asks for the session.
    GetCached(usize),
    /// A node writes what it believes to be the next state.
    Replace(usize),
    Touch(usize),
    End(usize),
    /// Who does that gives it up, if it is not over.
    Drop(usize),
    /// So many milliseconds pass.
    Pass(u64),
    /// The store says to a node that it has told all.
    Beat(usize),
    /// A node hears nothing any more; then it does again.
    Cut(usize),
    Mend(usize),
}

use What::{Beat, Cut, Drop, End, GetCached, Mend, Pass, Replace, Touch};

const fn act(what: What) -> Act {
    Act { what, after: None }
}

const fn then(after: usize, what: What) -> Act {
    Act { what, after: Some(after) }
}

/// How long a cache believes itself in these scenarios, in milliseconds.
pub(super) const BELIEF: u64 = 3_000;

/// All of them.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "cache-told",
        about: "one node reads while another writes and ends the session; what is told arrives whenever",
        nodes: 2,
        acts: &[act(GetCached(0)), then(0, GetCached(0)), act(Replace(1)), then(2, End(1))],
    },
    Scenario {
        name: "cache-own",
        about: "requests of one node read, write and end the session at once",
        nodes: 1,
        acts: &[act(GetCached(0)), act(Replace(0)), act(End(0)), then(0, GetCached(0))],
    },
    Scenario {
        name: "cache-rivals",
        about: "two nodes write at once, and one of them reads",
        nodes: 2,
        acts: &[act(Replace(0)), act(Replace(1)), act(GetCached(0)), then(0, GetCached(0))],
    },
    Scenario {
        name: "cache-reader-gone",
        about: "who reads for others gives up, and the store answers nobody",
        nodes: 1,
        acts: &[
            act(GetCached(0)),
            act(GetCached(0)),
            act(Replace(0)),
            act(Drop(0)),
            then(3, GetCached(0)),
        ],
    },
    Scenario {
        name: "cache-writer-gone",
        about: "who writes gives up, and the store does it all the same or not",
        nodes: 1,
        acts: &[act(GetCached(0)), act(Replace(0)), act(Drop(1)), then(2, GetCached(0))],
    },
    Scenario {
        name: "cache-cut",
        about: "the session ends while a node hears nothing; it may be honoured for as long as is stated",
        nodes: 2,
        acts: &[
            act(GetCached(0)),
            act(Cut(0)),
            then(1, End(1)),
            act(Beat(0)),
            then(2, Pass(BELIEF)),
            then(4, GetCached(0)),
        ],
    },
    Scenario {
        name: "cache-mended",
        about: "the feed breaks and is mended while a node reads and another ends the session",
        nodes: 2,
        acts: &[
            act(GetCached(0)),
            act(Cut(0)),
            then(1, Mend(0)),
            act(End(1)),
            then(2, GetCached(0)),
        ],
    },
    Scenario {
        name: "cache-touched",
        about: "a touch and a write on the way at once, and a node that reads",
        nodes: 2,
        acts: &[act(GetCached(0)), act(Touch(0)), act(Replace(1)), then(1, GetCached(0))],
    },
];

//! What the nodes do, in any order.

/// A few operations on one session.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(super) nodes: usize,
    /// Started in any order, except where one must follow another.
    pub(super) acts: &'static [Act],
}

pub(super) struct Act {
    pub(super) what: What,
    /// Started once that one has finished.
    pub(super) after: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A node reads the session.
    GetCached(usize),
    /// A node writes the next state, as it knows it.
    Replace(usize),
    Touch(usize),
    End(usize),
    /// The caller drops that operation, if it has not finished.
    Drop(usize),
    /// This many milliseconds pass.
    Pass(u64),
    /// The store says that it has reported everything to a node.
    Beat(usize),
    /// A node's feed is cut, and then restored.
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

/// The staleness bound of a cache in these scenarios, in milliseconds.
pub(super) const BELIEF: u64 = 3_000;

/// All scenarios.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "cache-reported",
        about: "one node reads while another writes and ends the session; reports come in any order",
        nodes: 2,
        acts: &[act(GetCached(0)), then(0, GetCached(0)), act(Replace(1)), then(2, End(1))],
    },
    Scenario {
        name: "cache-own",
        about: "requests of one node read, write and end the session concurrently",
        nodes: 1,
        acts: &[act(GetCached(0)), act(Replace(0)), act(End(0)), then(0, GetCached(0))],
    },
    Scenario {
        name: "cache-rivals",
        about: "two nodes write concurrently, and one of them reads",
        nodes: 2,
        acts: &[act(Replace(0)), act(Replace(1)), act(GetCached(0)), then(0, GetCached(0))],
    },
    Scenario {
        name: "cache-reader-gone",
        about: "the read that others wait for is dropped, and its answer reaches no one",
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
        about: "a write is dropped, and the store applies it or not",
        nodes: 1,
        acts: &[act(GetCached(0)), act(Replace(0)), act(Drop(1)), then(2, GetCached(0))],
    },
    Scenario {
        name: "cache-cut",
        about: "the session ends while a node hears of no change; it is honoured as long as stated",
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
        about: "the feed breaks and recovers while a node reads and another ends the session",
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
        about: "a touch and a write are in flight, and a node reads",
        nodes: 2,
        acts: &[act(GetCached(0)), act(Touch(0)), act(Replace(1)), then(1, GetCached(0))],
    },
];

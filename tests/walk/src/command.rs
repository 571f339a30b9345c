//! What can happen next.
//!
//! A command names its objects by numbers, which are taken modulo what there is. So any part of a
//! list of commands is a list of commands, and a failing list can be shortened.

use crate::random::Random;

pub(crate) const BROWSERS: usize = 3;
pub(crate) const NODES: usize = 2;
/// Each browser's own user comes first; the last is who forges requests.
pub(crate) const USERS: [&str; 4] = ["alice", "bob", "carol", "mallory"];
pub(crate) const MALLORY: usize = 3;

/// What a request asks of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    /// Adds an item to the cart.
    Add,
    /// Empties the cart.
    Checkout,
    /// Leaves a message for the next page.
    Notify,
    /// A page that shows the messages, each once.
    Show,
    /// A page with a sign-in form, which has an anti-forgery token.
    SignInPage,
    /// The form of the last such page.
    SignInForm(usize),
    /// A sign-in without a token, as by a program.
    SignIn(usize),
    SignOut,
    End,
    Renew,
    /// Makes the session end in this many minutes.
    Extend(u64),
}

/// Which page makes the browser send the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    OwnPage,
    OwnFetch,
    Sibling,
    Prefetch,
    OtherLink,
    OtherForm,
    OtherFrame,
    OtherImage,
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Held,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) browser: usize,
    pub(crate) source: Source,
    pub(crate) action: Action,
    pub(crate) node: usize,
    /// How often the handler is polled at once; [`ALL`] until it is done.
    pub(crate) polls: u8,
    pub(crate) fate: Fate,
}

pub(crate) const ALL: u8 = u8::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// All clocks move.
    Advance {
        millis: u64,
        requests_first: bool,
    },
    /// A node's clock is this much ahead of the right time.
    SetClock {
        node: usize,
        ahead: i64,
    },
    /// A node is replaced by one that sets its cookie with or without a `Domain`.
    Deploy {
        node: usize,
        with_domain: bool,
    },
    Send(Send),
    /// Two clicks on one button. The browser drops the first answer.
    DoubleClick {
        send: Send,
        second_first: bool,
    },
    Poll {
        task: usize,
        polls: u8,
    },
    /// The client closes the connection, and the server drops the handler.
    Disconnect {
        task: usize,
    },
    Deliver {
        answer: usize,
    },
    Lose {
        answer: usize,
    },
    /// The browser writes its cookies to the disk.
    Save {
        browser: usize,
    },
    /// The browser crashes and restores what it saved last.
    Crash {
        browser: usize,
    },
    /// A request with the cookies that were saved last: an old tab, or a copy.
    Copy(Send),
    Revoke {
        node: usize,
        browser: usize,
    },
    RevokeAll {
        node: usize,
        user: usize,
    },
    RevokeBefore {
        node: usize,
        user: usize,
    },
    Sweep {
        node: usize,
    },
}

impl Action {
    pub(crate) const fn is_safe(self) -> bool {
        matches!(self, Self::Read | Self::Show | Self::SignInPage)
    }

    /// True if it replaces or ends keys, or takes back what was written.
    pub(crate) const fn is_drastic(self) -> bool {
        !(self.is_safe() || matches!(self, Self::Add | Self::Notify))
    }

    pub(crate) const fn user(self) -> Option<usize> {
        match self {
            Self::SignInForm(user) | Self::SignIn(user) => Some(user),
            _ => None,
        }
    }
}

impl Source {
    pub(crate) const fn is_cross_site(self) -> bool {
        matches!(self, Self::OtherLink | Self::OtherForm | Self::OtherFrame | Self::OtherImage)
    }
}

impl Command {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let (node, browser) = (random.index(NODES), random.index(BROWSERS));
        match random.within(0..1000) {
            0..=179 => Self::Advance { millis: span(random), requests_first: random.percent(90) },
            180..=189 => Self::SetClock { node, ahead: clock_error(random) },
            190..=193 => Self::Deploy { node, with_domain: random.percent(50) },
            194..=719 => Self::Send(Send::draw(random)),
            720..=739 => Self::DoubleClick {
                send: Send { source: Source::OwnPage, ..Send::draw(random) },
                second_first: random.percent(30),
            },
            740..=839 => Self::Poll { task: random.index(16), polls: polls(random) },
            840..=849 => Self::Disconnect { task: random.index(16) },
            850..=909 => Self::Deliver { answer: random.index(16) },
            910..=919 => Self::Lose { answer: random.index(16) },
            920..=949 => Self::Save { browser },
            950..=956 => Self::Crash { browser },
            957..=979 => Self::Copy(Send::draw(random)),
            980..=982 => Self::Revoke { node, browser },
            983 => Self::RevokeAll { node, user: random.index(USERS.len()) },
            984..=985 => Self::RevokeBefore { node, user: random.index(USERS.len()) },
            _ => Self::Sweep { node },
        }
    }
}

impl Send {
    fn draw(random: &mut Random) -> Self {
        let browser = random.index(BROWSERS);
        let user = if random.percent(85) { browser } else { random.index(MALLORY) };
        let action = match random.within(0..100) {
            0..=33 => Action::Read,
            34..=39 => Action::Show,
            40..=58 => Action::Add,
            59..=64 => Action::Notify,
            65..=66 => Action::Checkout,
            67..=73 => Action::SignInPage,
            74..=81 => Action::SignInForm(user),
            82..=90 => Action::SignIn(user),
            91..=95 => Action::SignOut,
            96 => Action::End,
            97 => Action::Renew,
            _ => Action::Extend(random.pick(&[10, 60, 300])),
        };
        let (source, action) = match random.within(0..100) {
            0..=69 => (Source::OwnPage, action),
            70..=79 => (Source::OwnFetch, action),
            80..=82 => (Source::Sibling, action),
            83..=86 => (Source::Prefetch, random.pick(&[Action::Read, Action::Show])),
            87..=90 => {
                (Source::OtherLink, if random.percent(80) { Action::Read } else { Action::Add })
            }
            91..=94 => {
                let forged =
                    [Action::Add, Action::SignIn(MALLORY), Action::SignOut, Action::Checkout];
                (Source::OtherForm, random.pick(&forged))
            }
            95..=97 => (Source::OtherFrame, Action::Read),
            _ => (Source::OtherImage, Action::Read),
        };
        let fate = match random.within(0..100) {
            0..=79 => Fate::Delivered,
            80..=93 => Fate::Held,
            _ => Fate::Lost,
        };
        let polls = polls(random);
        Self { browser, source, action, node: random.index(NODES), polls, fate }
    }
}

fn polls(random: &mut Random) -> u8 {
    if random.percent(75) { ALL } else { u8::try_from(random.within(0..7)).expect("small") }
}

/// Mostly seconds; sometimes long enough for a renewal, or for the idle timeout.
fn span(random: &mut Random) -> u64 {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    match random.within(0..100) {
        0..=59 => random.within(1..10 * SECOND),
        60..=84 => random.within(10 * SECOND..90 * SECOND),
        85..=97 => random.within(2 * MINUTE..20 * MINUTE),
        _ => random.within(20 * MINUTE..120 * MINUTE),
    }
}

/// Mostly a second or so; two nodes never differ by the ten seconds that the library allows for.
fn clock_error(random: &mut Random) -> i64 {
    let limit = if random.percent(80) { 1500 } else { 4500 };
    i64::try_from(random.within(0..2 * limit)).expect("small")
        - i64::try_from(limit).expect("small")
}

//! What can happen next.
//!
//! A command names its objects by numbers, which are taken modulo what there is. So any part of a
//! list of commands is a list of commands, and a failing list can be shortened.

use crate::random::Random;

pub(crate) const BROWSERS: usize = 3;
pub(crate) const NODES: usize = 2;
pub(crate) const KINDS: usize = 2;
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
    /// A sign-in that adds an item to the cart in the same write.
    SignInWith(usize),
    /// The return from an identity provider, whose answer has been checked.
    SignInVerified(usize),
    /// A sign-in of a program, which is given a bearer key.
    SignInBearer(usize),
    /// A form on a partner's page, whose item goes into the cart of a new session.
    Land,
    SignOut,
    /// Ends the user's other sessions.
    SignOutOthers,
    End,
    Renew,
    /// Makes the session end in this many minutes.
    Extend(u64),
}

/// Which page makes the browser send the request, or who else sends it.
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
    /// A program with a bearer key and no cookies.
    Program,
    /// A script of the page that adds the bearer key of the user's program.
    FetchWithBearer,
    /// A program that sends a bearer key, which it has stolen, as a cookie.
    BearerAsCookie,
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
    pub(crate) kind: usize,
    /// Whether the request counts as a use of the session.
    pub(crate) touches: bool,
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
    /// A node is replaced by one that can set its cookie in another scope.
    Deploy {
        node: usize,
        version: u8,
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
        !(self.is_safe() || matches!(self, Self::Add | Self::Land | Self::Notify))
    }

    pub(crate) const fn user(self) -> Option<usize> {
        match self {
            Self::SignInForm(user)
            | Self::SignIn(user)
            | Self::SignInWith(user)
            | Self::SignInVerified(user)
            | Self::SignInBearer(user) => Some(user),
            _ => None,
        }
    }
}

impl Source {
    pub(crate) const fn is_cross_site(self) -> bool {
        matches!(self, Self::OtherLink | Self::OtherForm | Self::OtherFrame | Self::OtherImage)
    }

    /// True if the browser sends its cookies and no other key, and takes those of the answer.
    pub(crate) const fn is_browser(self) -> bool {
        !matches!(self, Self::Program | Self::FetchWithBearer | Self::BearerAsCookie)
    }

    /// True if the browser does not see the answer.
    pub(crate) const fn is_program(self) -> bool {
        matches!(self, Self::Program | Self::BearerAsCookie)
    }
}

impl Command {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let (node, browser) = (random.index(NODES), random.index(BROWSERS));
        match random.within(0..1000) {
            0..=179 => Self::Advance { millis: span(random), requests_first: random.percent(90) },
            180..=189 => Self::SetClock { node, ahead: clock_error(random) },
            190..=193 => Self::Deploy { node, version: random.pick(&[0, 1, 2]) },
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
            82..=87 => Action::SignIn(user),
            88..=90 => Action::SignInWith(user),
            91..=94 => Action::SignOut,
            95 => Action::SignOutOthers,
            96 => Action::End,
            97 => Action::Renew,
            _ => Action::Extend(random.pick(&[10, 60, 300])),
        };
        let (source, action) = match random.within(0..100) {
            0..=65 => (Source::OwnPage, action),
            66..=72 => (Source::OwnFetch, action),
            73..=75 => (Source::Sibling, action),
            76..=78 => (Source::Prefetch, random.pick(&[Action::Read, Action::Show])),
            79..=82 => {
                (Source::OtherLink, if random.percent(70) { Action::Read } else { Action::Add })
            }
            83..=87 => {
                let forged = [
                    Action::Add,
                    Action::SignIn(MALLORY),
                    Action::SignOut,
                    Action::Checkout,
                    Action::SignInVerified(user),
                    Action::Land,
                ];
                (Source::OtherForm, random.pick(&forged))
            }
            88..=89 => (Source::OtherFrame, Action::Read),
            90 => (Source::OtherImage, Action::Read),
            91..=96 => {
                let action = if random.percent(25) { Action::SignInBearer(user) } else { action };
                (Source::Program, action)
            }
            97..=98 => (Source::FetchWithBearer, action),
            _ => (Source::BearerAsCookie, action),
        };
        let fate = match random.within(0..100) {
            0..=79 => Fate::Delivered,
            80..=93 => Fate::Held,
            _ => Fate::Lost,
        };
        let polls = polls(random);
        let kind = usize::from(random.percent(25));
        let touches = action != Action::Read || random.percent(75);
        Self { browser, source, action, node: random.index(NODES), kind, touches, polls, fate }
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

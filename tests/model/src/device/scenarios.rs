//! The scenarios: what there is at the start, and what can happen.

/// What there is at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A user has signed in a moment ago, and the browser is asked to register.
    Offered,
    /// The session is bound, and the browser has used its cookie.
    Bound,
}

/// What the browser can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Visit,
    Refresh,
    Login,
}

/// One scenario and its bounds.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(super) start: Start,
    pub(super) owner: &'static [Act],
    /// Seconds after the start at which the clock stops.
    pub(super) moments: &'static [u64],
    pub(super) requests: u8,
    pub(super) in_flight: usize,
    /// How many questions to the store can go wrong.
    pub(super) losses: u8,
    /// Whether an attacker can copy the cookie, and use the copy.
    pub(super) attacker: bool,
    /// Whether the attacker can send again what the browser has sent.
    pub(super) replays: bool,
}

const CALM: Scenario = Scenario {
    name: "",
    about: "",
    start: Start::Bound,
    owner: &[Act::Visit, Act::Refresh],
    moments: &[],
    requests: 3,
    in_flight: 2,
    losses: 1,
    attacker: false,
    replays: false,
};

/// All that `cloakroom-model` runs.
pub(crate) const ALL: &[Scenario] = &[REGISTRATION, REFRESHES, COPIES, REPLAYS, SIGN_IN_AGAIN];

pub(super) const REGISTRATION: Scenario = Scenario {
    name: "device-register",
    about: "a sign-in is bound, while requests and answers are lost and a copy is made",
    start: Start::Offered,
    moments: &[61, 612],
    requests: 4,
    attacker: true,
    ..CALM
};

pub(super) const REFRESHES: Scenario = Scenario {
    name: "device-refresh",
    about: "a bound session is refreshed in parallel, late and again",
    moments: &[20, 80, 640, 1_260],
    requests: 4,
    ..CALM
};

pub(super) const COPIES: Scenario = Scenario {
    name: "device-copy",
    about: "a copied cookie of a bound session is used, renewed and extended",
    moments: &[300, 612],
    requests: 4,
    losses: 0,
    attacker: true,
    ..CALM
};

pub(super) const REPLAYS: Scenario = Scenario {
    name: "device-replay",
    about: "an attacker sends a browser's proofs again",
    owner: &[Act::Refresh],
    moments: &[20, 40, 640, 1_260],
    requests: 3,
    losses: 0,
    attacker: true,
    replays: true,
    ..CALM
};

pub(super) const SIGN_IN_AGAIN: Scenario = Scenario {
    name: "device-sign-in",
    about: "a user signs in again on a bound session, while a refresh is on its way",
    owner: &[Act::Visit, Act::Refresh, Act::Login],
    moments: &[61],
    requests: 4,
    losses: 0,
    ..CALM
};

//! Browsers, the network between, and the handlers under way.

mod delivery;
mod events;
mod laws;
mod network;
mod origins;
mod requests;

use std::collections::HashMap;
use std::fmt::Write as _;

use cloakroom::{Key, PublicId, Timestamp};
use cloakroom_testkit::{BrowserRequest, Client, ManualClock};
use http::HeaderMap;

use crate::command::{ALL, Action, BROWSERS, Command, Fate, KINDS, Send, Source, USERS};
use crate::fault::Fault;
use crate::handler::{Handler, View};
use crate::ledger::{Convergence, Ledger};
use crate::policy::Policy;
use crate::server::{Servers, principal};
use requests::{keys_of, request_of};

/// How often handlers are polled before they count as stuck.
const ENOUGH: usize = 500;

/// How often something was seen: evidence that the walk gets around.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(pub(crate) HashMap<&'static str, u64>);

impl Counts {
    pub(crate) fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

/// The state of a walk.
pub(crate) struct World {
    policy: Policy,
    fault: Fault,
    servers: Servers,
    browsers: Vec<Browser>,
    tasks: Vec<Task>,
    answers: Vec<Answer>,
    ledger: Ledger,
    drastic: Vec<Drastic>,
    /// When each user's sign-ins were last revoked.
    revoked: HashMap<usize, u64>,
    /// The session into which an item was put.
    homes: HashMap<u32, PublicId>,
    /// How many sign-ins of each user were cancelled.
    cancelled: HashMap<usize, usize>,
    clock: ManualClock,
    now: u64,
    step: u64,
    next_task: u64,
    next_item: u32,
    pub(crate) counts: Counts,
    /// What happened and must not: one kind each, as far as that can be told.
    pub(crate) violations: Vec<String>,
    /// What happened, if that is wanted.
    pub(crate) log: Option<String>,
}

struct Browser {
    client: Client,
    saved: Option<Client>,
    kinds: [KindState; KINDS],
}

/// What a browser has of one kind of session.
#[derive(Default)]
struct KindState {
    form: Option<Form>,
    /// The session of the last answer that set a cookie, if that was a sign-in.
    signed_in: Option<PublicId>,
    /// Since which step the browser has had a valid key of a session.
    holds: HashMap<PublicId, u64>,
    /// The key that a program of the same user has.
    bearer: Option<Key>,
}

/// A sign-in page that a browser shows.
#[derive(Clone)]
struct Form {
    token: String,
    /// The cookie that the browser had once the page was there, if the token belongs to it.
    cookies: Vec<Key>,
}

/// A request that has reached a node.
struct Task {
    number: u64,
    handler: Handler,
    send: Send,
    request: BrowserRequest,
    keys: Vec<Key>,
    /// Those that must open their sessions when the request arrives.
    valid: Vec<Key>,
    /// What had been acknowledged then.
    items: HashMap<PublicId, Vec<u32>>,
    news: HashMap<PublicId, Vec<u32>>,
    item: u32,
    convergence: Option<Convergence>,
    /// The session that the browser has just signed in on.
    expected: Option<PublicId>,
    signed_in: Option<PublicId>,
    /// The request is the form of a page that was loaded with the same cookie.
    is_form_of_page: bool,
    started: u64,
    sent: u64,
    opened: Option<Result<View, String>>,
    /// The key that the handler gives to a program.
    bearer: Option<Key>,
    /// One of the keys was valid when the session was opened.
    was_valid: bool,
    is_done: bool,
}

/// An answer on its way to the browser.
struct Answer {
    browser: usize,
    kind: usize,
    /// The key that a program is given.
    bearer: Option<Key>,
    source: Source,
    request: BrowserRequest,
    headers: HeaderMap,
    token: Option<String>,
    action: Action,
    /// Another site sent the request, and the browser kept the cookies back.
    is_forged: bool,
    is_done: bool,
    started: u64,
    sent: u64,
    was_valid: bool,
    number: u64,
    /// The session that a sign-in led to.
    signed_in: Option<PublicId>,
    presented: Vec<Key>,
    /// Of the keys that were presented, the sessions of those that were valid.
    valid: Vec<PublicId>,
}

/// An operation that can end sessions or replace keys, and how long it lasted.
struct Drastic {
    task: u64,
    to: Option<u64>,
    ids: Vec<PublicId>,
    user: Option<usize>,
}

/// What an operator ends.
#[derive(Clone, Copy, Default)]
struct Revocation {
    id: Option<PublicId>,
    user: Option<usize>,
    /// Only what was not signed in at this very moment.
    at: Option<Timestamp>,
}

/// Adds a line to the log, if there is one.
macro_rules! note {
    ($world:expr, $($text:tt)*) => {
        if $world.log.is_some() {
            let line = format!($($text)*);
            $world.write(&line);
        }
    };
}
use note;

const START: u64 = ManualClock::START.as_millis();

impl World {
    pub(crate) fn new(policy: Policy, fault: Fault, is_logged: bool) -> Self {
        let clock = ManualClock::new();
        let browser = || Browser {
            client: Client::new().with_clock(clock.clone()),
            saved: None,
            kinds: <[KindState; KINDS]>::default(),
        };
        Self {
            policy,
            fault,
            servers: Servers::new(policy, fault),
            browsers: (0..BROWSERS).map(|_| browser()).collect(),
            tasks: Vec::new(),
            answers: Vec::new(),
            ledger: Ledger::default(),
            drastic: Vec::new(),
            revoked: HashMap::new(),
            homes: HashMap::new(),
            cancelled: HashMap::new(),
            now: START,
            clock,
            step: 0,
            next_task: 0,
            next_item: 0,
            counts: Counts::default(),
            violations: Vec::new(),
            log: is_logged.then(|| format!("{policy:?}\n")),
        }
    }

    pub(crate) fn apply(&mut self, command: Command) {
        self.step += 1;
        match command {
            Command::Advance { millis, requests_first } => self.advance(millis, requests_first),
            Command::SetClock { node, ahead } => {
                self.servers.set_clock(node, ahead, self.now);
                note!(self, "the clock of node {node} is {ahead} ms ahead");
            }
            Command::Deploy { node, version } => {
                let version = self.servers.deploy(node, version, self.now);
                note!(self, "node {node} is replaced by version {version}");
            }
            Command::Send(send) => {
                let send = self.possible(send);
                let request = request_of(&self.browsers[send.browser].client, &send);
                self.send(send, request, false);
            }
            Command::Copy(send) => {
                let send = self.possible(send);
                if let Some(saved) = &self.browsers[send.browser].saved {
                    let request = request_of(saved, &send);
                    self.send(Send { fate: Fate::Lost, ..send }, request, true);
                }
            }
            Command::DoubleClick { send, second_first } => {
                self.double_click(self.possible(send), second_first);
            }
            Command::Poll { task, polls } => {
                if let Some(at) = modulo(task, self.tasks.len()) {
                    self.poll(at, polls);
                }
            }
            Command::Disconnect { task } => {
                if let Some(at) = modulo(task, self.tasks.len()) {
                    self.disconnect(at);
                }
            }
            Command::Deliver { answer } => {
                if let Some(at) = modulo(answer, self.answers.len()) {
                    let answer = self.answers.remove(at);
                    self.deliver(&answer);
                }
            }
            Command::Lose { answer } => {
                if let Some(at) = modulo(answer, self.answers.len()) {
                    let answer = self.answers.remove(at);
                    note!(self, "the answer to request {} is lost", answer.number);
                }
            }
            Command::Save { browser } => {
                let browser = &mut self.browsers[browser];
                browser.saved = Some(browser.client.clone());
            }
            Command::Crash { browser } => self.crash(browser),
            Command::Revoke { node, browser } => {
                if let Some(key) = keys_of(&self.browsers[browser].client, 0).first() {
                    let id = key.id();
                    let sessions = self.servers.node(node).shop.clone();
                    note!(self, "an operator revokes {}", self.ledger.name(id));
                    let operation = async move { sessions.revoke(id).await.map(|()| 0) };
                    self.operate(Revocation { id: Some(id), ..Revocation::default() }, operation);
                }
            }
            Command::RevokeAll { node, user } => {
                let sessions = self.servers.node(node).shop.clone();
                note!(self, "an operator revokes all sessions of {}", USERS[user]);
                let operation = async move { sessions.revoke_all(&principal(user)).await };
                self.operate(Revocation { user: Some(user), ..Revocation::default() }, operation);
            }
            Command::RevokeBefore { node, user } => {
                let sessions = self.servers.node(node).shop.clone();
                note!(self, "an operator revokes what {} signed in before now", USERS[user]);
                self.revoked.insert(user, self.now);
                let before = sessions.now();
                let operation =
                    async move { sessions.revoke_issued_before(&principal(user), before).await };
                self.operate(
                    Revocation { user: Some(user), at: Some(before), id: None },
                    operation,
                );
            }
            Command::Sweep { node } => {
                let sessions = self.servers.node(node).shop.clone();
                let operation = async move { sessions.sweep(100).await };
                self.operate(Revocation::default(), operation);
            }
        }
    }

    pub(crate) fn has_violated(&self, kind: &str) -> bool {
        self.violations.iter().any(|violated| violated == kind)
    }

    /// Lets everything that is under way come to its end.
    pub(crate) fn settle(&mut self) {
        self.drain();
        while !self.answers.is_empty() {
            let answer = self.answers.remove(0);
            self.deliver(&answer);
        }
    }

    fn advance(&mut self, millis: u64, requests_first: bool) {
        if requests_first && millis > 20_000 {
            self.drain();
        }
        self.now += millis;
        self.clock.set(Timestamp::from_millis(self.now));
        self.servers.set_time(self.now);
    }

    fn crash(&mut self, browser: usize) {
        let browser_state = &mut self.browsers[browser];
        if let Some(saved) = browser_state.saved.clone() {
            browser_state.client = saved;
            for state in &mut browser_state.kinds {
                (state.form, state.signed_in) = (None, None);
            }
            self.counts.add("crashes");
            for kind in 0..KINDS {
                let cookies = self.names(&keys_of(&self.browsers[browser].client, kind));
                note!(self, "browser {browser} crashes and restores its cookies: {cookies}");
                self.update_holds(browser, kind);
            }
        }
    }

    fn names(&self, keys: &[Key]) -> String {
        keys.iter().map(|key| self.ledger.name_key(key)).collect::<Vec<_>>().join(", ")
    }

    fn write(&mut self, line: &str) {
        let tenths = self.now.saturating_sub(START) / 100;
        if let Some(log) = &mut self.log {
            // Writing to a string does not fail.
            let _ = writeln!(log, "{:>7}.{} s  {line}", tenths / 10, tenths % 10);
        }
    }

    fn violate(&mut self, kind: impl Into<String>, detail: impl AsRef<str>) {
        let kind = kind.into();
        note!(self, "VIOLATED: {kind}: {}", detail.as_ref());
        self.violations.push(kind);
    }
}

fn modulo(number: usize, len: usize) -> Option<usize> {
    number.checked_rem(len)
}

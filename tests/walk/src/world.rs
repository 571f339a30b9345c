//! Browsers, the network between, and the handlers under way.

mod events;
mod laws;
mod network;

use std::collections::HashMap;
use std::fmt::Write as _;

use cloakroom::{Key, PublicId, Timestamp};
use cloakroom_testkit::{BrowserRequest, Client, ManualClock};
use http::{HeaderMap, Method};

use crate::command::{ALL, Action, BROWSERS, Command, Fate, Send, Source, USERS};
use crate::ledger::{Convergence, Ledger};
use crate::server::{COOKIE, Handler, Input, Servers, View, principal};

const APP: &str = "https://app.example/";
const SIBLING: &str = "https://sub.app.example/";
const OTHER: &str = "https://other.example/";
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
    servers: Servers,
    browsers: Vec<Browser>,
    tasks: Vec<Task>,
    answers: Vec<Answer>,
    ledger: Ledger,
    drastic: Vec<Drastic>,
    /// When each user's sign-ins were last revoked.
    revoked: HashMap<usize, u64>,
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
    form: Option<Form>,
    /// The session of the last answer that set a cookie, if that was a sign-in.
    signed_in: Option<PublicId>,
    /// Since which step the browser has had a valid key of a session.
    holds: HashMap<PublicId, u64>,
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
    /// One of the keys was valid when the session was opened.
    was_valid: bool,
    is_done: bool,
}

/// An answer on its way to the browser.
struct Answer {
    browser: usize,
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
    pub(crate) fn new(is_logged: bool) -> Self {
        let clock = ManualClock::new();
        let browser = || Browser {
            client: Client::new().with_clock(clock.clone()),
            saved: None,
            form: None,
            signed_in: None,
            holds: HashMap::new(),
        };
        Self {
            servers: Servers::new(),
            browsers: (0..BROWSERS).map(|_| browser()).collect(),
            tasks: Vec::new(),
            answers: Vec::new(),
            ledger: Ledger::default(),
            drastic: Vec::new(),
            revoked: HashMap::new(),
            cancelled: HashMap::new(),
            now: START,
            clock,
            step: 0,
            next_task: 0,
            next_item: 0,
            counts: Counts::default(),
            violations: Vec::new(),
            log: is_logged.then(String::new),
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
            Command::Deploy { node, with_domain } => {
                self.servers.deploy(node, with_domain);
                note!(self, "node {node} sets its cookie with a Domain: {with_domain}");
            }
            Command::Send(send) => {
                let request = request_of(&self.browsers[send.browser].client, &send);
                self.send(send, request, false);
            }
            Command::Copy(send) => {
                if let Some(saved) = &self.browsers[send.browser].saved {
                    let request = request_of(saved, &send);
                    self.send(Send { fate: Fate::Lost, ..send }, request, true);
                }
            }
            Command::DoubleClick { send, second_first } => self.double_click(send, second_first),
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
                if let Some(key) = keys_of(&self.browsers[browser].client).first() {
                    let id = key.id();
                    let sessions = self.servers.node(node).clone();
                    note!(self, "an operator revokes {}", self.ledger.name(id));
                    let operation = async move { sessions.revoke(id).await.map(|()| 0) };
                    self.operate(Revocation { id: Some(id), ..Revocation::default() }, operation);
                }
            }
            Command::RevokeAll { node, user } => {
                let sessions = self.servers.node(node).clone();
                note!(self, "an operator revokes all sessions of {}", USERS[user]);
                let operation = async move { sessions.revoke_all(&principal(user)).await };
                self.operate(Revocation { user: Some(user), ..Revocation::default() }, operation);
            }
            Command::RevokeBefore { node, user } => {
                let sessions = self.servers.node(node).clone();
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
                let sessions = self.servers.node(node).clone();
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
            (browser_state.form, browser_state.signed_in) = (None, None);
            self.counts.add("crashes");
            note!(self, "browser {browser} crashes and restores its cookies: {}", {
                self.names(&keys_of(&self.browsers[browser].client))
            });
            self.update_holds(browser);
        }
    }

    fn send(&mut self, send: Send, request: BrowserRequest, is_copy: bool) {
        let at = self.start(send, request, is_copy);
        self.poll(at, send.polls);
    }

    /// The first answer is dropped by the browser. Both requests carry the same cookies.
    fn double_click(&mut self, send: Send, second_first: bool) {
        self.counts.add("double clicks");
        let request = request_of(&self.browsers[send.browser].client, &send);
        let first = Send { fate: Fate::Lost, ..send };
        if second_first {
            let at = self.start(first, request.clone(), false);
            self.send(Send { polls: ALL, ..send }, request, false);
            if self.tasks.len() > at {
                self.poll(at, send.polls);
            }
        } else {
            self.send(first, request.clone(), false);
            self.send(send, request, false);
        }
    }

    fn start(&mut self, send: Send, request: BrowserRequest, is_copy: bool) -> usize {
        self.counts.add("requests");
        self.next_task += 1;
        self.next_item += 1;
        let keys =
            keys_in(request.headers().get("cookie").map_or("", |c| c.to_str().unwrap_or("")));
        for key in &keys {
            self.ledger.present(key, self.now);
        }
        let valid: Vec<_> =
            keys.iter().filter(|key| self.ledger.must_open(key, self.now)).cloned().collect();
        let items = keys.iter().filter_map(|key| {
            self.ledger.get(key.id()).map(|entry| (key.id(), entry.items.clone()))
        });
        let news = keys.iter().filter_map(|key| {
            self.ledger.get(key.id()).map(|entry| (key.id(), entry.news.clone()))
        });
        let form = self.browsers[send.browser].form.clone();
        let only = if let [key] = &keys[..] { Some(key) } else { None };
        let convergence =
            only.and_then(|key| self.ledger.convergence(key, send.action.user()?, self.now));
        let is_known =
            only.is_some_and(|key| self.ledger.must_open(key, self.now) || convergence.is_some());
        let task = Task {
            number: self.next_task,
            handler: Handler::new(
                self.servers.node(send.node),
                &request,
                Input {
                    action: send.action,
                    item: self.next_item,
                    token: form.as_ref().map(|form| form.token.clone()).unwrap_or_default(),
                },
            ),
            is_form_of_page: is_known && form.is_some_and(|form| form.cookies == keys) && !is_copy,
            items: items.collect(),
            news: news.collect(),
            item: self.next_item,
            send,
            request,
            valid,
            convergence,
            expected: self.browsers[send.browser].signed_in.filter(|_| !is_copy),
            signed_in: None,
            started: self.step,
            sent: self.now,
            opened: None,
            was_valid: false,
            is_done: false,
            keys,
        };
        note!(
            self,
            "request {} of browser {}{}: {:?} by {:?} to node {} with [{}]",
            task.number,
            send.browser,
            if is_copy { " (a copy)" } else { "" },
            send.action,
            send.source,
            send.node,
            self.names(&task.keys),
        );
        // A key that is no longer valid can end its session.
        if send.action.is_drastic() || task.valid.len() < task.keys.len() {
            self.drastic.push(Drastic {
                task: task.number,
                to: None,
                ids: task.keys.iter().map(Key::id).collect(),
                user: send.action.user(),
            });
        }
        self.tasks.push(task);
        self.tasks.len() - 1
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

fn keys_in(cookies: &str) -> Vec<Key> {
    let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).filter_map(|(_, value)| value.parse().ok()).collect()
}

fn keys_of(client: &Client) -> Vec<Key> {
    client.cookies_for(APP).map_or_else(Vec::new, |cookies| keys_in(cookies.to_str().unwrap_or("")))
}

/// The request that the browser sends.
fn request_of(client: &Client, send: &Send) -> BrowserRequest {
    let is_safe = send.action.is_safe();
    let method = if is_safe { Method::GET } else { Method::POST };
    let (own, sibling, other) = (client.page(APP), client.page(SIBLING), client.page(OTHER));
    match send.source {
        Source::OwnPage if is_safe => own.link(APP),
        Source::OwnPage => own.form(APP),
        Source::OwnFetch if send.action == Action::Show => own.fetch(Method::HEAD, APP),
        Source::OwnFetch => own.fetch(method, APP),
        Source::Sibling if is_safe => sibling.link(APP),
        Source::Sibling => sibling.form(APP),
        Source::Prefetch => own.prefetch(APP),
        Source::OtherLink => other.link(APP),
        Source::OtherForm => other.auto_form(APP),
        Source::OtherFrame => other.frame(APP),
        Source::OtherImage => other.image(APP),
    }
}

//! Who sends what.

use cloakroom::Key;
use cloakroom_testkit::{BrowserRequest, Client};
use http::{HeaderMap, HeaderValue, Method, header};

use super::{Drastic, Task, World, note};
use crate::command::{ALL, Action, Fate, Send, Source};
use crate::handler::{Handler, Input};
use crate::server::COOKIES;

const APP: &str = "https://app.example/";
const SIBLING: &str = "https://sub.app.example/";
const OTHER: &str = "https://other.example/";

impl World {
    /// The request, as far as the world's policy permits it.
    pub(super) fn possible(&self, mut send: Send) -> Send {
        send.kind %= self.policy.kinds;
        let has_bearer = self.browsers[send.browser].kinds[send.kind].bearer.is_some();
        match send.source {
            Source::Program if self.policy.accepts_bearer => {}
            Source::FetchWithBearer | Source::BearerAsCookie if has_bearer => {}
            source if source.is_browser() => {}
            _ => send.source = Source::OwnFetch,
        }
        if let Action::SignInBearer(user) = send.action {
            if send.source != Source::Program {
                send.action = Action::SignIn(user);
            }
        }
        send
    }

    pub(super) fn send(&mut self, send: Send, request: BrowserRequest, is_copy: bool) {
        let at = self.start(send, request, is_copy);
        self.poll(at, send.polls);
    }

    /// The first answer is dropped by the browser. Both requests carry the same cookies.
    pub(super) fn double_click(&mut self, send: Send, second_first: bool) {
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
        // A session that is about to expire counts as one that the browser does not have.
        self.update_holds(send.browser, send.kind);
        let kind = send.kind;
        let (headers, keys) = self.headers_of(&request, &send);
        for key in &keys {
            self.ledger.present(key, send.touches, self.now);
        }
        let valid: Vec<_> =
            keys.iter().filter(|key| self.ledger.must_open(key, self.now)).cloned().collect();
        let items = keys.iter().filter_map(|key| {
            self.ledger.get(key.id()).map(|entry| (key.id(), entry.items.clone()))
        });
        let news = keys.iter().filter_map(|key| {
            self.ledger.get(key.id()).map(|entry| (key.id(), entry.news.clone()))
        });
        let state = &self.browsers[send.browser].kinds[kind];
        let form = state.form.clone();
        let expected = state.signed_in.filter(|_| !is_copy && send.source.is_browser());
        let only = if let [key] = &keys[..] { Some(key) } else { None };
        let convergence =
            only.and_then(|key| self.ledger.convergence(key, send.action.user()?, self.now));
        let is_known =
            only.is_some_and(|key| self.ledger.must_open(key, self.now) || convergence.is_some());
        let task = Task {
            number: self.next_task,
            handler: Handler::new(
                self.servers.node(send.node),
                Input {
                    method: request.method().clone(),
                    headers,
                    kind,
                    action: send.action,
                    touches: send.touches,
                    item: self.next_item,
                    token: form.as_ref().map(|form| form.token.clone()).unwrap_or_default(),
                    fault: self.fault,
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
            expected,
            bearer: None,
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
            "request {} of browser {}{}: {:?}{} by {:?} to node {} with [{}]{}",
            task.number,
            send.browser,
            if is_copy { " (a copy)" } else { "" },
            send.action,
            if send.touches { "" } else { " without touch" },
            send.source,
            send.node,
            self.names(&task.keys),
            if task.is_marked() { " and the marker" } else { "" },
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

    /// What the node is sent, and the keys in it.
    fn headers_of(&self, request: &BrowserRequest, send: &Send) -> (HeaderMap, Vec<Key>) {
        let (mut headers, mut keys) = (request.headers().clone(), Vec::new());
        if send.source.is_program() {
            headers.remove(header::COOKIE);
        }
        let mut insert = |name, text| {
            headers.insert(name, HeaderValue::try_from(text).expect("a key is ASCII"));
        };
        match (send.source, &self.browsers[send.browser].kinds[send.kind].bearer) {
            (Source::BearerAsCookie, Some(key)) => {
                insert(header::COOKIE, format!("{}={}", COOKIES[send.kind], key.expose()));
            }
            (Source::Program | Source::FetchWithBearer, Some(key)) => {
                insert(header::AUTHORIZATION, format!("Bearer {}", key.expose()));
                keys.push(key.clone());
            }
            _ => {}
        }
        keys.extend(keys_in(headers.get(header::COOKIE), send.kind));
        (headers, keys)
    }
}

impl Task {
    /// True if the browser has sent the cookie that says only that it has a session.
    pub(super) fn is_marked(&self) -> bool {
        is_marked(self.request.headers().get(header::COOKIE), self.send.kind)
    }
}

fn pairs(cookies: Option<&HeaderValue>) -> impl Iterator<Item = (&str, &str)> {
    let cookies = cookies.and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
    cookies.split("; ").filter_map(|pair| pair.split_once('='))
}

fn keys_in(cookies: Option<&HeaderValue>, kind: usize) -> Vec<Key> {
    let values = pairs(cookies).filter(|(name, _)| *name == COOKIES[kind]);
    values.filter_map(|(_, value)| value.parse().ok()).collect()
}

/// The keys in the browser's cookies of this kind.
pub(super) fn keys_of(client: &Client, kind: usize) -> Vec<Key> {
    keys_in(client.cookies_for(APP).as_ref(), kind)
}

/// True if the browser has the cookie that says only that it has a session.
pub(super) fn has_marker(client: &Client, kind: usize) -> bool {
    is_marked(client.cookies_for(APP).as_ref(), kind)
}

fn is_marked(cookies: Option<&HeaderValue>, kind: usize) -> bool {
    pairs(cookies).any(|(name, _)| name.strip_suffix("-here") == Some(COOKIES[kind]))
}

/// The request that the browser sends.
pub(super) fn request_of(client: &Client, send: &Send) -> BrowserRequest {
    let is_safe = send.action.is_safe();
    let method = if is_safe { Method::GET } else { Method::POST };
    let (own, sibling, other) = (client.page(APP), client.page(SIBLING), client.page(OTHER));
    match send.source {
        Source::OwnPage if is_safe => own.link(APP),
        Source::OwnPage => own.form(APP),
        Source::OwnFetch if send.action == Action::Show => own.fetch(Method::HEAD, APP),
        Source::OwnFetch | Source::Program | Source::FetchWithBearer | Source::BearerAsCookie => {
            own.fetch(method, APP)
        }
        Source::Sibling if is_safe => sibling.link(APP),
        Source::Sibling => sibling.form(APP),
        Source::Prefetch => own.prefetch(APP),
        Source::OtherLink => other.link(APP),
        Source::OtherForm => other.auto_form(APP),
        Source::OtherFrame => other.frame(APP),
        Source::OtherImage => other.image(APP),
    }
}

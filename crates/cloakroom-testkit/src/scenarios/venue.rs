//! A server with everything that a scenario may do to it.

use std::net::SocketAddr;

use cloakroom::{Key, Sessions, Store};
use http::HeaderMap;

use super::gate::Gate;
use super::site::{Site, Visitor};
use super::wire::{Connection, Reply};
use crate::{Client, CookieSeen, FaultyStore, ManualClock, SpyStore, StepStore, cookie_of};

const URL: &str = "https://shop.example/";

/// The site on a store that is watched, halted and broken at will, and a clock that is turned by hand.
#[derive(Debug)]
pub struct Venue<S> {
    pub(super) spy: SpyStore<S>,
    pub(super) faulty: FaultyStore<SpyStore<S>>,
    pub(super) steps: StepStore<FaultyStore<SpyStore<S>>>,
    pub(super) clock: ManualClock,
    pub(super) gate: Gate,
    pub(super) site: Site,
}

impl<S: Store> Venue<S> {
    /// Opens the site: `serve` starts the server.
    pub fn open(store: S, serve: impl FnOnce(Sessions<Visitor>, Gate) -> Site) -> Self {
        let (clock, gate) = (ManualClock::new(), Gate::default());
        let spy = SpyStore::new(store);
        let faulty = FaultyStore::new(spy.clone());
        let steps = StepStore::new(faulty.clone());
        let builder = Sessions::builder(steps.clone()).clock(clock.clone());
        let sessions = builder.build().expect("the policy is sound");
        let site = serve(sessions, gate.clone());
        Self { spy, faulty, steps, clock, gate, site }
    }

    /// Somebody who was never here.
    pub(super) fn browser(&self) -> Browser {
        Browser { address: self.site.address, jar: Client::new(), connection: None, closes: false }
    }

    /// Somebody who was counted once.
    pub(super) fn visitor(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.post("/count").body, "1");
        browser
    }
}

/// A browser, with its cookies and the connection that it keeps.
#[derive(Debug)]
pub(super) struct Browser {
    address: SocketAddr,
    jar: Client,
    connection: Option<Connection>,
    closes: bool,
}

/// Another tab of the same browser: the cookies as they are now, and a connection of its own for each request. Servers of threads
/// may have no more of them than some connections keep busy.
impl Clone for Browser {
    fn clone(&self) -> Self {
        Self { address: self.address, jar: self.jar.clone(), connection: None, closes: true }
    }
}

impl Browser {
    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[]).expect("an answer")
    }

    pub(super) fn post(&mut self, path: &str) -> Reply {
        self.request("POST", path, &[]).expect("an answer")
    }

    /// A page that the visitor navigates to.
    pub(super) fn navigate(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[("sec-fetch-mode", b"navigate")]).expect("an answer")
    }

    /// Sends a request and leaves the answer to whoever reads from the connection.
    pub(super) fn begin(&self, method: &str, path: &str) -> Connection {
        let mut connection = Connection::to(self.address);
        self.send(&mut connection, method, path, &[]);
        connection
    }

    /// Sends a request; `None` if the server closed the connection without an answer.
    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &[u8])],
    ) -> Option<Reply> {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let mut connection = kept.unwrap_or_else(|| Connection::to(self.address));
        self.send(&mut connection, method, path, more);
        let mut reply = connection.reply();
        if reply.is_none() && was_kept {
            // A server may close a connection that nobody used.
            connection = Connection::to(self.address);
            self.send(&mut connection, method, path, more);
            reply = connection.reply();
        }
        let reply = reply?;
        reply.check_manners();
        self.take(&reply.headers);
        let ends = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
        let closes = self.closes || reply.headers.get("connection").is_some_and(ends);
        self.connection = Some(connection).filter(|_| !closes);
        Some(reply)
    }

    /// The same with a cookie header of the test's own, beside the browser's.
    pub(super) fn with_cookie(&self, path: &str, cookie: &[u8]) -> Option<Reply> {
        let mut other = self.clone();
        other.jar = Client::new();
        other.request("POST", path, &[("cookie", cookie)])
    }

    /// Keeps what a response sets, as a browser does.
    pub(super) fn take(&mut self, headers: &HeaderMap) {
        self.jar.absorb(URL, headers);
    }

    /// The cookie header that the browser sends.
    pub(super) fn cookie(&self) -> Option<String> {
        self.jar.cookies_for(URL).map(|cookies| cookies.to_str().expect("text").to_owned())
    }

    pub(super) fn key(&self) -> Key {
        let cookie = self.cookie().expect("the browser has a cookie");
        cookie.split_once('=').expect("a pair").1.parse().expect("a key")
    }

    fn send(&self, connection: &mut Connection, method: &str, path: &str, more: &[(&str, &[u8])]) {
        let cookie = self.cookie();
        let mut headers: Vec<(&str, &[u8])> = more.to_vec();
        headers.extend(cookie.as_ref().map(|cookie| ("cookie", cookie.as_bytes())));
        headers.extend(self.closes.then_some(("connection", b"close" as &[u8])));
        connection.send(method, path, &headers);
    }
}

impl Reply {
    /// What the response does to the cookie.
    pub(super) fn seen(&self) -> CookieSeen {
        cookie_of(&self.headers)
    }

    pub(super) fn has(&self, header: &str) -> bool {
        self.headers.contains_key(header)
    }

    /// True if the answer has this status, says nothing more and leaves the cookie alone.
    pub(super) fn is_bare(&self, status: u16) -> bool {
        self.status.as_u16() == status && self.body.is_empty() && self.seen() == CookieSeen::None
    }

    /// What the integration owes on every route: a cookie is sent to no cache and to whoever's cookie it depends on, and an
    /// error tells the client nothing but when to come back.
    fn check_manners(&self) {
        let lines =
            |name| self.headers.get_all(name).iter().map(|value| value.to_str().expect("text"));
        let cookies = lines("set-cookie").count();
        let no_store = lines("cache-control").filter(|value| *value == "no-store").count();
        let varies = lines("vary")
            .flat_map(|line| line.split(','))
            .filter(|name| name.trim() == "cookie")
            .count();
        assert!(cookies <= 1 && no_store == cookies && (cookies..=1).contains(&varies), "{self:?}");
        // What a handler says of a failure of its own is its own.
        assert!(matches!(self.status.as_u16(), ..400 | 500) || self.body.is_empty(), "{self:?}");
        assert_eq!(self.status.as_u16() == 503, self.has("retry-after"), "{self:?}");
    }
}

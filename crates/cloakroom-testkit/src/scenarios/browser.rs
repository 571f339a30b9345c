//! A browser on raw connections.

use std::net::SocketAddr;

use cloakroom::Key;
use http::HeaderMap;

use super::connection::{Connection, Reply};
use crate::{Client, CookieSeen, cookie_of};

const URL: &str = "https://shop.example/";

/// A browser: its cookies, and the connection it keeps open.
#[derive(Debug)]
pub(super) struct Browser {
    address: SocketAddr,
    jar: Client,
    connection: Option<Connection>,
    /// Whether each request closes its connection.
    closes: bool,
}

/// Another tab, with the cookies as they are now and a new connection for each request: a server
/// with a thread per connection can have too few threads for connections that are kept open.
impl Clone for Browser {
    fn clone(&self) -> Self {
        Self { address: self.address, jar: self.jar.clone(), connection: None, closes: true }
    }
}

impl Browser {
    /// A browser without cookies.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, jar: Client::new(), connection: None, closes: false }
    }

    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[]).expect("a response")
    }

    pub(super) fn post(&mut self, path: &str) -> Reply {
        self.request("POST", path, &[]).expect("a response")
    }

    /// A GET request for a page that the visitor navigates to.
    pub(super) fn navigate(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[("sec-fetch-mode", b"navigate")]).expect("a response")
    }

    /// Sends a request and returns the connection to read the response from.
    pub(super) fn begin(&self, method: &str, path: &str) -> Connection {
        let mut connection = Connection::open(self.address);
        self.send(&mut connection, method, path, &[]);
        connection
    }

    /// Sends a request; `None` if the server closed the connection without a response.
    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &[u8])],
    ) -> Option<Reply> {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let mut connection = kept.unwrap_or_else(|| Connection::open(self.address));
        self.send(&mut connection, method, path, more);
        let mut reply = connection.reply();
        if reply.is_none() && was_kept {
            // The server may have closed an idle connection.
            connection = Connection::open(self.address);
            self.send(&mut connection, method, path, more);
            reply = connection.reply();
        }
        let reply = reply?;
        reply.assert_valid();
        self.take(&reply.headers);
        let ends = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
        let closes = self.closes || reply.headers.get("connection").is_some_and(ends);
        self.connection = Some(connection).filter(|_| !closes);
        Some(reply)
    }

    /// A POST request with this cookie header in place of the browser's own.
    pub(super) fn with_cookie(&self, path: &str, cookie: &[u8]) -> Option<Reply> {
        let mut other = self.clone();
        other.jar = Client::new();
        other.request("POST", path, &[("cookie", cookie)])
    }

    /// Keeps the cookies that a response sets.
    pub(super) fn take(&mut self, headers: &HeaderMap) {
        self.jar.absorb(URL, headers);
    }

    /// The `Cookie` header that the browser sends.
    pub(super) fn cookie(&self) -> Option<String> {
        self.jar.cookies_for(URL).map(|cookies| cookies.to_str().expect("ASCII").to_owned())
    }

    /// The key in the browser's cookie.
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
    /// What the response does to the session cookie.
    pub(super) fn seen(&self) -> CookieSeen {
        cookie_of(&self.headers)
    }

    pub(super) fn has(&self, header: &str) -> bool {
        self.headers.contains_key(header)
    }

    /// True if the response has this status, an empty body and no session cookie.
    pub(super) fn is_bare(&self, status: u16) -> bool {
        self.status.as_u16() == status && self.body.is_empty() && self.seen() == CookieSeen::None
    }

    /// Panics unless the response keeps the rules of every route.
    ///
    /// A session cookie comes once, with `no-store` and `Vary: cookie`; an error has an empty body,
    /// and a 503 has `Retry-After`.
    fn assert_valid(&self) {
        let lines =
            |name| self.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII"));
        let cookies = lines("set-cookie").count();
        let no_store = lines("cache-control").filter(|value| *value == "no-store").count();
        let varies = lines("vary")
            .flat_map(|line| line.split(','))
            .filter(|name| name.trim() == "cookie")
            .count();
        assert!(cookies <= 1 && no_store == cookies && (cookies..=1).contains(&varies), "{self:?}");
        // A 500 is the handler's own and may have a body.
        assert!(matches!(self.status.as_u16(), ..400 | 500) || self.body.is_empty(), "{self:?}");
        assert_eq!(self.status.as_u16() == 503, self.has("retry-after"), "{self:?}");
    }
}

//! A visitor with cookies, just enough to use an example.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an example may take to answer before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Visitor {
    port: u16,
    cookies: BTreeMap<String, String>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Visitor {
    pub(super) fn at(port: u16) -> Self {
        Self { port, cookies: BTreeMap::new() }
    }

    /// The same visitor at the same site, which moved.
    pub(super) fn moved_to(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    pub(super) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// A form, already encoded.
    pub(super) fn post(&mut self, path: &str, form: &str) -> Result<Answer, String> {
        let kind = "content-type: application/x-www-form-urlencoded";
        self.send(&format!("POST {path} HTTP/1.1\r\n{kind}\r\ncontent-length: {}\r\n", form.len()), form)
    }

    fn send(&mut self, begins: &str, body: &str) -> Result<Answer, String> {
        let mut connection = self.connect()?;
        let head = format!("{begins}connection: close\r\n{}\r\n", self.headers());
        connection.write_all((head + body).as_bytes()).map_err(text)?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).map_err(text)?;
        let answer = String::from_utf8(answer).map_err(text)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no head")?;
        self.keep(head);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
        Ok(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
    }

    /// Opens a WebSocket and leaves it to the caller.
    pub(super) fn upgrade(&self, path: &str, origin: &str) -> Result<TcpStream, String> {
        let mut connection = self.connect()?;
        let socket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                      sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let origin = format!("origin: {origin}\r\n");
        let head = format!("GET {path} HTTP/1.1\r\n{socket}{origin}{}\r\n", self.headers());
        connection.write_all(head.as_bytes()).map_err(text)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).map_err(text)?;
            answer.extend(byte);
        }
        if answer.starts_with(b"HTTP/1.1 101") {
            return Ok(connection);
        }
        Err(format!("no WebSocket: {}", String::from_utf8_lossy(&answer)))
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).map_err(text)?;
        connection.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        Ok(connection)
    }

    fn headers(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie =
            if pairs.is_empty() { String::new() } else { format!("cookie: {}\r\n", pairs.join("; ")) };
        format!("host: localhost\r\n{cookie}")
    }

    fn keep(&mut self, head: &str) {
        for line in head.lines() {
            let Some((header, cookie)) = line.split_once(": ") else { continue };
            let Some((name, rest)) = cookie.split_once('=') else { continue };
            if !header.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            match rest.split(';').next().unwrap_or_default() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

impl Answer {
    /// An error unless the page says this.
    pub(super) fn says(self, expected: &str) -> Result<Self, String> {
        if self.body.contains(expected) {
            return Ok(self);
        }
        Err(format!("expected `{expected}`, but it says {} `{}`", self.status, self.body))
    }

    /// An error unless this is the status.
    pub(super) fn is(self, status: u16) -> Result<Self, String> {
        if self.status == status { Ok(self) } else { Err(format!("expected {status}, not {}", self.status)) }
    }

    /// What stands in the page between two texts, first.
    pub(super) fn between(&self, before: &str, after: &str) -> Result<&str, String> {
        let found = self.body.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        found
            .map(|(between, _)| between)
            .ok_or_else(|| format!("nothing after `{before}` in `{}`", self.body))
    }
}

pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

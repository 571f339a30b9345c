//! For the tests of the examples: an example that runs, and a browser's part in using it.
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "a helper of tests, which panic when they cannot go on"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long an example can take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An example that runs in a directory of its own, until it is dropped.
pub struct Example {
    program: &'static str,
    place: TempDir,
    process: Child,
    port: u16,
}

impl Example {
    /// Starts the program `env!("CARGO_BIN_EXE_..")` on a free port.
    pub fn start(program: &'static str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (process, port) = launch(program, place.path());
        Self { program, place, process, port }
    }

    /// Kills the program, and starts it again in the same directory.
    pub fn restart(&mut self) {
        self.stop();
        (self.process, self.port) = launch(self.program, self.place.path());
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A browser that has no cookies yet.
    pub fn browser(&self) -> Browser {
        Browser { port: self.port, cookies: BTreeMap::new() }
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a program, which prints its address.
fn launch(program: &str, place: &Path) -> (Child, u16) {
    let mut command = Command::new(program);
    command.env("PORT", "0").current_dir(place).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let port = address.trim().rsplit(':').next().and_then(|port| port.parse().ok());
    (process, port.unwrap_or_else(|| panic!("`{address}` is not an address")))
}

/// Sends requests with the cookies that it was given.
#[derive(Clone)]
pub struct Browser {
    port: u16,
    cookies: BTreeMap<String, String>,
}

/// A response. The head is in lower case.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Browser {
    /// Follows the example to another port.
    pub fn move_to(&mut self, port: u16) {
        self.port = port;
    }

    pub fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// Sends a form, already encoded; returns the status.
    pub fn post(&mut self, path: &str, form: &str) -> u16 {
        self.submit(path, form).status
    }

    /// Sends a form, already encoded.
    pub fn submit(&mut self, path: &str, form: &str) -> Answer {
        self.submit_with("", path, form)
    }

    /// The same from a page of another site (`cross-site`), of a sibling host (`same-site`) or of
    /// the example itself (`same-origin`); returns the status.
    pub fn post_from(&mut self, site: &str, path: &str, form: &str) -> u16 {
        let site = format!("sec-fetch-site: {site}\r\n");
        self.submit_with(&site, path, form).status
    }

    fn submit_with(&mut self, header: &str, path: &str, form: &str) -> Answer {
        let encoding = "content-type: application/x-www-form-urlencoded";
        let length = form.len();
        let head =
            format!("POST {path} HTTP/1.1\r\n{encoding}\r\ncontent-length: {length}\r\n{header}");
        self.send(&head, form)
    }

    fn send(&mut self, head: &str, body: &str) -> Answer {
        let mut connection = self.connect();
        let headers = self.headers();
        write!(connection, "{head}connection: close\r\n{headers}\r\n{body}").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        self.keep_cookies(head);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Opens a WebSocket, if the example agrees.
    pub fn upgrade(&self, path: &str, origin: &str) -> Option<TcpStream> {
        let mut connection = self.connect();
        let socket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                      sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let headers = self.headers();
        let head = format!("GET {path} HTTP/1.1\r\n{socket}origin: {origin}\r\n{headers}\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        answer.starts_with(b"HTTP/1.1 101").then_some(connection)
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.set_read_timeout(Some(TIMEOUT)).unwrap();
        connection
    }

    fn headers(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let pairs = pairs.collect::<Vec<_>>().join("; ");
        let cookie = if pairs.is_empty() { pairs } else { format!("cookie: {pairs}\r\n") };
        format!("host: localhost\r\n{cookie}")
    }

    fn keep_cookies(&mut self, head: &str) {
        for line in head.lines() {
            let Some((header, cookie)) = line.split_once(": ") else { continue };
            if !header.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            let (name, rest) = cookie.split_once('=').unwrap();
            match rest.split(';').next().unwrap_or_default() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

impl Answer {
    /// Panics unless the page says this.
    pub fn says(self, expected: &str) -> Self {
        assert!(self.body.contains(expected), "no `{expected}` in {} `{}`", self.status, self.body);
        self
    }

    /// The value of the first header of this name, in lower case as the head is.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The first text in the page between two others.
    pub fn between(&self, before: &str, after: &str) -> &str {
        let found = self.body.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        found.unwrap_or_else(|| panic!("nothing after `{before}` in `{}`", self.body)).0
    }
}

/// Panics unless this example counts two visitors apart, and forbids caches to keep their cookies.
pub fn counts_visitors_apart(program: &'static str) {
    let example = Example::start(program);
    let (mut one, mut other) = (example.browser(), example.browser());
    let first = one.get("/").says("Visit number 1");
    for header in ["vary: cookie", "cache-control: no-store", "set-cookie: __host-id="] {
        assert!(first.head.contains(header), "no `{header}` in `{}`", first.head);
    }
    one.get("/").says("Visit number 2");
    other.get("/").says("Visit number 1");
    one.get("/").says("Visit number 3");
}

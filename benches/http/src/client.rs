//! A browser, as far as sessions need one: GET on one connection that is kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::Failure;
use crate::case::COOKIE_NAME;

/// A connection to a server on this machine.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The session cookie's new value, if it sends one.
    pub(crate) key: Option<String>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for `path`, with this `Cookie` header.
    pub(crate) fn get(&mut self, path: &str, cookies: Option<&str>) -> Result<Answer, Failure> {
        let cookies = cookies.map_or_else(String::new, |cookies| format!("Cookie: {cookies}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookies}\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;

        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err("the server hung up".into());
            }
        }
        let (mut answer, length) = parse(&head)?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        answer.body = String::from_utf8(body)?;
        Ok(answer)
    }
}

/// A response's head, and how long its body is. No server here sends it in chunks.
fn parse(head: &str) -> Result<(Answer, usize), Failure> {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("no status")?.parse()?;
    let mut answer = Answer { status, key: None, body: String::new() };
    let mut length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse()?);
        } else if name.eq_ignore_ascii_case("set-cookie") {
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            // Other cookies are no business of ours: axum_session removes a second one with every answer.
            answer.key = pair
                .filter(|(name, key)| *name == COOKIE_NAME && !key.is_empty())
                .map(|(_, key)| key.to_owned())
                .or(answer.key);
        }
    }
    Ok((answer, length.ok_or("no length")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_tells_its_status_its_length_and_the_new_key() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nset-cookie: store=; Max-Age=0\r\n\
                    Set-Cookie: __Host-id=s%3Aabc; Path=/; HttpOnly\r\n\r\n";
        let (answer, length) = parse(head).unwrap();
        assert_eq!((answer.status, answer.key.as_deref(), length), (200, Some("s%3Aabc"), 7));
    }

    #[test]
    fn a_cookie_that_is_removed_is_no_new_key() {
        let head =
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nset-cookie: __Host-id=; Max-Age=0\r\n\r\n";
        let (answer, _) = parse(head).unwrap();
        assert_eq!((answer.status, answer.key), (401, None));
    }

    #[test]
    fn a_response_without_a_length_is_refused() {
        assert!(parse("HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

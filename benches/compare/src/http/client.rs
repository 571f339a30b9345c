//! A client with one connection, to verify servers and to begin their sessions.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use cloakroom_bench::Failure;
use cloakroom_bench::overhead::answer::{Answer, Ask, Asking};
use http::HeaderValue;

#[derive(Debug)]
pub(super) struct Client(RefCell<BufReader<TcpStream>>);

impl Client {
    pub(super) fn new(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self(RefCell::new(BufReader::new(stream))))
    }

    fn get(&self, path: &str, cookies: Option<&HeaderValue>) -> Result<Answer, Failure> {
        let mut stream = self.0.borrow_mut();
        let cookies = cookies.map(HeaderValue::to_str).transpose()?;
        let cookies = cookies.map_or_else(String::new, |text| format!("Cookie: {text}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookies}\r\n");
        stream.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        let mut body = vec![0; content_length(&head)?];
        stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).ok_or("a response has no status")?.parse()?;
        let headers = headers(&head).map(|(name, value)| (name, value.as_bytes()));
        Answer::new(status, headers, &body)
    }
}

impl Ask for Client {
    /// Blocks: nothing else runs while servers are verified.
    fn ask(&self, path: &'static str, cookies: Option<&HeaderValue>) -> Asking<'_> {
        let answer = self.get(path, cookies);
        Box::pin(async { answer })
    }
}

fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(": "))
}

/// The length of the body; no server here sends it in chunks.
fn content_length(head: &str) -> Result<usize, Failure> {
    let length = headers(head).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Ok(length.ok_or("a response has no length")?.1.parse()?)
}

#[cfg(test)]
mod tests {
    use super::content_length;

    #[test]
    fn a_response_without_a_length_is_refused() {
        assert_eq!(content_length("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n").unwrap(), 7);
        assert!(content_length("HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

//! HTTP/1.1 as bytes on a connection: just enough to say what a browser says, and what an attacker does.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::watched::PATIENCE;

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Connection {
    pub(super) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        stream.set_nodelay(true).expect("a socket has options");
        Self { stream, read: Vec::new() }
    }

    /// Sends a request without a body; header lines are sent as they are.
    pub(super) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &[u8])]) {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 0\r\n")
                .into_bytes();
        for (name, value) in headers {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        // Who refuses a request may close before all of it has arrived.
        let _ = self.stream.write_all(&request);
    }

    /// The whole answer; `None` if the server closed the connection without one.
    pub(super) fn reply(&mut self) -> Option<Reply> {
        let (status, headers) = self.head()?;
        let mut body = Vec::new();
        if let Some(length) = headers.get(header::CONTENT_LENGTH) {
            let length: usize = length.to_str().unwrap().parse().expect("a length is a number");
            while self.read.len() < length && self.more() {}
            body = self.read.drain(..length.min(self.read.len())).collect();
        } else if headers.contains_key(header::TRANSFER_ENCODING) {
            while let Some(chunk) = self.chunk() {
                body.extend(chunk.into_bytes());
            }
        }
        Some(Reply { status, headers, body: String::from_utf8(body).expect("a body is text") })
    }

    /// The head of an answer whose body is still on its way.
    pub(super) fn head(&mut self) -> Option<(StatusCode, HeaderMap)> {
        loop {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut slots);
            if let httparse::Status::Complete(length) =
                head.parse(&self.read).expect("a server speaks HTTP")
            {
                let status = StatusCode::from_u16(head.code.unwrap()).expect("a status");
                let mut headers = HeaderMap::new();
                for line in &*head.headers {
                    let name: HeaderName = line.name.parse().expect("a header name");
                    headers
                        .append(name, HeaderValue::from_bytes(line.value).expect("a header value"));
                }
                self.read.drain(..length);
                return Some((status, headers));
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// The next piece of a body that is sent in chunks; `None` at its end.
    pub(super) fn chunk(&mut self) -> Option<String> {
        let (start, length) = loop {
            match httparse::parse_chunk_size(&self.read).expect("a chunk has a size") {
                httparse::Status::Complete((start, length)) => {
                    break (start, usize::try_from(length).unwrap());
                }
                httparse::Status::Partial if self.more() => {}
                httparse::Status::Partial => return None,
            }
        };
        while self.read.len() < start + length + 2 && self.more() {}
        let chunk: Vec<u8> = self.read.drain(..start + length + 2).collect();
        let text =
            String::from_utf8(chunk[start..start + length].to_vec()).expect("a body is text");
        (length > 0).then_some(text)
    }

    /// Reads some more; false at the end.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend(&bytes[..count]);
                true
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) =>
            {
                false
            }
            Err(error) => panic!("the server is silent: {error}"),
        }
    }
}

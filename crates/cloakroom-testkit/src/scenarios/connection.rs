//! A minimal HTTP/1.1 client that sends bytes as they are, also those that no browser sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::monitor::TIMEOUT;

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A response with its whole body.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a socket accepts a timeout");
        stream.set_nodelay(true).expect("a socket accepts options");
        Self { stream, read: Vec::new() }
    }

    /// Sends a request without a body, with these header lines as they are.
    pub(super) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &[u8])]) {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 0\r\n")
                .into_bytes();
        for (name, value) in headers {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        // A server that refuses a request may close the connection before it has read all of it.
        let _ = self.stream.write_all(&request);
    }

    /// Reads a whole response; `None` if the server closed the connection without one.
    pub(super) fn reply(&mut self) -> Option<Reply> {
        let (status, headers) = self.head()?;
        let mut body = Vec::new();
        if let Some(length) = headers.get(header::CONTENT_LENGTH) {
            let length: usize =
                length.to_str().unwrap().parse().expect("Content-Length is a number");
            while self.read.len() < length && self.more() {}
            body = self.read.drain(..length.min(self.read.len())).collect();
        } else if headers.contains_key(header::TRANSFER_ENCODING) {
            while let Some(chunk) = self.chunk() {
                body.extend(chunk.into_bytes());
            }
        }
        Some(Reply { status, headers, body: String::from_utf8(body).expect("the body is UTF-8") })
    }

    /// Reads status and headers, and leaves the body to [`chunk`](Self::chunk).
    pub(super) fn head(&mut self) -> Option<(StatusCode, HeaderMap)> {
        loop {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut slots);
            if let httparse::Status::Complete(length) =
                head.parse(&self.read).expect("the server speaks HTTP/1.1")
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

    /// Reads the next chunk of the body; `None` at its end.
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
            String::from_utf8(chunk[start..start + length].to_vec()).expect("the body is UTF-8");
        (length > 0).then_some(text)
    }

    /// Reads more bytes; false at the end of the connection.
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
            Err(error) => panic!("the server does not respond: {error}"),
        }
    }
}

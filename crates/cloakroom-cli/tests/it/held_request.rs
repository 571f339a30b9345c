//! A request whose handler waits for the body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct HeldRequest {
    stream: TcpStream,
    response: BufReader<TcpStream>,
    body: &'static str,
}

impl HeldRequest {
    /// Posts JSON without sending the body; returns once a handler waits for it.
    pub(crate) fn post(address: SocketAddr, path: &str, cookie: &str, body: &'static str) -> Self {
        let mut stream = TcpStream::connect(address).expect("connected");
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("head sent");
        let mut response = BufReader::new(stream.try_clone().expect("second handle"));
        let mut lines = [String::new(), String::new()];
        for line in &mut lines {
            response.read_line(line).expect("line");
        }
        // The server sends this when the handler asks for the body, not before.
        assert_eq!(lines, ["HTTP/1.1 100 Continue\r\n", "\r\n"]);
        Self { stream, response, body }
    }

    /// Sends the body, and returns the whole response.
    pub(crate) fn release(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).expect("body sent");
        let mut response = String::new();
        self.response.read_to_string(&mut response).expect("response in UTF-8");
        response
    }
}

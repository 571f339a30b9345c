//! A request held in mid-air: its handler runs and waits for the body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct HeldRequest {
    stream: TcpStream,
    answer: BufReader<TcpStream>,
    body: &'static str,
}

impl HeldRequest {
    /// Posts JSON but its body; returns once a handler waits for that.
    pub(crate) fn post(address: SocketAddr, path: &str, cookie: &str, body: &'static str) -> Self {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut lines = [String::new(), String::new()];
        for line in &mut lines {
            answer.read_line(line).expect("a line");
        }
        // The server says so when the handler asks for the body, and not before.
        assert_eq!(lines, ["HTTP/1.1 100 Continue\r\n", "\r\n"]);
        Self { stream, answer, body }
    }

    /// Lets it go on; the whole answer.
    pub(crate) fn release(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).expect("sent");
        let mut whole = String::new();
        self.answer.read_to_string(&mut whole).expect("text, then the end");
        whole
    }
}

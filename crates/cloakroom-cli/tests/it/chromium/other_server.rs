//! Another server on this machine, which records what a browser sends it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

/// Answers one request.
pub(crate) struct OtherServer {
    pub(crate) port: u16,
    recording: JoinHandle<String>,
}

impl OtherServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("free port");
        let port = listener.local_addr().expect("address").port();
        let recording = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("connection");
            let lines = BufReader::new(stream.try_clone().expect("second handle")).lines();
            let head: Vec<String> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).expect("answered");
            head.join("\n").to_lowercase()
        });
        Self { port, recording }
    }

    /// The head of the request in lower case, once it has come.
    pub(crate) fn request(self) -> String {
        self.recording.join().expect("recorded")
    }
}

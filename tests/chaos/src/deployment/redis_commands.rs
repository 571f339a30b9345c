//! What is asked of a Redis or a sentinel of which only the port is known.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;

/// Sends a command; the whole answer, or nothing if there is none.
pub(super) fn ask(port: u16, command: &str) -> String {
    let answer = || -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        // The server closes the connection once it has answered.
        stream.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    answer().unwrap_or_default()
}

/// The process of a server.
pub(super) fn process_of(port: u16) -> Result<Pid, Failure> {
    let info = ask(port, "INFO server");
    let number = info.lines().find_map(|line| line.strip_prefix("process_id:")?.parse().ok());
    number.and_then(Pid::from_raw).ok_or_else(|| "a server does not tell its process".into())
}

/// Sends a signal to the process of a server. One that has ended needs none.
pub(super) fn signal(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}

//! A server's process: started, signalled, and ended whatever becomes of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A child that ends with this process, even if that is killed: a shell between them waits for our end of its input.
#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
    pid: u32,
}

impl Process {
    /// Starts `command`, a program and its arguments. The directory `place` goes with this process, unless this is dropped.
    pub(super) fn start(command: &[String], place: &Path) -> Self {
        // The shell starts the server and tells its number. When its input ends or says something, it ends the server.
        const GUARD: &str = r#"place=$1; shift; "$@" >/dev/null 2>&1 </dev/null & pid=$!; echo $pid
            read -r said; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null; [ "$said" = keep ] || rm -rf "$place""#;
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(place)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell to start a server with");
        let mut line = String::new();
        let output = shell.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let pid = line.trim().parse().expect("the number of the server's process");
        Self { shell, pid }
    }

    pub(super) fn signal(&self, signal: &str) {
        let _ = Command::new("kill").args([signal, &self.pid.to_string()]).stderr(Stdio::null()).status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut guard) = self.shell.stdin.take() {
            let _ = guard.write_all(b"keep\n");
        }
        let _ = self.shell.wait();
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

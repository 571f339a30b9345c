//! The process of a server.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A child process that ends with this one, even if this one is killed.
///
/// A shell between the two reads from a pipe, and kills the child when the pipe is closed.
#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
    pid: u32,
}

impl Process {
    /// Starts `command`, a program with its arguments.
    ///
    /// The shell removes `directory` if this process ends without dropping the value.
    pub(super) fn start(command: &[String], directory: &Path) -> Self {
        // The shell starts the server, prints its process id, and kills it at the end of a line or
        // of its input.
        const GUARD: &str = r#"
            directory=$1; shift
            "$@" >/dev/null 2>&1 </dev/null & pid=$!
            echo $pid
            read -r said
            kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
            [ "$said" = keep ] || rm -rf "$directory"
        "#;
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(directory)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let output = shell.stdout.take().expect("its stdout");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let pid = line.trim().parse().expect("a process id");
        Self { shell, pid }
    }

    pub(super) fn signal(&self, signal: &str) {
        Self::signal_pid(signal, self.pid);
    }

    /// Sends a signal to any process.
    pub(super) fn signal_pid(signal: &str, pid: u32) {
        let _ =
            Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
    }

    /// True if it has not ended.
    pub(super) fn is_running(&self) -> bool {
        // A process that has ended stays in the table as a zombie until the shell waits for it.
        let state = Command::new("ps").args(["-o", "stat=", "-p", &self.pid.to_string()]).output();
        state.is_ok_and(|state| state.stdout.first().is_some_and(|state| *state != b'Z'))
    }

    /// The ids of its child processes.
    pub(super) fn children(&self) -> Vec<u32> {
        let listed =
            Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("the output of ps");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let pairs = listed.lines().filter_map(|line| {
            let (pid, parent) = line.trim().split_once(' ')?;
            Some((pid.parse().ok()?, parent.trim().parse::<u32>().ok()?))
        });
        pairs.filter(|(_, parent)| *parent == self.pid).map(|(pid, _)| pid).collect()
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
///
/// So was the port 10,000 above it, on which nodes of a cluster talk to each other. Both are below
/// the range that Linux takes the ports of clients from: while a server is down, no client that
/// tries to reach it can be given its port, and connect to itself.
pub(super) fn free_port() -> u16 {
    const PORTS: u64 = 12_000;
    loop {
        let random = RandomState::new().build_hasher().finish() % PORTS;
        let port = 10_000 + u16::try_from(random).expect("less than 12,000");
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
}

/// Sends a command to a Redis; the first bytes of its answer.
pub(super) fn send_command(port: u16, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a process of which only its port is known"
)]
pub(super) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

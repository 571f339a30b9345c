//! A server's process: started, signalled, and ended whatever becomes of the test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A child that ends with this process, even if that is killed: a shell between them waits for our end of its input.
#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
    pid: u32,
}

impl Process {
    /// Starts `command`, a program and its arguments. The directory `directory` goes with this process, unless this is dropped.
    pub(super) fn start(command: &[String], directory: &Path) -> Self {
        // The shell starts the server and tells its number. When its input ends or says something, it ends the server.
        const GUARD: &str = r#"directory=$1; shift; "$@" >/dev/null 2>&1 </dev/null & pid=$!; echo $pid
            read -r said; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null; [ "$said" = keep ] || rm -rf "$directory""#;
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(directory)
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
        Self::tell(signal, self.pid);
    }

    /// Signals any process.
    pub(super) fn tell(signal: &str, pid: u32) {
        let _ =
            Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
    }

    /// Whether it has not ended yet.
    pub(super) fn lives(&self) -> bool {
        // What has ended stays in the table until the guard has waited for it, which it does last.
        let state = Command::new("ps").args(["-o", "stat=", "-p", &self.pid.to_string()]).output();
        state.is_ok_and(|state| state.stdout.first().is_some_and(|state| *state != b'Z'))
    }

    /// The processes that it started.
    pub(super) fn children(&self) -> Vec<u32> {
        let listed = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output()
            .expect("a list of processes");
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

/// A port that was free a moment ago, as is, most likely, the one that a cluster's servers talk to each other on: 10,000 further.
pub(super) fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

/// Says something to a Redis; the beginning of its answer.
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
    reason = "waits for a process, of which nothing but its port is known"
)]
pub(super) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

//! A process that serves sessions: the parent's side.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Process, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::hub::Hub;
use crate::node::Settings;
use crate::time::{now, pause};

/// The word with which this program is told to be a child.
pub(crate) const NODE: &str = "node";

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    pub(crate) node: u32,
}

impl Child {
    /// Starts a process as number `place` of the hub, and returns once it serves or after 30 s.
    pub(crate) fn start(
        settings: &Settings,
        place: usize,
        hub: &Arc<Hub>,
    ) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(NODE)
            .args(settings.to_words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (lines, written) = channel::<String>();
        let mut input = process.stdin.take().ok_or("a child has no input")?;
        let output = process.stdout.take().ok_or("a child has no output")?;
        // A process that is stopped reads nothing, and must not hold up the others.
        thread::spawn(move || {
            while let Ok(line) = written.recv() {
                if writeln!(input, "{line}").is_err() {
                    return;
                }
            }
        });
        let (ready, is_ready) = channel();
        let heard = Arc::clone(hub);
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if line == "ready" {
                    // The parent may have given up waiting.
                    let _ = ready.send(());
                } else {
                    // A line that was cut off by a kill names no key.
                    let _ = heard.hear(place, &line);
                }
            }
        });
        hub.join(place, lines);
        let child = Self { process, node: settings.node };
        is_ready
            .recv_timeout(Duration::from_secs(30))
            .map_err(|_| format!("process {} does not open the store", settings.node))?;
        Ok(child)
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended by itself, which `stop` reports.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGSTOP.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended needs no signal.
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }

    /// Waits until it has answered all its clients.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let began = now();
        loop {
            match self.process.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("process {}: {status}", self.node).into()),
                None if now() - began > 60_000_000 => {
                    return Err(format!("process {} leaves a client waiting", self.node).into());
                }
                None => pause(10),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

//! A server's process that has been verified, and wrk's script for it.

use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_bench::Failure;
use cloakroom_bench::child::{Child, this_program};
use cloakroom_bench::overhead::answer::{begin, verify};
use cloakroom_bench::overhead::case::Case;
use http::HeaderValue;
use tokio::runtime::Builder;

use super::client::Client;
use super::contender::Contender;
use super::{Round, express, wrk};

/// Sessions that take turns.
const SESSIONS: usize = 1000;

/// A contender that is ready to be measured in one case.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) contender: &'static Contender,
    server: Server,
    script: PathBuf,
}

impl Running {
    pub(super) fn start(
        contender: &'static Contender,
        case: Case,
        express: &Path,
        scratch: &Path,
    ) -> Result<Self, Failure> {
        let server = Server::start(contender, express)?;
        let client = Client::new(server.port)?;
        let keeps = contender.keeps_sessions();
        let ready = async {
            verify(&client, keeps, contender.sets_cookie).await?;
            let mut known = Vec::new();
            for number in 0..if case == Case::Bot { 0 } else { SESSIONS } {
                known.push(begin(&client, keeps, number).await?);
            }
            Ok::<Vec<HeaderValue>, Failure>(known)
        };
        let known = Builder::new_current_thread().build()?.block_on(ready);
        let known = known.map_err(|wrong| format!("{}: {wrong}", contender.name))?;
        let script = scratch.join(format!("{}.lua", server.port));
        fs::write(&script, wrk::script(case.path(), server.port, &known)?)?;
        Ok(Self { contender, server, script })
    }

    /// Puts the server under load for so many seconds.
    pub(super) fn round(&self, seconds: u32) -> Result<Round, Failure> {
        let before = self.server.cpu()?;
        let got = wrk::run(&self.script, self.server.port, seconds);
        let (requests, rate) = got.map_err(|wrong| format!("{}: {wrong}", self.contender.name))?;
        let spent = self.server.cpu()? - before;
        Ok(Round { rate, cpu: spent * 1e6 / requests })
    }
}

#[derive(Debug)]
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(contender: &Contender, express: &Path) -> Result<Self, Failure> {
        let mut command = if contender.is_on_node() {
            express::command(express, contender.keeps_sessions())
        } else {
            this_program(&[super::NAME, contender.name])?
        };
        let mut child = Child::start(&mut command)?;
        let port = child.line()?.parse();
        let port = port.map_err(|_| format!("{} printed no port", contender.name))?;
        Ok(Self { child, port })
    }

    /// CPU seconds, user and system, of all threads: Linux counts hundredths.
    fn cpu(&self) -> Result<f64, Failure> {
        let file = format!("/proc/{}/stat", self.child.id());
        let found = cpu_of_stat(&fs::read_to_string(&file)?);
        found.ok_or_else(|| format!("{file} has no CPU time").into())
    }
}

/// The name in parentheses can contain anything; user and system time are fields 14 and 15.
fn cpu_of_stat(stat: &str) -> Option<f64> {
    let mut ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::cpu_of_stat;

    #[test]
    fn cpu_time_is_found_after_any_name() {
        let stat = "4242 (a ) (b 1 2) S 1 4242 4242 0 -1 4194560 917 0 0 0 150 75 7 9 20 0 3 0";
        assert_eq!(cpu_of_stat(stat), Some(2.25));
        assert_eq!(cpu_of_stat("4242 (a) S 1"), None);
    }
}

//! A server that was found to do what it should, and wrk's script for it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::case::{Case, cookies};
use crate::child::Server;
use crate::client::{Answer, Client};
use crate::contender::Contender;
use crate::cpu;
use crate::measured::Round;
use crate::wrk::{self, Load};

/// Sessions that are asked for in turn.
const SESSIONS: usize = 1000;

/// A contender that is ready to be measured in one case.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) contender: Contender,
    server: Server,
    script: PathBuf,
}

/// Where things are put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    /// express, installed.
    pub(crate) express: &'a Path,
    /// For scripts.
    pub(crate) scratch: &'a Path,
}

impl Running {
    pub(crate) fn start(
        contender: Contender,
        case: Case,
        threads: u32,
        places: Places<'_>,
    ) -> Result<Self, Failure> {
        let named = |wrong: Failure| format!("{} is broken: {wrong}", contender.name());
        let server = Server::start(contender, threads, places.express)?;
        let mut client = Client::new(server.port)?;
        verify(&mut client, contender).map_err(named)?;

        let known = if case == Case::Bot { Vec::new() } else { sessions(&mut client, contender)? };
        let script = places.scratch.join(format!("{}.lua", server.port));
        fs::write(&script, wrk::script(case, server.port, &known))?;
        Ok(Self { contender, server, script })
    }

    /// Has it asked for a while.
    pub(crate) fn round(&self, load: Load) -> Result<Round, Failure> {
        let process = self.server.process();
        let before = cpu::seconds(process)?;
        let got = wrk::run(&self.script, self.server.port, load)
            .map_err(|wrong| format!("{}: {wrong}", self.contender.name()))?;
        let spent = cpu::seconds(process)? - before;
        Ok(Round { rate: got.a_second, cpu: spent * 1e6 / got.requests })
    }
}

/// The `Cookie` headers of browsers with a session each, made by requests; of the same length where there are none.
fn sessions(client: &mut Client, contender: Contender) -> Result<Vec<String>, Failure> {
    let key = |number: usize| {
        if contender.keeps() { begin(client) } else { Ok(format!("{number:0>43}")) }
    };
    (0..SESSIONS).map(key).map(|key| Ok(cookies(&key?))).collect()
}

/// Begins a session; its key.
fn begin(client: &mut Client) -> Result<String, Failure> {
    let answer = client.get("/write", None)?;
    expect(&answer, "1")?;
    answer.key.ok_or_else(|| "a first write sets no cookie".into())
}

/// Fails unless it counts as it should: a broken server is fast.
fn verify(client: &mut Client, contender: Contender) -> Result<(), Failure> {
    let ignored = client.get("/ignore", None)?;
    expect(&ignored, "ignored")?;
    if ignored.key.is_some() != contender.greets_everybody() {
        return Err(format!("who ignores the session is sent {:?}", ignored.key).into());
    }
    if !contender.keeps() {
        expect(&client.get("/read", None)?, "0")?;
        return expect(&client.get("/write", None)?, "1");
    }
    let (one, other) = (cookies(&begin(client)?), cookies(&begin(client)?));
    for count in ["2", "3"] {
        expect(&client.get("/write", Some(&one))?, count)?;
    }
    expect(&client.get("/read", Some(&one))?, "3")?;
    expect(&client.get("/read", Some(&other))?, "1")
}

fn expect(answer: &Answer, body: &str) -> Result<(), Failure> {
    if answer.status == 200 && answer.body == body {
        return Ok(());
    }
    Err(format!("{} `{}` instead of `{body}`", answer.status, answer.body).into())
}

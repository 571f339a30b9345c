//! A process that serves sessions: the child's side.
//!
//! It reads `key SLOT KEY` and `stop` from its input, and prints `ready` and `key SLOT FORMER KEY`.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom::{Key, Principal, Sessions};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failure;
use crate::act::{Acted, act};
use crate::history::{Action, Log, Operation, Outcome, Refusal};
use crate::random::Random;
use crate::slots::{SLOTS, principal_of};
use crate::store::{self, StoreKind, name_of};
use crate::tally::Tally;
use crate::time::{now, pause};

/// Clients of one process.
const CLIENTS: u64 = 6;

/// How many in a thousand increments are bursts.
const BURSTS: u64 = 200;

/// What the parent says about a child on its command line.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) kind: StoreKind,
    pub(crate) url: String,
    /// Unique among the processes of a run.
    pub(crate) node: u32,
    pub(crate) is_cached: bool,
    pub(crate) seed: u64,
    pub(crate) log: String,
}

impl Settings {
    pub(crate) fn to_words(&self) -> [String; 6] {
        let kind = self.kind.name().to_owned();
        let (node, seed) = (self.node.to_string(), self.seed.to_string());
        [kind, self.url.clone(), node, self.is_cached.to_string(), seed, self.log.clone()]
    }

    pub(crate) fn of_words(words: &[String]) -> Option<Self> {
        let [kind, url, node, is_cached, seed, log] = words else { return None };
        Some(Self {
            kind: StoreKind::named(kind)?,
            url: url.clone(),
            node: node.parse().ok()?,
            is_cached: is_cached.parse().ok()?,
            seed: seed.parse().ok()?,
            log: log.clone(),
        })
    }
}

/// What the clients of a process share.
struct Node {
    settings: Settings,
    sessions: Sessions<Tally>,
    log: Log,
    operations: AtomicU64,
    keys: Mutex<Vec<Option<Key>>>,
    is_stopped: AtomicBool,
}

/// Serves until the parent says stop, or is gone.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let log = Log::create(Path::new(&settings.log))?;
    let sessions = loop {
        let opened = store::open(settings.kind, &settings.url, settings.is_cached);
        match runtime.block_on(opened) {
            Ok(sessions) => break sessions,
            // The server is down at the moment.
            Err(_) => pause(50),
        }
    };
    let keys = Mutex::new(vec![None; SLOTS]);
    let (operations, is_stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    let node = Arc::new(Node { settings, sessions, log, operations, keys, is_stopped });
    print("ready")?;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let node = Arc::clone(&node);
        clients.spawn_on(async move { node.client(number).await }, runtime.handle());
    }
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["key", slot, key] => node.keep(slot.parse()?, key.parse()?),
            _ => break,
        }
    }
    node.is_stopped.store(true, Ordering::Relaxed);
    while let Some(ended) = runtime.block_on(clients.join_next()) {
        ended??;
    }
    Ok(())
}

impl Node {
    /// Asks for one operation after the other.
    async fn client(&self, number: u64) -> io::Result<()> {
        let node = u64::from(self.settings.node);
        let mut random = Random::new(self.settings.seed ^ (node << 20) ^ (number << 40));
        while !self.is_stopped.load(Ordering::Relaxed) {
            let slot = random.index(SLOTS);
            let is_refused = match choose(&mut random) {
                Action::Increment if random.per_mille(BURSTS) => self.burst(slot).await?,
                action => self.operate(slot, action).await?,
            };
            // As a user would whose session is gone.
            if is_refused && random.per_mille(200) {
                self.operate(slot, Action::Login).await?;
            }
            tokio::time::sleep(Duration::from_millis(random.within(5..15))).await;
        }
        Ok(())
    }

    /// Increments at the same time, as a page does that sends several requests: the changes that
    /// wait are written together.
    async fn burst(&self, slot: usize) -> io::Result<bool> {
        let one = || self.operate(slot, Action::Increment);
        let all = tokio::join!(one(), one(), one(), one(), one(), one());
        let all = [all.0?, all.1?, all.2?, all.3?, all.4?, all.5?];
        Ok(all.contains(&true))
    }

    /// Does one operation on the session of a slot, and shares the key that it led to.
    ///
    /// True if there is no session, or the key does not open it.
    async fn operate(&self, slot: usize, action: Action) -> io::Result<bool> {
        let key = self.keys()[slot].clone();
        let action = if key.is_none() { Action::Login } else { action };
        let node = self.settings.node;
        let count = self.operations.fetch_add(1, Ordering::Relaxed);
        let principal = Principal::new(principal_of(slot)).expect("a valid name");
        let operation = Operation {
            number: u64::from(node) * 10_000_000 + count,
            node,
            is_cached: self.settings.is_cached,
            action,
            principal: principal.as_str().to_owned(),
            key: key.as_ref().map(name_of),
            start: now(),
            end: None,
            outcome: Outcome::Unknown,
        };
        self.log.start(&operation)?;
        let Acted { outcome, key: new } =
            act(&self.sessions, operation.number, action, &principal, key.as_ref()).await;
        self.log.end(operation.number, now(), &outcome)?;
        if let Some(new) = new.filter(|new| key.as_ref() != Some(new)) {
            let former = key.as_ref().map_or_else(|| "-".to_owned(), Key::expose);
            print(&format!("key {slot} {former} {}", new.expose()))?;
            self.replace(slot, key.as_ref(), new);
        }
        let is_gone = |refusal: &Refusal| !matches!(refusal, Refusal::Unavailable);
        Ok(matches!(&outcome, Outcome::Refused(refusal) if is_gone(refusal)))
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Vec<Option<Key>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, slot: usize, key: Key) {
        self.keys()[slot] = Some(key);
    }

    /// Keeps a new key unless a newer one has come from another process.
    fn replace(&self, slot: usize, former: Option<&Key>, new: Key) {
        let kept = &mut self.keys()[slot];
        if kept.as_ref() == former {
            *kept = Some(new);
        }
    }
}

fn choose(random: &mut Random) -> Action {
    match random.within(0..1000) {
        0..550 => Action::Increment,
        550..895 => Action::Read,
        895..940 => Action::Login,
        940..990 => Action::Renew,
        990..997 => Action::Logout,
        _ => Action::RevokeAll,
    }
}

fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

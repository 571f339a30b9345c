//! Runs one order of events from the start.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{EndReason, Ending, Record, Revision, Stored};
use cloakroom::store::Lookup;
use cloakroom::stores::CachedStore;
use cloakroom::time::Clock;
use cloakroom::value::Payload;
use cloakroom::{Io, Key, Lifetime, Store, Timestamp, protocol};

use super::scenarios::{BELIEF, Scenario, What};
use super::world::{ID, Remote, TestClock, World};

/// A node with its cache.
pub(super) trait Node: Send + Sync {
    fn get_cached(&self) -> Io<'_, Option<Lookup>>;
    fn replace(&self, seen: Record, record: Record) -> Io<'_, ()>;
    fn touch(&self, expected: Revision) -> Io<'_, ()>;
    fn end(&self) -> Io<'_, ()>;
}

/// Makes the cache of a node with this connection and clock.
pub(super) type Make<'a> = &'a dyn Fn(Remote, TestClock) -> Arc<dyn Node>;

impl<S: Store> Node for S {
    fn get_cached(&self) -> Io<'_, Option<Lookup>> {
        Store::get_cached(self, ID).map(Result::ok)
    }

    fn replace(&self, seen: Record, record: Record) -> Io<'_, ()> {
        let now = record.created();
        Store::replace(self, ID, &seen, record, now).map(drop)
    }

    fn touch(&self, expected: Revision) -> Io<'_, ()> {
        let later = record(1).idle_deadline().after(Duration::from_secs(1));
        Store::touch(self, ID, expected, later).map(drop)
    }

    fn end(&self) -> Io<'_, ()> {
        let now = record(1).created();
        Store::end(
            self,
            ID,
            Ending::new(EndReason::Revoked, now, now.after(Duration::from_secs(60 * 60))),
        )
        .map(drop)
    }
}

/// The library's own cache.
pub(super) fn sound(remote: Remote, clock: TestClock) -> Arc<dyn Node> {
    let cached =
        CachedStore::builder(remote).max_staleness(Duration::from_millis(BELIEF)).clock(clock);
    Arc::new(cached.build().wait().expect("a store with a change feed"))
}

/// The session after this many writes.
fn record(count: u64) -> Record {
    let kind = KindTag::DEFAULT;
    let verifier = Key::new(ID, Secret::from_bytes([1; 16])).verifier(kind);
    let lifetime = Lifetime::absolute(Duration::from_secs(60 * 60));
    let (revision, now) = (Revision::new(count, count), Timestamp::from_millis(1_000_000));
    protocol::begin(kind, verifier, lifetime, None, Payload::unset(), revision, now)
}

/// An event that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Begin(usize),
    Done(usize),
    Answered(usize),
    Reported(usize),
}

/// A broken law.
pub(super) type Broken = &'static str;

const TOO_OLD: Broken =
    "a node never returns a state older than one that was reported to it or that it wrote";
const TOO_LONG: Broken =
    "a node never returns an outdated state for longer than its staleness bound";
const NEVER_SO: Broken = "a node is answered with a state that held while it asked";
const LEFT: Broken =
    "once every change is reported, a node returns the current state or asks the store";

pub(super) struct Run {
    scenario: &'static Scenario,
    world: World,
    nodes: Vec<Arc<dyn Node>>,
    acts: Vec<Progress>,
}

enum Progress {
    Waits,
    Runs(Begun),
    Over,
}

struct Begun {
    future: Pin<Box<dyn Future<Output = Option<Lookup>> + Send>>,
    /// The state of the session, and what this node knew of it, at that time.
    present: usize,
    floor: usize,
}

impl Run {
    pub(super) fn new(scenario: &'static Scenario, make: Make<'_>) -> Self {
        let world = World::new(scenario.nodes);
        world.begin(record(1));
        let nodes =
            (0..scenario.nodes).map(|node| make(world.remote(node), world.1.clone())).collect();
        Self {
            scenario,
            world,
            nodes,
            acts: scenario.acts.iter().map(|_| Progress::Waits).collect(),
        }
    }

    /// All events that can happen now.
    pub(super) fn events(&self) -> Vec<Event> {
        let may_begin = |act: &usize| {
            matches!(self.acts[*act], Progress::Waits)
                && self.scenario.acts[*act]
                    .after
                    .is_none_or(|after| matches!(self.acts[after], Progress::Over))
        };
        let mut events: Vec<Event> =
            (0..self.acts.len()).filter(may_begin).map(Event::Begin).collect();
        let (asked, done) = self.world.under_way();
        events.extend(asked.into_iter().map(Event::Done));
        events.extend(done.into_iter().map(Event::Answered));
        events.extend(self.world.unreported().into_iter().map(Event::Reported));
        events
    }

    pub(super) fn describe(&self, event: Event) -> String {
        match event {
            Event::Begin(act) => format!("begins: {:?}", self.scenario.acts[act].what),
            Event::Done(job) => format!("the store does: {}", self.world.describe(job)),
            Event::Answered(job) => format!("answered: {}", self.world.describe(job)),
            Event::Reported(node) => format!("reported to node {node}"),
        }
    }

    pub(super) fn happens(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Begin(act) => self.begin(act),
            Event::Done(job) => self.world.carry_out(job),
            Event::Answered(job) => self.world.answer(job),
            Event::Reported(node) => self.world.report(node),
        }
        self.go_on()
    }

    fn begin(&mut self, act: usize) {
        let what = self.scenario.acts[act].what;
        let node = match what {
            What::GetCached(node) | What::Replace(node) | What::Touch(node) | What::End(node) => {
                node
            }
            at_once => {
                self.acts[act] = Progress::Over;
                return self.happens_at_once(at_once);
            }
        };
        let (asked, next) = (Arc::clone(&self.nodes[node]), record(2 + act as u64));
        // Like a handler that read the session when it was new.
        let first = Revision::new(1, 1);
        let future = Box::pin(async move {
            match what {
                What::GetCached(_) => return asked.get_cached().await,
                What::Replace(_) => asked.replace(record(1), next).await,
                What::Touch(_) => asked.touch(first).await,
                _ => asked.end().await,
            }
            None
        });
        let (present, floor) = (self.world.present(), self.world.floor(node));
        self.acts[act] = Progress::Runs(Begun { future, present, floor });
    }

    fn happens_at_once(&mut self, what: What) {
        match what {
            What::Drop(other) => self.acts[other] = Progress::Over,
            What::Pass(millis) => self.world.1.turn(millis),
            What::Beat(node) => self.world.beat(node),
            What::Cut(node) => self.world.cut(node),
            What::Mend(node) => self.world.mend(node),
            What::GetCached(_) | What::Replace(_) | What::Touch(_) | What::End(_) => {}
        }
    }

    /// Polls everything that can make progress.
    fn go_on(&mut self) -> Result<(), Broken> {
        loop {
            let mut moved = false;
            for act in 0..self.acts.len() {
                let Progress::Runs(begun) = &mut self.acts[act] else { continue };
                let Poll::Ready(learnt) =
                    begun.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
                else {
                    continue;
                };
                let (present, floor) = (begun.present, begun.floor);
                self.acts[act] = Progress::Over;
                moved = true;
                if let Some(learnt) = learnt {
                    self.judge(&learnt, present, floor)?;
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Whether a node that knew of `floor`, and asked while `present` held, may be answered with
    /// this.
    fn judge(&self, learnt: &Lookup, present: usize, floor: usize) -> Result<(), Broken> {
        let (from, law, learnt) = match learnt {
            Lookup::Authoritative(Some(Stored::Live(record))) => {
                (present, NEVER_SO, Some(record.revision()))
            }
            Lookup::Authoritative(_) => (present, NEVER_SO, None),
            Lookup::Cached(record) => (floor, TOO_OLD, Some(record.revision())),
        };
        let known =
            (from..=self.world.present()).rev().find(|index| self.world.state(*index) == learnt);
        let Some(known) = known else { return Err(law) };
        let believed =
            |moment: Timestamp| moment.after(Duration::from_millis(BELIEF)) > self.world.1.now();
        match self.world.superseded(known) {
            Some(moment) if law == TOO_OLD && !believed(moment) => Err(TOO_LONG),
            _ => Ok(()),
        }
    }

    /// Once every event has happened, nodes that learn of changes agree with the store.
    pub(super) fn is_settled(&mut self) -> Result<(), Broken> {
        let present = self.world.state(self.world.present());
        for node in (0..self.nodes.len()).filter(|node| !self.world.is_cut(*node)) {
            let mut get_cached = Box::pin(self.nodes[node].get_cached());
            if let Poll::Ready(Some(Lookup::Cached(record))) =
                get_cached.as_mut().poll(&mut Context::from_waker(Waker::noop()))
                && Some(record.revision()) != present
            {
                return Err(LEFT);
            }
        }
        Ok(())
    }
}

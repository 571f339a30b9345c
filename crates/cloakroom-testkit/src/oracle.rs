//! A naive model of sessions, which random operations are compared with.
//!
//! The model is a list of sessions and a clock, written as plainly as possible: no store, no secrets, no races. Timed
//! renewal is turned off, also for cookies that a session outgrows (they go with the browser), so that a key changes at
//! `login` and `renew` only; renewal has laws of its own.

mod model;
mod steps;

use std::cell::Cell;
use std::sync::Arc;

use cloakroom::key::Secret;
use cloakroom::{Error, Key, Lifetime, Principal, Session, Store};
use http::HeaderMap;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::clock::ManualClock;
use crate::{TestSessions, block_on};
use model::{Handle, Model};
use steps::{Deed, Present, Step};

/// Runs 64 random sequences of up to 60 operations, the same each time, on one store, and compares after each operation:
/// whether the key opens, the value, who is signed in, and how what fails fails.
///
/// # Panics
/// If manager and model disagree, with the shortest sequence found that makes them.
pub fn check(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let (run, clock) = (Cell::new(0), ManualClock::new());
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequences = proptest::collection::vec(steps::step(), 1..60).prop_map(Steps);
    if let Err(error) = runner.run(&sequences, |Steps(steps)| {
        run.set(run.get() + 1);
        compare(Arc::clone(&store), run.get(), &clock, &steps)
    }) {
        panic!("{error}");
    }
}

/// Steps that print one to a line.
struct Steps(Vec<Step>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "\n    {step:?}"))
    }
}

/// A manager and a model that are told the same.
struct Pair {
    world: TestSessions<u64>,
    clock: ManualClock,
    model: Model,
    /// The keys of each of the model's sessions, oldest first, as the model counts them.
    keys: Vec<Vec<Key>>,
    principals: [Principal; 2],
}

/// Time goes on from one sequence to the next, for the store holds what earlier ones left there.
fn compare(
    store: Arc<dyn Store>,
    run: u32,
    clock: &ManualClock,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let lifetime = Lifetime::default().without_renewal_timeout().until_browser_closes();
    let world =
        TestSessions::with(store, |builder| builder.lifetime(lifetime).clock(clock.clone()));
    let principals =
        ["alice", "bob"].map(|name| Principal::new(format!("{name} {run}")).expect("a valid name"));
    let model = Model::new(&lifetime, clock.now());
    let mut pair = Pair { model, clock: clock.clone(), world, keys: Vec::new(), principals };
    steps.iter().try_for_each(|step| block_on(pair.take(step)))
}

impl Pair {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Generate(value) => {
                let session = self.world.sessions.generate(value).await.map_err(failed)?;
                let handle = self.model.begin(value, None);
                self.agree(&session, handle)?;
            }
            Step::Visit(present, deed) => self.visit(present, deed).await?,
            Step::Revoke(back) => {
                if let Some(session) = self.model.pick(back) {
                    self.model.end(session);
                    self.world.sessions.revoke(self.keys[session][0].id()).await.map_err(failed)?;
                }
            }
            Step::RevokeAll(who) => {
                self.model.end_all(who);
                self.world
                    .sessions
                    .revoke_all(&self.principals[usize::from(who)])
                    .await
                    .map_err(failed)?;
            }
            Step::Advance(span) => {
                self.model.advance(span);
                self.clock.advance(span);
            }
            Step::Sweep => {
                self.world.sessions.sweep(1_000).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// One request: opens what it presents, then does one thing.
    async fn visit(&mut self, present: Present, deed: Deed) -> Result<(), TestCaseError> {
        let (request, handle) = self.present(present);
        let mut session =
            self.world.sessions.request_session().session(&request).await.map_err(failed)?;
        self.agree(&session, handle)?;
        let done = self.carry_out(&mut session, deed).await.map_err(|error| error.kind());
        let (expected, handle) = self.model.act(handle, deed);
        prop_assert_eq!(done, expected, "{:?}", deed);
        self.agree(&session, handle)
    }

    fn present(&mut self, present: Present) -> (HeaderMap, Handle) {
        let picked = |model: &Model, back| model.pick(back);
        match present {
            Present::Key { session, age } => match picked(&self.model, session) {
                Some(session) => {
                    let keys = &self.keys[session];
                    let nth = keys.len() - 1 - age % keys.len();
                    (self.world.request(&keys[nth]), self.model.open(session, nth))
                }
                None => (HeaderMap::new(), Handle::Vacant),
            },
            Present::Forged(session) => match picked(&self.model, session) {
                Some(session) => {
                    let forged = self.keys[session][0].with_secret(Secret::from_bytes([0; 16]));
                    (self.world.request(&forged), Handle::Vacant)
                }
                None => (HeaderMap::new(), Handle::Vacant),
            },
            Present::Nothing => (HeaderMap::new(), Handle::Vacant),
        }
    }

    async fn carry_out(&self, session: &mut Session<u64>, deed: Deed) -> Result<(), Error> {
        match deed {
            Deed::Look => Ok(()),
            Deed::Add(more) => session.update(|value| *value += more).await,
            Deed::Set(value) => session.set(value).await,
            Deed::Extend(span) => session.extend(span).await,
            Deed::Login(who) => session.login(&self.principals[usize::from(who)]).await,
            Deed::Elevate => session.renew().await,
            Deed::Logout => session.logout().await,
            Deed::End => session.end().await,
        }
    }

    /// The session shows what the model holds. A key that the model says was minted is remembered.
    fn agree(&mut self, session: &Session<u64>, handle: Handle) -> Result<(), TestCaseError> {
        let Handle::Live(index) = handle else {
            prop_assert!(!session.exists(), "{:?} is open, and should be {:?}", session, handle);
            prop_assert_eq!(*session.value(), 0);
            prop_assert_eq!(session.principal(), None);
            return Ok(());
        };
        let Some(key) = session.key() else {
            return Err(TestCaseError::fail(format!(
                "closed ({:?}), and should be open",
                session.no_session()
            )));
        };
        let kept = self.model.kept(index);
        prop_assert_eq!(*session.value(), kept.value);
        prop_assert_eq!(
            session.principal(),
            kept.principal.map(|who| &self.principals[usize::from(who)])
        );
        prop_assert_eq!(session.expires_in(), self.model.expires_in(index));
        if index == self.keys.len() {
            self.keys.push(Vec::new());
        }
        let keys = &mut self.keys[index];
        if keys.len() < kept.keys.len() {
            prop_assert!(!keys.contains(key), "a key was used twice");
            keys.push(key.clone());
        }
        prop_assert!(keys.last() == Some(key), "the session shows another key than its own");
        Ok(())
    }
}

/// No operation that the model thinks can't fail may fail.
fn failed(error: impl std::error::Error) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

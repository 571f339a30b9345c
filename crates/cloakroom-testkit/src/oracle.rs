//! Compares random operations with a naive model of sessions.
//!
//! The model is a list of sessions and a clock, written as plainly as possible: no store, no
//! secrets, no races. Timed renewal is off and cookies go with the browser session, so a key
//! changes at `login` and `renew` only. Renewal is tested in the [session
//! suite](crate::session_suite).

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
use steps::{Action, Present, Step};

/// Runs 64 random sequences of up to 60 operations on `store`, and compares it with the model.
///
/// The sequences are the same in each run. Compared after each operation are whether the key opens
/// a session, the session's value, principal and remaining life, and the kind of an error.
///
/// # Panics
/// If the store and the model disagree, with the shortest such sequence that was found.
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

/// Steps, printed one per line.
struct Steps(Vec<Step>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "\n    {step:?}"))
    }
}

/// A manager and the model, which carry out the same steps.
struct Pair {
    test: TestSessions<u64>,
    clock: ManualClock,
    model: Model,
    /// The keys of each session of the model, oldest first.
    keys: Vec<Vec<Key>>,
    principals: [Principal; 2],
}

/// Carries out one sequence on a store that still holds the sessions of earlier ones, so the clock
/// goes on from them.
fn compare(
    store: Arc<dyn Store>,
    run: u32,
    clock: &ManualClock,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let lifetime = Lifetime::default().without_renewal_timeout().until_browser_closes();
    let test = TestSessions::with(store, |builder| builder.lifetime(lifetime).clock(clock.clone()));
    let principals =
        ["alice", "bob"].map(|name| Principal::new(format!("{name} {run}")).expect("a valid name"));
    let model = Model::new(&lifetime, clock.now());
    let mut pair = Pair { model, clock: clock.clone(), test, keys: Vec::new(), principals };
    steps.iter().try_for_each(|step| block_on(pair.run(step)))
}

impl Pair {
    async fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Generate(value) => {
                let session = self.test.sessions.generate(value).await.map_err(failed)?;
                let handle = self.model.begin(value, None);
                self.agree(&session, handle)?;
            }
            Step::Request(present, action) => self.request(present, action).await?,
            Step::Revoke(back) => {
                if let Some(session) = self.model.pick(back) {
                    self.model.end(session);
                    self.test.sessions.revoke(self.keys[session][0].id()).await.map_err(failed)?;
                }
            }
            Step::RevokeAll(who) => {
                self.model.end_all(who);
                self.test
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
                self.test.sessions.sweep(1_000).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// One request: opens the session of the key it presents, then does one thing.
    async fn request(&mut self, present: Present, action: Action) -> Result<(), TestCaseError> {
        let (request, handle) = self.present(present);
        let mut session =
            self.test.sessions.request_session().session(&request).await.map_err(failed)?;
        self.agree(&session, handle)?;
        let done = self.act(&mut session, action).await.map_err(|error| error.kind());
        let (expected, handle) = self.model.act(handle, action);
        prop_assert_eq!(done, expected, "{:?}", action);
        self.agree(&session, handle)
    }

    fn present(&mut self, present: Present) -> (HeaderMap, Handle) {
        let picked = |model: &Model, back| model.pick(back);
        match present {
            Present::Key { session, age } => match picked(&self.model, session) {
                Some(session) => {
                    let keys = &self.keys[session];
                    let nth = keys.len() - 1 - age % keys.len();
                    (self.test.request(&keys[nth]), self.model.open(session, nth))
                }
                None => (HeaderMap::new(), Handle::None),
            },
            Present::Forged(session) => match picked(&self.model, session) {
                Some(session) => {
                    let forged = self.keys[session][0].with_secret(Secret::from_bytes([0; 16]));
                    (self.test.request(&forged), Handle::None)
                }
                None => (HeaderMap::new(), Handle::None),
            },
            Present::Nothing => (HeaderMap::new(), Handle::None),
        }
    }

    async fn act(&self, session: &mut Session<u64>, action: Action) -> Result<(), Error> {
        match action {
            Action::Read => Ok(()),
            Action::Add(more) => session.update(|value| *value += more).await,
            Action::Set(value) => session.set(value).await,
            Action::Extend(span) => session.extend(span).await,
            Action::Login(who) => session.login(&self.principals[usize::from(who)]).await,
            Action::Renew => session.renew().await,
            Action::Logout => session.logout().await,
            Action::End => session.end().await,
        }
    }

    /// Compares a session with the model, and adds a key that the model says was minted.
    fn agree(&mut self, session: &Session<u64>, handle: Handle) -> Result<(), TestCaseError> {
        let Handle::Live(index) = handle else {
            prop_assert!(!session.exists(), "{:?} is open, and should be {:?}", session, handle);
            prop_assert_eq!(*session.value(), 0);
            prop_assert_eq!(session.principal(), None);
            return Ok(());
        };
        let Some(key) = session.key() else {
            return Err(TestCaseError::fail(format!(
                "not open ({:?}), and should be",
                session.no_session()
            )));
        };
        let expected = self.model.session(index);
        prop_assert_eq!(*session.value(), expected.value);
        prop_assert_eq!(
            session.principal(),
            expected.principal.map(|who| &self.principals[usize::from(who)])
        );
        prop_assert_eq!(session.expires_in(), self.model.expires_in(index));
        if index == self.keys.len() {
            self.keys.push(Vec::new());
        }
        let keys = &mut self.keys[index];
        if keys.len() < expected.keys.len() {
            prop_assert!(!keys.contains(key), "a key was minted twice");
            keys.push(key.clone());
        }
        prop_assert!(keys.last() == Some(key), "the session shows another key than its own");
        Ok(())
    }
}

/// The failure of an operation that always succeeds in the model.
fn failed(error: impl std::error::Error) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

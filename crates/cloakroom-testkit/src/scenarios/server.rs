//! A test server with all that a scenario controls.

use cloakroom::{Sessions, Store};

use super::app::{RunningServer, Visitor};
use super::barrier::Barrier;
use super::browser::Browser;
use crate::{FaultyStore, ManualClock, SpyStore, StepStore};

/// The test application on a manual clock and a store that records, pauses and fails on demand.
#[derive(Debug)]
pub struct ScenarioServer<S> {
    pub(super) spy: SpyStore<S>,
    pub(super) faulty: FaultyStore<SpyStore<S>>,
    pub(super) steps: StepStore<FaultyStore<SpyStore<S>>>,
    pub(super) clock: ManualClock,
    pub(super) barrier: Barrier,
    pub(super) running: RunningServer,
}

impl<S: Store> ScenarioServer<S> {
    /// Starts the test application on `store` with the function `serve`.
    pub fn start(
        store: S,
        serve: impl FnOnce(Sessions<Visitor>, Barrier) -> RunningServer,
    ) -> Self {
        let (clock, barrier) = (ManualClock::new(), Barrier::default());
        let spy = SpyStore::new(store);
        let faulty = FaultyStore::new(spy.clone());
        let steps = StepStore::new(faulty.clone());
        let builder = Sessions::builder(steps.clone()).clock(clock.clone());
        let sessions = builder.build().expect("the policy is valid");
        let running = serve(sessions, barrier.clone());
        Self { spy, faulty, steps, clock, barrier, running }
    }

    /// A browser without a session.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.running.address)
    }

    /// A browser with a session whose count is 1.
    pub(super) fn visitor(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.post("/count").body, "1");
        browser
    }
}

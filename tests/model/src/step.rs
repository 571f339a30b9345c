//! What a request does, step by step, as the manager does it; and what the laws record of each
//! step.

mod handle;
mod note;
mod open;
mod store;

use cloakroom::record::EndReason;
use cloakroom::{Lifetime, Timestamp};

use crate::decisions::Decisions;
use crate::events::Event;
use crate::model::moment;
use crate::state::{Browser, Change, OpenResult, Opened, Phase, Request, State, Task};

/// A state while one step changes it.
pub(crate) struct Step<'a> {
    decisions: &'a dyn Decisions,
    lifetime: Lifetime,
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
}

/// What happens to one write between a node and the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Good,
    /// The write reaches the store; its answer is lost.
    Deaf,
    /// The write never reaches the store; the node cannot know.
    Cut,
}

impl<'a> Step<'a> {
    pub(crate) fn new(decisions: &'a dyn Decisions, lifetime: Lifetime, state: State) -> Self {
        Self { decisions, lifetime, state, events: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        moment(self.state.at)
    }

    pub(crate) fn send(&mut self, number: u8, browser: Browser, task: Task) {
        self.state.requests.push(Request {
            number,
            browser,
            task,
            phase: Phase::Sent { presented: self.state.jar(browser).cloned(), at: self.state.at },
        });
    }

    /// Removes a request.
    pub(crate) fn take(&mut self, number: u8) -> Option<Request> {
        let index = self.state.requests.iter().position(|request| request.number == number)?;
        Some(self.state.requests.remove(index))
    }

    pub(crate) fn deliver(&mut self, number: u8) {
        let Some(request) = self.take(number) else { return };
        let after = match request.answers() {
            None | Some(Change::Keep) => return,
            Some(Change::Remove { .. }) => None,
            Some(Change::Send { model_key, .. }) => Some(model_key.clone()),
        };
        let before = self.state.jar(request.browser).cloned();
        if before == after {
            return;
        }
        self.state.set_jar(request.browser, after);
        if request.browser == Browser::Owner {
            self.state.restorable = before;
        }
    }

    /// A crash also loses requests and responses in flight.
    pub(crate) fn crash(&mut self) {
        self.state.spent.crashes += 1;
        let before = self.state.restorable.take();
        self.state.set_jar(Browser::Owner, before);
        self.state.requests.retain(|request| {
            request.browser != Browser::Owner
                || !matches!(request.phase, Phase::Sent { .. } | Phase::Answered(_))
        });
        self.events.push(Event::CookieRestored);
    }

    /// The next step of a request.
    pub(crate) fn step(&mut self, number: u8, wire: Delivery) {
        let Some(index) = self.state.requests.iter().position(|request| request.number == number)
        else {
            return;
        };
        let request = self.state.requests[index].clone();
        let phase = match request.phase.clone() {
            Phase::Sent { presented, at } => self.open(&request, presented, at),
            Phase::Bookkeeping(opened, chore) => self.tend(&request, opened, chore),
            Phase::Reporting(session) => {
                self.end(session, EndReason::KeyReused);
                self.arrive(&request, Opened::closed(OpenResult::Absent))
            }
            Phase::Ready(opened) => self.act(&request, opened, wire),
            Phase::Unsure { opened, expected, kept } => {
                self.write(&request, opened, expected, kept, Delivery::Good)
            }
            Phase::Beginning => self.begin(&request),
            answered @ Phase::Answered(_) => answered,
        };
        if phase == Phase::Answered(Change::Keep) {
            self.state.requests.remove(index);
        } else {
            self.state.requests[index].phase = phase;
        }
    }
}

impl Opened {
    const fn closed(result: OpenResult) -> Self {
        Self { result, held: None, change: Change::Keep, tries: 0 }
    }
}

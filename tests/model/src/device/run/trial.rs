//! The law about one more try, undisturbed: the browser is not locked out.

use super::super::laws;
use super::super::request::What;
use super::super::scenarios::Act;
use super::{Action, Run, State};
use crate::state::Client;

/// How long what was replaced a moment ago begins nothing.
const SUPERSEDED: u64 = 61;

impl Run {
    /// The law that does not hold in this state, of those about one more try.
    pub(in crate::device) fn broken_law(&self, state: &State) -> Option<&'static str> {
        // A late answer to what came before a sign-in can leave the browser without its key, as
        // without a device: the user signs in again.
        if state.is_overtaken || !state.flights.is_empty() {
            return None;
        }
        (!self.comes_back(state)).then_some(laws::NOT_LOCKED_OUT)
    }

    /// Whether the browser opens its session after a minute, and once its cookie has ended, if
    /// nothing else happens.
    fn comes_back(&self, state: &State) -> bool {
        let mut state = State { at: state.at + SUPERSEDED, sent: 0x20, ..state.clone() };
        if !self.opens(&mut state) {
            return false;
        }
        state.at += super::LIFE + super::SLACK;
        self.opens(&mut state)
    }

    fn opens(&self, state: &mut State) -> bool {
        // At the first visit it can learn that its cookie is over.
        for _ in 0..2 {
            if let Some(registration) = Self::registration(state) {
                self.play(state, registration);
            }
            // A challenge that has grown old costs one more.
            for _ in 0..2 {
                if state.browser.must_refresh(state.at) {
                    let refresh = Self::owners(state, Act::Refresh).expect("it has a device");
                    self.play(state, refresh);
                }
            }
            if state.browser.must_refresh(state.at) {
                return false;
            }
            if self.play(state, What::Visit) {
                return true;
            }
        }
        false
    }

    /// Plays one request of the browser's to its end; whether it opened the session.
    fn play(&self, state: &mut State, what: What) -> bool {
        Self::send(state, Client::Owner, what);
        loop {
            match &state.flights[0].progress {
                super::Progress::Answered(response) => {
                    let opened = matches!(response, super::Response::Page { opened: true, .. });
                    *state = self.apply(state, &Action::Deliver(0));
                    return opened;
                }
                _ => self.step(state, 0, false),
            }
        }
    }
}

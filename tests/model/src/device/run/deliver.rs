//! What the browser and the attacker do with a response.

use cloakroom::protocol::steps::DeviceOutcome;

use super::super::request::{Flight, Progress, Response, What};
use super::{Run, State};
use crate::jar::Change;
use crate::state::Client;

impl Run {
    pub(super) fn deliver(state: &mut State, flight: Flight) {
        let Flight { client, what, request, progress, .. } = flight;
        let Progress::Answered(response) = progress else { return };
        if client == Client::Other {
            if let Change::Send(key, _) = request.change {
                state.attacker.key = Some(key);
                if let What::Refresh(Some(sent)) = &what {
                    // It leads to no later deadline than the browser's own proof.
                    let accepted = state.recorded.iter().find(|(proof, _)| proof == sent);
                    let until = accepted.map(|(_, at)| at + super::LIFE + super::SLACK);
                    state.attacker.until = state.attacker.until.max(until);
                } else if state.attacker.until.is_none() {
                    // `renew` with a key from before the binding.
                    let used = state.used_at.unwrap_or(state.at);
                    state.attacker.until = Some(used + super::GRACE + super::SLACK);
                }
            }
            return;
        }
        let is_endpoint = matches!(what, What::Register(_) | What::Refresh(_));
        match request.change {
            Change::Keep => {}
            Change::Remove(_) => state.browser.cookie = None,
            Change::Send(key, until) => {
                let until = Some(until).filter(|until| *until != u64::MAX);
                state.browser.cookie = Some((key, until));
                // A bound key that `renew` has sent belongs to the same session.
                let is_offered = matches!(response, Response::Page { offer: Some(_), .. });
                state.browser.is_marked = is_endpoint || is_offered;
            }
        }
        match (what, response) {
            (What::Register(proof), Response::Device(DeviceOutcome::Accepted(challenge))) => {
                state.browser.device = Some(proof.device);
                state.browser.challenge = Some(challenge);
            }
            (_, Response::Device(DeviceOutcome::Accepted(challenge))) => {
                state.browser.challenge = Some(challenge);
                state.used_at.get_or_insert(state.at);
            }
            (_, Response::Device(DeviceOutcome::Challenge(challenge, _))) => {
                state.browser.challenge = Some(challenge);
            }
            (What::Refresh(_), Response::Device(DeviceOutcome::Refused(refusal))) => {
                use cloakroom::observe::ProofRefusal as Refusal;
                // A 400 ends the session in the browser, a 503 does not.
                if !matches!(refusal, Refusal::TooMany | Refusal::Overtaken) {
                    state.browser.device = None;
                }
            }
            (What::Refresh(_), Response::Over) => state.browser.device = None,
            (_, Response::Page { offer: Some(offer), .. }) => state.browser.offer = Some(offer),
            _ => {}
        }
    }
}

//! What a request's response says about its session.

use http::HeaderValue;

use super::{Head, RequestState, Stage, State};
use crate::http::{DeviceChannel, MARKER_LIFE, ResponseHeaders, SessionOutcome};
use crate::key::{Carrier, Key};
use crate::manager::SessionState;
use crate::observe::Event;
use crate::protocol::{Challenger, CookieChange, registration};

impl<V> RequestState<V> {
    pub(crate) fn headers(&self) -> ResponseHeaders {
        self.headers_of(&self.lock())
    }

    /// The headers of the response head, which is sent now: no key can be sent after it.
    pub(crate) fn close(&self) -> ResponseHeaders {
        let mut state = self.lock();
        state.head = Head::Sent;
        if matches!(state.cookie, CookieChange::Send { .. }) && !state.facts.has_cookie {
            let is_plain_http = state.facts.is_plain_http;
            let headers = self.headers_of(&state);
            drop(state);
            self.note_cookie(is_plain_http);
            return headers;
        }
        self.headers_of(&state)
    }

    /// A client without a cookie is sent one: tells the developer if such cookies get lost.
    #[cold]
    fn note_cookie(&self, is_plain_http: bool) {
        let manager = &self.manager;
        let Some(cookie) = &manager.channel.cookie else { return };
        let loss = manager.cookie_returns.sent(is_plain_http && cookie.is_secure());
        if let Some(loss) = loss {
            manager.observe(&Event::CookieLost { cookie: cookie.name(), loss });
            let name = cookie.name();
            manager.tell_developer(format_args!("cookie `{name}` gets lost: {loss}"));
        }
    }

    fn headers_of(&self, state: &State<V>) -> ResponseHeaders {
        if !state.accessed {
            return ResponseHeaders::default();
        }
        let outcome = SessionOutcome {
            change: &state.cookie,
            repeated: state.facts.repeated,
            signed_in: state.is_signed_in(),
            signed_out: state.signed_out,
            looked_at: state.facts.looked_at,
        };
        let headers = ResponseHeaders::new(&self.manager.channel, outcome, || self.manager.now());
        match &self.manager.channel.device {
            None => headers,
            Some(device) => self.with_device(headers, state, device),
        }
    }

    /// The headers, with what concerns the browser's device.
    #[cold]
    fn with_device(
        &self,
        headers: ResponseHeaders,
        state: &State<V>,
        device: &DeviceChannel,
    ) -> ResponseHeaders {
        let leaves = match &state.cookie {
            CookieChange::Keep => state.facts.signs_out,
            CookieChange::Send { key, .. } => !state.is_bound_key(key),
            // Not if only this cookie is over, for the browser to refresh it.
            CookieChange::Remove => state.signed_out,
        };
        let registration = self.registration(state, device);
        let marker = match (&registration, &state.stage) {
            // It registers by this cookie, too: another's offer is not for this browser.
            (Some(_), Stage::Open(SessionState::Live(loaded))) => {
                let (id, now) = (loaded.id().to_string(), self.manager.now());
                device.marker.set_value(id.as_bytes(), Some(MARKER_LIFE), now)
            }
            _ => (leaves && state.facts.is_bound).then(|| device.marker.removal()).flatten(),
        };
        headers.with_device(registration, marker)
    }

    /// The header that asks the browser to register a device: in the response to the sign-in that
    /// made the offer, and in no other.
    fn registration(&self, state: &State<V>, paths: &DeviceChannel) -> Option<HeaderValue> {
        let Stage::Open(SessionState::Live(loaded)) = &state.stage else { return None };
        let (record, key) = (&loaded.record, loaded.key()?);
        let is_sent = matches!(&state.cookie, CookieChange::Send { key: sent, .. } if sent == key);
        if key.carrier() != Carrier::Cookie || !is_sent || !state.facts.signs_in {
            return None;
        }
        let policy = self.manager.policy.device.as_ref()?;
        let challenger = Challenger { id: loaded.id(), server_key: policy.challenge_key() };
        paths.registration(&registration(record, challenger, self.manager.now())?)
    }
}

impl<V> State<V> {
    /// Whether this is a key that opens the request's session for as long as a device's proof says.
    fn is_bound_key(&self, key: &Key) -> bool {
        let Stage::Open(SessionState::Live(loaded)) = &self.stage else { return false };
        let record = &loaded.record;
        let verifier = key.verifier(record.kind());
        record.device().is_some_and(|device| device.until(&verifier).is_some())
    }
}

//! What there is at the start of a scenario.

use std::collections::BTreeMap;

use cloakroom::key::Nonce;
use cloakroom::record::{Retirement, Revision};
use cloakroom::value::Payload;
use cloakroom::{Principal, PublicId, Timestamp, protocol};

use super::Scenario;
use crate::entry::Entry;
use crate::jar::{Jar, Scope};
use crate::model::moment;
use crate::model_key::{KIND, ModelKey, random_of, session_id};
use crate::state::{KeyFate, Shadow, Spent, State, Who};
use crate::store::Store;

/// What the store and the owner's jar hold at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// One session, and its key in a cookie.
    OneCookie,
    /// One session, and its key as a bearer token.
    Bearer,
    /// A bearer token of no session, and a cookie with the key of one.
    StrangeBearer,
    /// A key that a timed renewal has replaced, in a cookie of the parent domain; and its successor
    /// in a cookie of the host.
    RetiredFirst,
    /// The same, but the other client has the retired key, and the owner its successor only.
    RetiredElsewhere,
    /// Two sessions: one in a cookie of the parent domain, the other in a cookie of the host.
    TwoSessions,
    /// The same, and the entry of the first cannot be read.
    DamagedFirst,
    /// One session, whose entry cannot be read.
    Damaged,
    /// No session, and one of another library.
    Legacy,
}

impl Scenario {
    pub(crate) fn initial_state(&self) -> State {
        let mut state = State {
            at: 0,
            store: Store::default(),
            jars: [Jar::default(), Jar::default()],
            restorable: None,
            has_legacy: self.setup == Setup::Legacy,
            requests: Vec::new(),
            spent: Spent::default(),
            shadow: Shadow::default(),
        };
        let (zero, one) = (ModelKey::fresh(0, 0), ModelKey::fresh(1, 1));
        let next = zero.followed_by(&Nonce::from_bytes(random_of(0)));
        let cookie = |key: &ModelKey| Jar::of(vec![(Scope::Host, key.clone())]);
        let cookies = |first: &ModelKey, second: &ModelKey| {
            Jar::of(vec![(Scope::Parent, first.clone()), (Scope::Host, second.clone())])
        };
        state.jars[0] = match self.setup {
            Setup::OneCookie | Setup::Damaged => cookie(&zero),
            Setup::Bearer => Jar::default().with_bearer(zero.clone()),
            Setup::StrangeBearer => cookie(&zero).with_bearer(ModelKey::fresh(0x50, 0x50)),
            Setup::RetiredFirst => cookies(&zero, &next),
            Setup::RetiredElsewhere => cookie(&next),
            Setup::TwoSessions | Setup::DamagedFirst => cookies(&zero, &one),
            Setup::Legacy => Jar::default(),
        };
        if self.setup != Setup::Legacy {
            self.begin(&mut state, &zero, self.signed_in);
        }
        if matches!(self.setup, Setup::TwoSessions | Setup::DamagedFirst) {
            self.begin(&mut state, &one, None);
        }
        if self.setup == Setup::RetiredElsewhere {
            state.jars[1] = cookie(&zero);
        }
        if matches!(self.setup, Setup::RetiredFirst | Setup::RetiredElsewhere) {
            renew(&mut state, &zero);
        }
        let is_damaged = matches!(self.setup, Setup::Damaged | Setup::DamagedFirst);
        state.store.damaged = is_damaged.then_some(0);
        if self.guess {
            state.jars[1] = cookie(&ModelKey::fresh(0, 0x7F));
        }
        // Requests are numbered after the sessions that there are.
        state.spent.requests = u8::from(state.store.entries.len() > 1);
        state
    }

    fn begin(&self, state: &mut State, key: &ModelKey, who: Option<Who>) {
        let (session, principal) = (key.session(), who.map(Who::principal));
        let revision = Revision::new(1, u64::MAX);
        let record = protocol::begin(
            *KIND,
            *key.verifier(),
            self.lifetime,
            principal.clone(),
            Payload::unset(),
            revision,
            moment(0),
        );
        if let Some(principal) = principal {
            list(&mut state.store.index, principal, session, record.absolute_deadline());
            state.shadow.signed_in.insert(session);
        }
        state.store.entries.insert(session, Entry::record(&record));
        state.shadow.keys.insert(key.clone(), KeyFate::Works);
    }
}

fn list(
    index: &mut BTreeMap<Principal, BTreeMap<PublicId, Timestamp>>,
    principal: Principal,
    session: u8,
    until: Timestamp,
) {
    index.entry(principal).or_default().insert(session_id(session), until);
}

/// The session's key is renewed on a timer, and its successor used.
fn renew(state: &mut State, key: &ModelKey) {
    let nonce = Nonce::from_bytes(random_of(0));
    let Some(record) = state.store.entries.get(&key.session()).and_then(Entry::live) else {
        return;
    };
    let (renewing, _) = protocol::start_renewal(record, key.key(), *KIND, nonce, moment(0));
    let renewed = protocol::retire(&renewing, moment(0));
    let how = Retirement::Timer;
    state.shadow.keys.insert(key.followed_by(&nonce), KeyFate::Works);
    state.shadow.keys.insert(key.clone(), KeyFate::Replaced { at: 0, how });
    state.store.entries.insert(key.session(), Entry::record(&renewed));
}

//! What there is at the start of a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::key::{Carrier, Nonce};
use cloakroom::record::{EndReason, Record, Retirement, Revision, Stored};
use cloakroom::value::Payload;
use cloakroom::{Lifetime, Principal, PublicId, Timestamp, protocol};

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
    /// Nothing.
    Nothing,
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
    /// The same two cookies while the renewal is in progress: both keys work.
    BothValid,
    /// A key that a sign-in has replaced, whose answer was lost.
    LostSignIn,
    /// Two sessions: one in a cookie of the parent domain, the other in a cookie of the host.
    TwoSessions,
    /// The same, and the entry of the first cannot be read.
    DamagedFirst,
    /// A valid key and one of each other status, in either order.
    Paired,
    /// A superseded key and one of each status, in either order.
    PairedDead,
    /// One session, whose entry cannot be read.
    Damaged,
    /// No session, and one of another library.
    Legacy,
}

/// What is the matter with the key that is next to a valid one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flawed {
    Unknown,
    WrongSecret,
    /// Superseded at first, then retired.
    BySignIn,
    /// Superseded at first, then retired, then reused.
    ByTimer,
    Expired,
    Ended,
    Damaged,
}

impl Flawed {
    const ALL: [Self; 7] = [
        Self::Unknown,
        Self::WrongSecret,
        Self::BySignIn,
        Self::ByTimer,
        Self::Expired,
        Self::Ended,
        Self::Damaged,
    ];
}

impl Scenario {
    pub(crate) fn initial_states(&self) -> Vec<State> {
        if !matches!(self.setup, Setup::Paired | Setup::PairedDead) {
            return vec![self.initial_state()];
        }
        let pairs = Flawed::ALL.iter().flat_map(|flawed| [(*flawed, true), (*flawed, false)]);
        pairs.map(|(flawed, is_first)| self.paired(flawed, is_first)).collect()
    }

    fn empty_state(&self) -> State {
        State {
            at: 0,
            set_back: 0,
            store: Store::default(),
            jars: [Jar::default(), Jar::default()],
            restorable: None,
            has_legacy: self.setup == Setup::Legacy,
            requests: Vec::new(),
            spent: Spent::default(),
            shadow: Shadow::default(),
        }
    }

    fn initial_state(&self) -> State {
        let mut state = self.empty_state();
        let (zero, one) = (ModelKey::fresh(0, 0), ModelKey::fresh(1, 1));
        let nonce = Nonce::from_bytes(random_of(0));
        let next = zero.followed_by(&nonce);
        let bearer = zero.carried_by(Carrier::Bearer);
        state.jars[0] = match self.setup {
            Setup::OneCookie | Setup::Damaged | Setup::LostSignIn => Jar::one(zero.clone()),
            Setup::Bearer => Jar::one(bearer.clone()),
            Setup::StrangeBearer => {
                let strange = ModelKey::fresh(0x50, 0x50).carried_by(Carrier::Bearer);
                Jar::one(zero.clone()).with_bearer(strange)
            }
            Setup::RetiredFirst | Setup::BothValid => cookies(&zero, &next),
            Setup::RetiredElsewhere => Jar::one(next),
            Setup::TwoSessions | Setup::DamagedFirst => cookies(&zero, &one),
            Setup::Legacy | Setup::Nothing | Setup::Paired | Setup::PairedDead => Jar::default(),
        };
        match self.setup {
            Setup::Legacy | Setup::Nothing => {}
            Setup::Bearer => self.begin(&mut state, &bearer, self.signed_in),
            _ => self.begin(&mut state, &zero, self.signed_in),
        }
        match self.setup {
            Setup::TwoSessions | Setup::DamagedFirst => self.begin(&mut state, &one, None),
            Setup::RetiredElsewhere => state.jars[1] = Jar::one(zero.clone()),
            _ => {}
        }
        match self.setup {
            Setup::RetiredFirst | Setup::RetiredElsewhere => renew(&mut state, &zero),
            Setup::BothValid => start_renewal(&mut state, &zero),
            Setup::LostSignIn => {
                write(&mut state, &zero);
                sign_in(&mut state, &zero, Who::Alice);
            }
            Setup::Damaged | Setup::DamagedFirst => state.store.damaged = Some(0),
            _ => {}
        }
        if self.guess {
            state.jars[1] = Jar::one(ModelKey::fresh(0, 0x7F));
        }
        // Requests are numbered after the sessions that there are.
        state.spent.requests = u8::from(state.store.entries.len() > 1);
        state
    }

    /// Session 1, whose key is valid or superseded, and a key of session 0 that opens nothing.
    fn paired(&self, flawed: Flawed, is_first: bool) -> State {
        let mut state = self.empty_state();
        let (zero, valid) = (ModelKey::fresh(0, 0), ModelKey::fresh(1, 1));
        let key = match flawed {
            Flawed::WrongSecret => ModelKey::fresh(0, 0x7F),
            _ => zero.clone(),
        };
        let lifetime = match flawed {
            Flawed::Expired => Lifetime::absolute(Duration::from_secs(10)),
            _ => self.lifetime,
        };
        if flawed != Flawed::Unknown {
            Self { lifetime, ..self.clone() }.begin(&mut state, &zero, None);
        }
        match flawed {
            Flawed::BySignIn => sign_in(&mut state, &zero, Who::Bob),
            Flawed::ByTimer => renew(&mut state, &zero),
            Flawed::Ended => end(&mut state, 0),
            Flawed::Damaged => state.store.damaged = Some(0),
            Flawed::Unknown | Flawed::WrongSecret | Flawed::Expired => {}
        }
        self.begin(&mut state, &valid, self.signed_in);
        if self.setup == Setup::PairedDead {
            sign_in(&mut state, &valid, Who::Alice);
        }
        state.jars[0] = if is_first { cookies(&key, &valid) } else { cookies(&valid, &key) };
        state.spent.requests = 1;
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

/// Two cookies of one name: of the parent domain, and of the host.
fn cookies(first: &ModelKey, second: &ModelKey) -> Jar {
    Jar::of(vec![(Scope::Parent, first.clone()), (Scope::Host, second.clone())])
}

/// Changes the record of the key's session.
fn change(state: &mut State, key: &ModelKey, change: impl FnOnce(&Record) -> Record) {
    if let Some(record) = state.store.entries.get(&key.session()).and_then(Entry::live) {
        let changed = Entry::record(&change(record));
        state.store.entries.insert(key.session(), changed);
    }
}

/// The session's key is being renewed on a timer.
fn start_renewal(state: &mut State, key: &ModelKey) {
    let nonce = Nonce::from_bytes(random_of(0));
    change(state, key, |record| {
        protocol::start_renewal(record, key.key(), *KIND, nonce, moment(0)).0
    });
    let next = key.followed_by(&nonce);
    state.shadow.keys.insert(next.clone(), KeyFate::Works);
    state.shadow.sent.insert(key.clone(), next);
}

/// The session's key is renewed on a timer, and its successor used.
fn renew(state: &mut State, key: &ModelKey) {
    start_renewal(state, key);
    change(state, key, |renewing| protocol::retire(renewing, moment(0)));
    let how = Retirement::Timer;
    state.shadow.keys.insert(key.clone(), KeyFate::Replaced { at: 0, how, by: 0 });
    state.shadow.sent.clear();
}

/// A user signs in on the session, and the answer is lost.
fn sign_in(state: &mut State, key: &ModelKey, who: Who) {
    let (nonce, principal) = (Nonce::from_bytes(random_of(0)), who.principal());
    let next = key.signed_in_with(&nonce, Carrier::Cookie);
    let mut until = moment(0);
    change(state, key, |record| {
        let derived =
            protocol::sign_in_key(record, key.key(), Carrier::Cookie, *KIND, nonce, moment(0));
        let verifier = derived.key.verifier(*KIND);
        let record =
            protocol::sign_in(record, &principal, verifier, Some(derived.trace), moment(0));
        until = record.absolute_deadline();
        record
    });
    list(&mut state.store.index, principal, key.session(), until);
    state.shadow.signed_in.insert(key.session());
    let how = Retirement::SignIn;
    state.shadow.keys.insert(key.clone(), KeyFate::Replaced { at: 0, how, by: 0 });
    state.shadow.keys.insert(next, KeyFate::Works);
}

/// Something was written to the session.
fn write(state: &mut State, key: &ModelKey) {
    let session = key.session();
    let Some(entry) = state.store.entries.get(&session) else { return };
    let written = entry.live().map(|record| {
        let revision = Revision::new(record.revision().count(), u64::MAX);
        let (until, payload) = (*record.lifetime(), Payload::from_bytes(vec![0]));
        protocol::begin(*KIND, *key.verifier(), until, None, payload, revision, moment(0))
    });
    if let Some(record) = written {
        state.store.entries.insert(session, Entry::record(&record));
        state.shadow.acknowledged.insert((session, 0));
    }
}

/// The session has been ended.
fn end(state: &mut State, session: u8) {
    let reason = EndReason::SignedOut;
    if let Some(record) = state.store.entries.get(&session).and_then(Entry::live) {
        let tombstone = record.ended(protocol::end(reason, moment(0)));
        state.store.entries.insert(session, Entry::of(&Stored::Ended(tombstone)));
        state.shadow.ended.insert(session, reason);
    }
}

//! What there is at the start.

use cloakroom::key::Verifier;
use cloakroom::policy::{DeviceBinding, ReusePolicy, SameSite, UnreadablePolicy};
use cloakroom::protocol::steps::{DeviceProof as _, NewDevice, Policy};
use cloakroom::protocol::{self, Registration};
use cloakroom::record::{Record, Revision};
use cloakroom::value::Payload;

use super::super::browser::{Attacker, Browser};
use super::super::request::Proof;
use super::super::scenarios::{Scenario, Start};
use super::{CHALLENGER, LIFE, Run, State};
use crate::context::Decisions;
use crate::entry::Entry;
use crate::model::moment;
use crate::model_key::{KIND, ModelKey};
use crate::scenarios::day;
use crate::state::Who;
use crate::store::Store;

/// The numbers of the first key, of the first bound one, and of the first device.
const FIRST: u8 = 0x70;
const BOUND: u8 = 0x71;

impl Run {
    pub(in crate::device) fn new(scenario: &'static Scenario, rules: &'static Decisions) -> Self {
        let context = crate::scenarios::handles();
        let policy = Policy {
            kind: *KIND,
            reuse: ReusePolicy::default(),
            unreadable: UnreadablePolicy::default(),
            same_site: Some(SameSite::Lax),
            bearer: false,
            limit: None,
            device: Some(DeviceBinding::offer()),
        };
        Self { scenario, rules, policy, context }
    }

    pub(in crate::device) fn initial(&self) -> State {
        let first = ModelKey::fresh(0, FIRST);
        let offered = offered(&first);
        let offer = protocol::registration(&offered, CHALLENGER, moment(0));
        let mut browser =
            Browser { cookie: Some((first, None)), offer, is_marked: true, ..Browser::default() };
        let mut record = offered;
        if self.scenario.start == Start::Bound {
            let bound = ModelKey::fresh(0, BOUND);
            record = confirmed(&record, offer.expect("a sign-in offers"), bound.verifier());
            let device = record.device().expect("it is bound");
            browser = Browser {
                cookie: Some((bound, Some(LIFE))),
                device: Some(FIRST),
                challenge: Some(protocol::refresh_challenge(&device, CHALLENGER, moment(0))),
                offer: None,
                is_marked: true,
            };
        }
        let mut store = Store::default();
        store.entries.insert(0, Entry::record(&record));
        State {
            at: 0,
            store,
            used_at: (self.scenario.start == Start::Bound).then_some(0),
            browser,
            attacker: Attacker::default(),
            flights: Vec::new(),
            sent: 0,
            losses: 0,
            recorded: Vec::new(),
            is_overtaken: false,
            broken: None,
        }
    }
}

/// A session that a user has signed in on a moment ago.
fn offered(key: &ModelKey) -> Record {
    let (revision, alice) = (Revision::new(1, u64::MAX), Some(Who::Alice.principal()));
    let (verifier, now) = (*key.verifier(), moment(0));
    let record = protocol::begin(*KIND, verifier, day(), alice, Payload::unset(), revision, now);
    protocol::offer_binding(&record, [0x55; 16], now)
}

/// The same, bound to the first device.
fn confirmed(record: &Record, offer: Registration, secret: &Verifier) -> Record {
    let (challenge, authorization) = (offer.challenge, Some(offer.authorization));
    let proof = Proof { device: FIRST, authorization, challenge };
    let NewDevice { key, .. } = proof.with_new_key().expect("it brings a key");
    let life = std::time::Duration::from_secs(LIFE);
    let bound = protocol::register_device(record, &key, *secret, life, moment(0));
    protocol::confirm_device(&bound.expect("there is room"), moment(0))
}

//! What the library's operations are given in the model: everything follows from the request.

use std::cell::{Cell, RefCell};
use std::io;

use cloakroom::key::Key;
use cloakroom::observe::Event;
use cloakroom::policy::{ClientInfo, Lifetime, ReusePolicy};
use cloakroom::protocol::steps::{Context, Policy};
use cloakroom::protocol::{Failure, RequestOrigin, Rules};
use cloakroom::value::{CodecError, Payload};
use cloakroom::{PublicId, Timestamp};

use crate::flaws::Twist;
use crate::jar::Change;
use crate::model_key::{JOINT, KIND, ModelKey, drawn_by, random_of};
use crate::scenarios::Scenario;
use crate::state::{Drawn, Request};
use crate::work::Value;

/// The decisions that a search runs with.
pub(crate) type Decisions = dyn Rules + Send + Sync;

/// A node, while it takes the next step of a request.
pub(crate) struct Node<'a> {
    pub(crate) rules: &'a Decisions,
    pub(crate) policy: &'a Policy,
    pub(crate) scenario: &'a Scenario,
    pub(crate) now: Timestamp,
    number: u8,
    renews: bool,
    origin: RequestOrigin,
    drawn: Cell<Drawn>,
    retracted: RefCell<Option<Key>>,
}

impl<'a> Node<'a> {
    pub(crate) fn new(
        rules: &'a Decisions,
        policy: &'a Policy,
        scenario: &'a Scenario,
        now: Timestamp,
        twist: Option<Twist>,
        request: &Request,
    ) -> Self {
        let number = request.number;
        let origin = match twist {
            Some(Twist::OriginIgnored) => RequestOrigin::SameSite,
            _ => request.presented.origin,
        };
        let renews = request.task.renews();
        let (drawn, retracted) = (Cell::new(request.drawn), RefCell::new(None));
        Self { rules, policy, scenario, now, number, renews, origin, drawn, retracted }
    }

    /// Leaves in the request what the step has drawn from it, and takes back a key that its
    /// response was to send.
    pub(crate) fn leave(self, request: &mut Request) {
        request.drawn = self.drawn.get();
        let Some(retracted) = self.retracted.into_inner() else { return };
        if matches!(&request.change, Change::Send(sent, _) if *sent.key() == retracted) {
            request.change = Change::Keep;
        }
    }

    fn draw(&self, next: impl FnOnce(&mut Drawn) -> u8) -> u8 {
        let mut drawn = self.drawn.get();
        let number = next(&mut drawn);
        self.drawn.set(drawn);
        number
    }
}

/// The policy of a scenario's sessions.
pub(crate) fn policy(scenario: &Scenario) -> Policy {
    let Scenario { unreadable, limit, same_site, .. } = *scenario;
    let reuse = ReusePolicy::default();
    Policy { kind: *KIND, reuse, unreadable, same_site, bearer: true, limit, device: None }
}

/// Whether the request's first attempt to write finds other writers waiting: half of them do.
pub(crate) const fn waits_for_its_turn(number: u8) -> bool {
    number % 2 == 1
}

impl Context for Node<'_> {
    type Value = Value;
    type Rules = Decisions;

    fn rules(&self) -> &Decisions {
        self.rules
    }

    fn policy(&self) -> &Policy {
        self.policy
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn token(&self) -> u64 {
        let count = self.draw(|drawn| {
            drawn.tokens += 1;
            drawn.tokens
        });
        u64::from(self.number) << 8 | u64::from(count)
    }

    fn has_waiting_writers(&self, _: PublicId) -> bool {
        waits_for_its_turn(self.number)
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        if self.scenario.has_randomness {
            Ok(random_of(self.number))
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// The first id that a request draws can be one that is taken.
    fn new_key(&self) -> Result<Key, Failure> {
        let attempt = self.draw(|drawn| {
            drawn.keys += 1;
            drawn.keys
        });
        let is_taken = self.scenario.draws_taken_ids && attempt == 1;
        let session = if is_taken { 0 } else { drawn_by(self.number, attempt) };
        Ok(ModelKey::fresh(session, self.number).key().clone())
    }

    fn first_key(&self) -> Result<Key, Failure> {
        if self.scenario.shares_first_key {
            return Ok(ModelKey::fresh(JOINT, JOINT).key().clone());
        }
        self.new_key()
    }

    fn forget_first_key(&self) {}

    fn retract_key(&self, key: &Key) {
        self.retracted.replace(Some(key.clone()));
    }

    fn lifetime(&self) -> Lifetime {
        self.scenario.lifetime
    }

    fn client(&self) -> ClientInfo {
        ClientInfo::new()
    }

    fn can_send_key(&self) -> bool {
        true
    }

    fn can_renew(&self) -> bool {
        self.renews
    }

    fn origin(&self) -> RequestOrigin {
        self.origin
    }

    fn default_value(&self) -> Value {
        Value::new()
    }

    fn payload(&self, value: &Value, _: &Payload) -> Result<Payload, CodecError> {
        Ok(Payload::from_bytes(value.clone()))
    }

    fn decode(&self, payload: &Payload) -> Result<Option<Value>, CodecError> {
        Ok(payload.to_bytes()?.map(|bytes| bytes.to_vec()))
    }

    fn report(&self, _: &Event<'_>) {}
}

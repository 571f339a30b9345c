//! A request in flight, and the operations that answer it.

use cloakroom::key::DeviceKey;
use cloakroom::policy;
use cloakroom::protocol::steps::{
    Answer, Ask, Credential, Deadlines, DeviceOutcome, DeviceProof, Loaded, Login, NewDevice, Next,
    NoEdit, Open, Opened, RefreshDevice, RegisterDevice, Reload, Renew, SessionState, Step, Steps,
    Write, Written,
};
use cloakroom::protocol::{Authorization, Challenge, Registration};

use crate::context::Node;
use crate::jar::Presented;
use crate::model_key::session_id;
use crate::scenarios::EXTENSION;
use crate::state::{Client, Request, Who};
use crate::work::Value;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    Visit,
    Renew,
    Extend,
    Login,
    /// The browser registers the device with this number.
    Register(Proof),
    Refresh(Option<Proof>),
}

/// What a device has signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proof {
    /// The number of the device.
    pub(super) device: u8,
    /// What says for which session it registers, if it does.
    pub(super) authorization: Option<Authorization>,
    pub(super) challenge: Challenge,
}

/// The key of a device; no two are the same.
fn key_of(device: u8) -> DeviceKey {
    DeviceKey::es256([device; 32], [1; 32])
}

impl DeviceProof for Proof {
    fn claimed_authorization(&self) -> Option<Authorization> {
        self.authorization
    }

    fn with_new_key(&self) -> Option<NewDevice> {
        let (key, challenge) = (key_of(self.device), self.challenge);
        self.authorization.map(|authorization| NewDevice { key, challenge, authorization })
    }

    fn with_key(&self, key: &DeviceKey) -> Option<Challenge> {
        (self.authorization.is_none() && key_of(self.device) == *key).then_some(self.challenge)
    }
}

/// A request in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flight {
    pub(super) client: Client,
    pub(super) what: What,
    /// Whether it carries the cookie that names its bound session.
    pub(super) is_marked: bool,
    /// What the library's operations are given of it.
    pub(super) request: Request,
    pub(super) progress: Progress,
    /// When it was sent, or answered.
    pub(super) since: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Progress {
    Sent,
    Asked(Box<Work>, Ask),
    Answered(Response),
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Response {
    /// A page: whether there was a session, and whether it asks the browser to register.
    Page { opened: bool, offer: Option<Registration> },
    /// The answer of an endpoint.
    Device(DeviceOutcome),
    /// The session is over for this browser.
    Over,
    /// Not now.
    Failed,
}

/// An operation of the library.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Open(Open<Value>),
    Renew(Write<Value, Renew, ()>),
    Extend(Write<Value, Deadlines, ()>),
    Login(Login<Value>),
    /// Reads the session for a registration or a refresh.
    Reload(Reload<Value>),
    Register(Write<Value, RegisterDevice<Proof>, DeviceOutcome>),
    Refresh(Write<Value, RefreshDevice<Proof>, DeviceOutcome>),
}

/// What an operation ends with.
pub(super) enum Outcome {
    Opened(Opened<Value>),
    Written(Written<Value, ()>),
    Device(Written<Value, DeviceOutcome>),
    Loaded(Loaded<Value>),
    Failed,
}

impl Work {
    /// The first operation of a request.
    pub(super) fn first(what: &What, presented: &Presented) -> Self {
        match what {
            // The endpoints take the session from what the browser says, not from its cookie.
            What::Register(_) | What::Refresh(_) => {
                Self::Reload(Reload::from_store(Credential::Id(session_id(0))))
            }
            _ => Self::Open(Open::new(presented.to_keys(None), None)),
        }
    }

    /// The operation of a handler, on the session that was opened.
    pub(super) fn on_opened(what: &What, session: SessionState<Value>) -> Option<Self> {
        Some(match what {
            What::Visit | What::Register(_) | What::Refresh(_) => return None,
            What::Renew => Self::Renew(Write::new(session, Renew::default())),
            What::Extend => Self::Extend(Write::new(session, Deadlines::Exactly(EXTENSION * 6))),
            What::Login => {
                let login = policy::Login::of(&Who::Alice.principal());
                Self::Login(Login::new(session, None, login, NoEdit))
            }
        })
    }

    /// The operation of an endpoint, on the session that was read again.
    pub(super) fn on_loaded(what: &What, loaded: Loaded<Value>) -> Option<Self> {
        let session = SessionState::Live(loaded);
        match what {
            What::Register(proof) => {
                Some(Self::Register(Write::new(session, RegisterDevice::new(proof.clone()))))
            }
            What::Refresh(proof) => {
                Some(Self::Refresh(Write::new(session, RefreshDevice::new(proof.clone()))))
            }
            _ => None,
        }
    }

    /// Whether it can write a deadline that only a proof leads to.
    pub(super) const fn proves(&self) -> bool {
        matches!(self, Self::Register(_) | Self::Refresh(_))
    }

    pub(super) fn start(&mut self, node: &Node<'_>) -> Step<Outcome> {
        match self {
            Self::Open(open) => outcome(open.start(node), Outcome::Opened),
            Self::Renew(write) => outcome(write.start(node), Outcome::Written),
            Self::Extend(write) => outcome(write.start(node), Outcome::Written),
            Self::Login(login) => outcome(login.start(node), Outcome::Written),
            Self::Reload(reload) => outcome(reload.start(node), Outcome::Loaded),
            Self::Register(write) => outcome(write.start(node), Outcome::Device),
            Self::Refresh(write) => outcome(write.start(node), Outcome::Device),
        }
    }

    pub(super) fn step(&mut self, node: &Node<'_>, answer: Answer) -> Step<Outcome> {
        match self {
            Self::Open(open) => outcome(open.step(node, answer), Outcome::Opened),
            Self::Renew(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Extend(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Login(login) => outcome(login.step(node, answer), Outcome::Written),
            Self::Reload(reload) => outcome(reload.step(node, answer), Outcome::Loaded),
            Self::Register(write) => outcome(write.step(node, answer), Outcome::Device),
            Self::Refresh(write) => outcome(write.step(node, answer), Outcome::Device),
        }
    }
}

fn outcome<T>(next: Next<T>, of: impl FnOnce(T) -> Outcome) -> Step<Outcome> {
    match next {
        Ok(Step::Ask(ask)) => Step::Ask(ask),
        Ok(Step::Done(done)) => Step::Done(of(done)),
        Err(_) => Step::Done(Outcome::Failed),
    }
}

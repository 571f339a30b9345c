//! The library's operations, and which of them a request's handler runs.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::policy;
use cloakroom::protocol::steps::{
    Answer, Begin, Context, Deadlines, Edit, End, EndAll, Import, Imported, Loaded, Login, Next,
    Open, Opened, Plan, Planned, Reload, Renew, SessionState, SetValue, Start, Step, Steps, Write,
    Written,
};
use cloakroom::protocol::{Failure, NoSession};
use cloakroom::record::EndReason;

use crate::context::Node;
use crate::flaws::Twist;
use crate::model_key::{IMPORTED, ModelKey};
use crate::scenarios::{EXTENSION, remembered};
use crate::state::{Found, Request, Task, Who};

/// A session's value: the numbers of the requests that wrote it.
pub(crate) type Value = Vec<u8>;

/// An operation of the library.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Open(Open<Value>),
    Append(Write<Value, Append, ()>),
    Set(Write<Value, SetValue<Value>, ()>),
    Start(Write<Value, Start<Value>, ()>),
    Deadlines(Write<Value, Deadlines, ()>),
    Renew(Write<Value, Renew, ()>),
    Login(Login<Value, AppendIf>),
    End(End<Value>),
    Import(Import<Value>),
    Reload(Reload<Value>),
    EndAll(EndAll),
}

/// What an operation ends with.
#[derive(Debug)]
pub(crate) enum Outcome {
    Opened(Opened<Value>),
    Written(Written<Value, ()>),
    Imported(Imported<Value>),
    Reloaded(Loaded<Value>),
    EndedAll,
    Failed(Failure),
}

/// The update that requests make: it adds the request's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Append(u8);

impl<C: Context<Value = Value>> Plan<C> for Append {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<Value>,
        now: Timestamp,
    ) -> Result<Planned<Value, ()>, Failure> {
        let value = appended(loaded.value.as_ref(), self.0);
        SetValue { value, expiry: None }.change(context, loaded, now)
    }

    fn begin(&mut self, context: &C, _: NoSession) -> Result<Begin<Value, ()>, Failure> {
        Ok(Begin::Create(Some(vec![self.0]), context.lifetime(), ()))
    }
}

/// The change of the value that a sign-in makes in the same write, if it makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AppendIf(Option<u8>);

impl<C: Context<Value = Value>> Edit<C> for AppendIf {
    fn edit(&mut self, _: &C, value: Option<&Value>) -> Option<Value> {
        self.0.map(|number| appended(value, number))
    }
}

/// In order, so that a state does not depend on who was first.
fn appended(value: Option<&Value>, number: u8) -> Value {
    let mut value = value.cloned().unwrap_or_default();
    value.insert(value.partition_point(|&write| write < number), number);
    value
}

impl Work {
    pub(crate) fn open(request: &Request, twist: Option<Twist>) -> Self {
        let open = Open::new(request.presented.to_keys(twist), None);
        match (request.task, twist) {
            (Task::Peek, Some(Twist::PeekTouches))
            | (Task::OfKey, Some(Twist::OutsideAsInside)) => return Self::Open(open),
            _ => {}
        }
        Self::Open(match (request.task, request.presented.keys.first()) {
            (Task::OfKey, Some(key)) => Open::outside_request(key.key()),
            (Task::Peek, _) => open.without_touch(),
            (Task::Prefetch, _) => open.without_renewal(),
            _ => open,
        })
    }

    /// An operator's command to revoke what Alice has signed in on before it was given.
    pub(crate) fn revoke_all(given: Timestamp) -> Self {
        let alice = Who::Alice.principal();
        Self::EndAll(EndAll::older_than(revoked_before(given), alice, EndReason::Revoked))
    }

    /// What the handler of a request does with what it has opened; `None` if it only reads.
    pub(crate) fn of(request: &Request, at: Timestamp, found: &Found) -> Option<Self> {
        let (session, others) = found.clone();
        let number = request.number;
        Some(match request.task {
            Task::Read | Task::Peek | Task::Prefetch | Task::OfKey | Task::RevokeAll => {
                return None;
            }
            Task::Append => Self::Append(Write::new(session, Append(number))),
            Task::Set => {
                let plan = SetValue { value: vec![number], expiry: Some(EXTENSION) };
                Self::Set(Write::new(session, plan))
            }
            Task::Start => {
                let plan = Start { value: None, lifetime: remembered() };
                Self::Start(Write::new(session, plan))
            }
            Task::Extend => Self::Deadlines(Write::new(session, Deadlines::Exactly(EXTENSION))),
            Task::Remember => {
                Self::Deadlines(Write::new(session, Deadlines::Lifetime(remembered())))
            }
            Task::Renew => Self::Renew(Write::new(session, Renew::default())),
            Task::Login(_)
            | Task::LoginWith(_)
            | Task::LoginBearer(_)
            | Task::LoginVerified(_)
            | Task::LoginTwice(..) => Self::login(request, at, session)?,
            Task::Logout => Self::End(End::logout(session, others)),
            Task::Import => {
                let key = ModelKey::fresh(IMPORTED, IMPORTED).key().clone();
                match &session {
                    SessionState::Live(_) | SessionState::Absent(NoSession::Withheld) => {
                        return None;
                    }
                    SessionState::Former(former) if former.why != NoSession::Retired => {
                        return None;
                    }
                    _ => Self::Import(Import::new(key, None)),
                }
            }
            Task::Watch => match session {
                SessionState::Live(loaded) => {
                    Self::Reload(Reload::from_cache(loaded.credential).as_use())
                }
                _ => return None,
            },
            Task::Require => match session {
                SessionState::Live(loaded) => {
                    Self::Reload(Reload::from_store(loaded.credential).checking_revocation())
                }
                _ => return None,
            },
        })
    }

    /// The sign-in that a request makes next.
    fn login(request: &Request, at: Timestamp, session: SessionState<Value>) -> Option<Self> {
        let who = request.signs_in?;
        let login = policy::Login::of(&who.principal()).with_authenticated_at(at);
        let login = match request.task {
            Task::LoginBearer(_) => login.bearer(),
            Task::LoginVerified(_) => login.cross_site_verified(),
            _ => login,
        };
        let edit = AppendIf(matches!(request.task, Task::LoginWith(_)).then_some(request.number));
        let presented = request.replaced.as_ref().map(|key| key.key().clone());
        Some(Self::Login(Login::new(session, presented, login, edit)))
    }

    /// Its name in the coverage list.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Append(_)
            | Self::Set(_)
            | Self::Start(_)
            | Self::Deadlines(_)
            | Self::Renew(_) => "write",
            Self::Login(_) => "login",
            Self::End(_) => "end",
            Self::Import(_) => "import",
            Self::Reload(_) => "reload",
            Self::EndAll(_) => "end all",
        }
    }

    pub(crate) fn start(&mut self, node: &Node<'_>) -> Step<Outcome> {
        match self {
            Self::Open(open) => outcome(open.start(node), Outcome::Opened),
            Self::Append(write) => outcome(write.start(node), Outcome::Written),
            Self::Set(write) => outcome(write.start(node), Outcome::Written),
            Self::Start(write) => outcome(write.start(node), Outcome::Written),
            Self::Deadlines(write) => outcome(write.start(node), Outcome::Written),
            Self::Renew(write) => outcome(write.start(node), Outcome::Written),
            Self::Login(login) => outcome(login.start(node), Outcome::Written),
            Self::End(end) => outcome(end.start(node), Outcome::Written),
            Self::Import(import) => outcome(import.start(node), Outcome::Imported),
            Self::Reload(reload) => outcome(reload.start(node), Outcome::Reloaded),
            Self::EndAll(end) => outcome(end.start(node), |_| Outcome::EndedAll),
        }
    }

    pub(crate) fn step(&mut self, node: &Node<'_>, answer: Answer) -> Step<Outcome> {
        match self {
            Self::Open(open) => outcome(open.step(node, answer), Outcome::Opened),
            Self::Append(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Set(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Start(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Deadlines(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Renew(write) => outcome(write.step(node, answer), Outcome::Written),
            Self::Login(login) => outcome(login.step(node, answer), Outcome::Written),
            Self::End(end) => outcome(end.step(node, answer), Outcome::Written),
            Self::Import(import) => outcome(import.step(node, answer), Outcome::Imported),
            Self::Reload(reload) => outcome(reload.step(node, answer), Outcome::Reloaded),
            Self::EndAll(end) => outcome(end.step(node, answer), |_| Outcome::EndedAll),
        }
    }
}

/// Sign-ins before this moment end, if the command is given at that one.
pub(crate) fn revoked_before(given: Timestamp) -> Timestamp {
    given.after(Duration::from_millis(1))
}

fn outcome<T>(next: Next<T>, of: impl FnOnce(T) -> Outcome) -> Step<Outcome> {
    match next {
        Ok(Step::Ask(ask)) => Step::Ask(ask),
        Ok(Step::Done(done)) => Step::Done(of(done)),
        Err(failure) => Step::Done(Outcome::Failed(failure)),
    }
}

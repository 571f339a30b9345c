//! What all handles of one request share.

mod open;

pub(crate) use open::OpenedSession;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::error::{Error, ErrorKind};
use crate::http::{Carrier, Noted, ResponseHeaders};
use crate::key::{Key, PublicId};
use crate::manager::{LoadedSession, Manager};
use crate::policy::ClientInfo;
use crate::protocol::{CookieChange, NoSession};
use crate::value::SessionValue;

/// What the handles of one request share. The lock is never loaded across an await.
pub(crate) struct RequestState<V> {
    pub(crate) manager: Arc<Manager<V>>,
    state: Mutex<State<V>>,
}

/// What the request holds.
pub(crate) enum SessionState<V> {
    Live(LoadedSession<V>),
    Absent(NoSession),
    Superseded,
    /// Ended by this request: nothing can be written any more.
    Over,
}

impl<V> Clone for SessionState<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(loaded) => Self::Live(loaded.clone()),
            Self::Absent(no_session) => Self::Absent(*no_session),
            Self::Superseded => Self::Superseded,
            Self::Over => Self::Over,
        }
    }
}

impl<V> SessionState<V> {
    /// True if both are one and the same thing, as one and the same write left it.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Live(one), Self::Live(other)) => one.is(other),
            (Self::Absent(one), Self::Absent(other)) => one == other,
            (Self::Superseded, Self::Superseded) | (Self::Over, Self::Over) => true,
            _ => false,
        }
    }
}

/// The head of the response, with which keys are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Open,
    Sent,
    /// There is no response: the session is loaded outside any request, without its key.
    None,
}

pub(crate) struct State<V> {
    /// None until the first handle asked.
    holding: Option<SessionState<V>>,
    cookie: CookieChange,
    carrier: Carrier,
    asked: bool,
    head: Head,
    /// A handle is opening the session.
    opening: bool,
    /// Handles that wait for it.
    waiting: Vec<Waker>,
    /// A session of another library has done its duty.
    settled: bool,
    /// The connection's own address, if the server told it.
    peer: Option<IpAddr>,
    /// What the request told of its client, as far as the policy notes it.
    noted: Option<Box<Noted>>,
    /// The key under which this request's first write begins a session, so that two handles begin one.
    intended: Option<Key>,
}

impl<V> Default for State<V> {
    fn default() -> Self {
        Self {
            holding: None,
            cookie: CookieChange::Keep,
            carrier: Carrier::Cookie,
            asked: false,
            head: Head::Open,
            opening: false,
            waiting: Vec::new(),
            settled: false,
            peer: None,
            noted: None,
            intended: None,
        }
    }
}

impl<V> State<V> {
    fn check_open(&self) -> Result<(), Error> {
        if self.head == Head::Open { Ok(()) } else { Err(Error::new(ErrorKind::HeadersSent)) }
    }

    fn client(&self) -> ClientInfo {
        self.noted.as_ref().map(|noted| noted.client()).unwrap_or_default()
    }
}

impl<V: SessionValue> RequestState<V> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { manager, state: Mutex::new(State::default()) }
    }

    /// A session loaded outside any request: there is no response, and no key.
    pub(crate) fn detached(manager: Arc<Manager<V>>, loaded: LoadedSession<V>) -> Self {
        let holding = Some(SessionState::Live(loaded));
        let state = State { holding, head: Head::None, ..State::default() };
        Self { manager, state: Mutex::new(state) }
    }

    /// Notes that the response depends on the session, without opening one.
    pub(crate) fn ask(&self) {
        self.lock().asked = true;
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the request holds now; nothing before it asked.
    pub(crate) fn holding(&self) -> Option<SessionState<V>> {
        self.lock().holding.clone()
    }

    pub(crate) fn headers(&self) -> ResponseHeaders {
        self.headers_of(&self.lock())
    }

    /// Closes the shared: the response head leaves with these headers.
    pub(crate) fn close(&self) -> ResponseHeaders {
        let mut state = self.lock();
        state.head = Head::Sent;
        self.headers_of(&state)
    }

    fn headers_of(&self, state: &State<V>) -> ResponseHeaders {
        ResponseHeaders::new(&self.manager.channel, state.carrier, &state.cookie, state.asked)
    }

    /// Refuses what needs a new key once the response head is gone.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        self.lock().check_open()
    }

    /// True if the client of this request takes renewed keys.
    pub(crate) fn renews(&self) -> bool {
        let state = self.lock();
        state.carrier == Carrier::Cookie && state.head == Head::Open
    }

    /// The key this request's first write begins a session under, and whose it is.
    pub(crate) fn intended(&self) -> Result<(Key, ClientInfo), Error> {
        let mut state = self.lock();
        state.check_open()?;
        let key = match &state.intended {
            Some(key) => key.clone(),
            None => state.intended.insert(self.manager.mint()?).clone(),
        };
        Ok((key, state.client()))
    }

    /// Forgets an intended key whose id turned out to be taken.
    pub(crate) fn give_up_intended(&self) {
        self.lock().intended = None;
    }

    /// Takes back a key that was about to be sent and has turned out to open nothing.
    pub(crate) fn retract(&self, dead: &Key) {
        let mut state = self.lock();
        if matches!(&state.cookie, CookieChange::Send { key, .. } if key == dead) {
            state.cookie = CookieChange::Keep;
        }
    }

    /// What is known of the request's client, and what a login says of it.
    pub(crate) fn client(&self, said: &ClientInfo) -> ClientInfo {
        let noted = self.lock().client();
        match said.label() {
            Some(label) => noted.with_label(label),
            None => noted,
        }
    }

    pub(crate) fn set_peer(&self, peer: IpAddr) {
        self.lock().peer = Some(peer);
    }

    /// Makes what a handle did known to all others; what the request holds then.
    pub(crate) fn publish(
        &self,
        holding: SessionState<V>,
        cookie: CookieChange,
    ) -> SessionState<V> {
        let mut state = self.lock();
        let overtaken = match (&state.holding, &holding) {
            (Some(SessionState::Live(theirs)), SessionState::Live(ours)) => {
                theirs.id() == ours.id()
                    && theirs.record.revision().count() > ours.record.revision().count()
            }
            _ => false,
        };
        if cookie != CookieChange::Keep {
            state.cookie = cookie;
        }
        match &state.holding {
            Some(newer) if overtaken => newer.clone(),
            _ => {
                state.holding = Some(holding.clone());
                holding
            }
        }
    }

    /// What the request holds now, if that is another thing than `seen`.
    pub(crate) fn news(&self, seen: &SessionState<V>) -> Option<SessionState<V>> {
        let state = self.lock();
        state.holding.as_ref().filter(|holding| !holding.is(seen)).cloned()
    }

    /// Holds what was imported, unless the request has begun or ended something of its own since `found` was all it loaded. Only a
    /// key that is sent may take the old cookie's place.
    pub(crate) fn import_legacy(
        &self,
        found: Option<PublicId>,
        holding: SessionState<V>,
        cookie: CookieChange,
    ) {
        let mut state = self.lock();
        let loaded = match &state.holding {
            Some(SessionState::Live(loaded)) => Some(loaded.id()),
            Some(SessionState::Absent(_)) => None,
            _ => return,
        };
        if loaded == found {
            state.settled = matches!(cookie, CookieChange::Send { .. });
            state.holding = Some(holding);
            state.cookie = cookie;
        }
    }

    /// Notes that a token of another library is of no more use.
    pub(crate) fn settle(&self) {
        self.lock().settled = true;
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.lock().settled
    }

    /// The client's address, as far as the policy notes it.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.lock().noted.as_ref()?.address
    }
}

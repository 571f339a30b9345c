//! The state of one request's session, shared by all its handles.

mod open;

pub(crate) use open::OpenedSession;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::error::{Error, ErrorKind};
use crate::http::{Carrier, RequestClient, ResponseHeaders};
use crate::key::{Key, PublicId};
use crate::manager::{LoadedSession, Manager};
use crate::policy::ClientInfo;
use crate::protocol::{CookieChange, NoSession};
use crate::value::SessionValue;

/// The state of one request's session. The lock is never held across an await.
pub(crate) struct RequestState<V> {
    pub(crate) manager: Arc<Manager<V>>,
    state: Mutex<State<V>>,
}

/// What a request knows of its session.
pub(crate) enum SessionState<V> {
    Live(LoadedSession<V>),
    Absent(NoSession),
    Superseded,
    /// Ended by this request: nothing more can be written.
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
    /// True if both are the same, as the same write left it.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Live(one), Self::Live(other)) => one.is_same(other),
            (Self::Absent(one), Self::Absent(other)) => one == other,
            (Self::Superseded, Self::Superseded) | (Self::Over, Self::Over) => true,
            _ => false,
        }
    }
}

/// Whether the response head, with which keys are sent, can still be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Open,
    Sent,
    /// There is no response: the session was opened outside a request, without its key.
    None,
}

pub(crate) struct State<V> {
    /// `None` until a handle asks for the session.
    session: Option<SessionState<V>>,
    cookie: CookieChange,
    carrier: Carrier,
    accessed: bool,
    head: Head,
    /// True while a handle is opening the session.
    opening: bool,
    /// Handles that wait until it has.
    waiting: Vec<Waker>,
    /// True once the session of another library is no longer needed.
    imported: bool,
    /// The address of the connection, if the server passed it on.
    peer: Option<IpAddr>,
    /// What the request says about its client, as far as the policy asks.
    client: Option<Box<RequestClient>>,
    /// The key under which this request's first write creates a session, so that two handles create
    /// one.
    intended_key: Option<Key>,
}

impl<V> Default for State<V> {
    fn default() -> Self {
        Self {
            session: None,
            cookie: CookieChange::Keep,
            carrier: Carrier::Cookie,
            accessed: false,
            head: Head::Open,
            opening: false,
            waiting: Vec::new(),
            imported: false,
            peer: None,
            client: None,
            intended_key: None,
        }
    }
}

impl<V> State<V> {
    fn check_head_open(&self) -> Result<(), Error> {
        if self.head == Head::Open { Ok(()) } else { Err(Error::new(ErrorKind::HeadersSent)) }
    }

    fn client_info(&self) -> ClientInfo {
        self.client.as_ref().map(|client| client.client()).unwrap_or_default()
    }
}

impl<V: SessionValue> RequestState<V> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { manager, state: Mutex::new(State::default()) }
    }

    /// For a session that was opened outside a request: there is no response, and no key.
    pub(crate) fn detached(manager: Arc<Manager<V>>, loaded: LoadedSession<V>) -> Self {
        let session = Some(SessionState::Live(loaded));
        let state = State { session, head: Head::None, ..State::default() };
        Self { manager, state: Mutex::new(state) }
    }

    /// Records that the response depends on the session, without opening it.
    pub(crate) fn mark_accessed(&self) {
        self.lock().accessed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session as it is known now; `None` before a handle asked for it.
    pub(crate) fn session_state(&self) -> Option<SessionState<V>> {
        self.lock().session.clone()
    }

    pub(crate) fn headers(&self) -> ResponseHeaders {
        self.headers_of(&self.lock())
    }

    /// The headers of the response head, which is sent now: no key can be sent after it.
    pub(crate) fn close(&self) -> ResponseHeaders {
        let mut state = self.lock();
        state.head = Head::Sent;
        self.headers_of(&state)
    }

    fn headers_of(&self, state: &State<V>) -> ResponseHeaders {
        ResponseHeaders::new(&self.manager.channel, state.carrier, &state.cookie, state.accessed)
    }

    /// Refuses a new key once the response head has been sent.
    pub(crate) fn check_head_open(&self) -> Result<(), Error> {
        self.lock().check_head_open()
    }

    /// True if the client of this request can be sent a renewed key.
    pub(crate) fn can_renew(&self) -> bool {
        let state = self.lock();
        state.carrier == Carrier::Cookie && state.head == Head::Open
    }

    /// The key under which this request's first write creates a session, and for which client.
    pub(crate) fn intended_key(&self) -> Result<(Key, ClientInfo), Error> {
        let mut state = self.lock();
        state.check_head_open()?;
        let key = match &state.intended_key {
            Some(key) => key.clone(),
            None => state.intended_key.insert(self.manager.mint()?).clone(),
        };
        Ok((key, state.client_info()))
    }

    /// Forgets the intended key, whose id is taken.
    pub(crate) fn discard_intended_key(&self) {
        self.lock().intended_key = None;
    }

    /// Takes back a key that was to be sent and has turned out to be invalid.
    pub(crate) fn retract(&self, dead: &Key) {
        let mut state = self.lock();
        if matches!(&state.cookie, CookieChange::Send { key, .. } if key == dead) {
            state.cookie = CookieChange::Keep;
        }
    }

    /// What the request says about its client, with the label that a login gives it.
    pub(crate) fn client(&self, login: &ClientInfo) -> ClientInfo {
        let client = self.lock().client_info();
        match login.label() {
            Some(label) => client.with_label(label),
            None => client,
        }
    }

    pub(crate) fn set_peer(&self, peer: IpAddr) {
        self.lock().peer = Some(peer);
    }

    /// Makes a handle's result known to the others. Returns the session as it is then.
    pub(crate) fn publish(
        &self,
        session: SessionState<V>,
        cookie: CookieChange,
    ) -> SessionState<V> {
        let mut state = self.lock();
        let is_outdated = match (&state.session, &session) {
            (Some(SessionState::Live(theirs)), SessionState::Live(ours)) => {
                theirs.id() == ours.id()
                    && theirs.record.revision().count() > ours.record.revision().count()
            }
            _ => false,
        };
        if cookie != CookieChange::Keep {
            state.cookie = cookie;
        }
        match &state.session {
            Some(newer) if is_outdated => newer.clone(),
            _ => {
                state.session = Some(session.clone());
                session
            }
        }
    }

    /// The session as it is known now, if it is not the same as `seen`.
    pub(crate) fn changed_since(&self, seen: &SessionState<V>) -> Option<SessionState<V>> {
        let state = self.lock();
        state.session.as_ref().filter(|session| !session.is_same(seen)).cloned()
    }

    /// Replaces the session, whose id was `found`, by an imported one, unless the request has
    /// created or ended a session of its own since.
    ///
    /// The old library's cookie is no longer needed only once a key is sent.
    pub(crate) fn replace_with_imported(
        &self,
        found: Option<PublicId>,
        session: SessionState<V>,
        cookie: CookieChange,
    ) {
        let mut state = self.lock();
        let loaded = match &state.session {
            Some(SessionState::Live(loaded)) => Some(loaded.id()),
            Some(SessionState::Absent(_)) => None,
            _ => return,
        };
        if loaded == found {
            state.imported = matches!(cookie, CookieChange::Send { .. });
            state.session = Some(session);
            state.cookie = cookie;
        }
    }

    /// Records that another library's session is no longer needed.
    pub(crate) fn mark_imported(&self) {
        self.lock().imported = true;
    }

    pub(crate) fn is_imported(&self) -> bool {
        self.lock().imported
    }

    /// The client's address, if it is recorded.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.lock().client.as_ref()?.address
    }
}

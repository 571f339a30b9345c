//! What one request knows of its session, shared by all its handles.

mod head;
mod opening;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

pub(crate) use opening::OpenedSession;

use crate::http::{LookedAt, RequestClient, RequestMethod};
use crate::key::{Carrier, Entropy, Key, PublicId};
use crate::manager::{LoadedSession, Manager, RequestFacts, Scope, SessionState, Started, mint};
use crate::policy::ClientInfo;
use crate::protocol::steps::{OtherSession, Steps};
use crate::protocol::{CookieChange, Failure, NoSession, RequestOrigin};
use crate::value::SessionValue;

/// What one request knows of its session. The lock is never held across an await.
pub(crate) struct RequestState<V> {
    pub(crate) manager: Arc<Manager<V>>,
    state: Mutex<State<V>>,
}

/// The request's session, as far as it is known.
enum Stage<V> {
    /// No handle has asked for it.
    Untouched,
    /// A handle is opening it, and these wait until it has.
    Opening(Vec<Waker>),
    Open(SessionState<V>),
}

/// Whether the response head, with which keys are sent, can still be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Open,
    Sent,
    /// There is no response: the session was opened outside a request, without its key.
    None,
}

struct State<V> {
    stage: Stage<V>,
    cookie: CookieChange,
    accessed: bool,
    /// Whether the request's client was to remove its cookie, also if it was given another since.
    signed_out: bool,
    head: Head,
    facts: Facts,
    /// What few requests have.
    rare: Option<Box<Rare>>,
    /// True once the session of another library is no longer needed.
    imported: bool,
    /// The address of the connection, if the server passed it on.
    peer: Option<IpAddr>,
    /// What the request says about its client, as far as the policy asks.
    client: Option<Box<RequestClient>>,
    /// The key under which this request's first write creates a session, so that two handles create
    /// one.
    first_key: Option<Key>,
}

/// What few requests have.
#[derive(Default)]
struct Rare {
    /// The key of the session that the request presented, if the request has replaced it.
    presented: Option<Key>,
    /// Other sessions that the request's keys open.
    others: Vec<OtherSession>,
    /// The session that the request has ended last.
    ended: Option<PublicId>,
    /// The host that the request was sent to, if the server passed it on.
    authority: Option<Box<str>>,
    /// Why no session can be opened: a mistake of the programmer.
    mistake: Option<Box<str>>,
}

/// What the request is like, apart from its keys.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of one another")]
struct Facts {
    method: RequestMethod,
    origin: RequestOrigin,
    /// The headers on which that depends.
    looked_at: LookedAt,
    /// Whether its page may never be seen: no message counts as shown.
    is_speculative: bool,
    /// Whether it counts as a use of the session.
    touches: bool,
    /// Whether its client can be sent a renewed key.
    renews: bool,
    /// How a key travels that it mints.
    mints: Carrier,
    /// Whether it presents a bearer token and no cookie.
    is_bearer: bool,
    /// Whether it carries the cookie's name more than once.
    repeated: bool,
    /// Whether it carries the cookie.
    has_cookie: bool,
    /// Whether its browser says that it is in a session that is bound to its device.
    is_bound: bool,
    /// Whether a user has signed in.
    signs_in: bool,
    /// Whether a user has signed out, of a session that was there or not.
    signs_out: bool,
    /// Whether its client drops a Secure cookie.
    is_plain_http: bool,
}

impl Facts {
    const fn minting(mints: Carrier) -> Self {
        Self {
            method: RequestMethod::Unknown,
            origin: RequestOrigin::SameSite,
            looked_at: LookedAt::Nothing,
            is_speculative: false,
            touches: true,
            renews: true,
            mints,
            is_bearer: false,
            repeated: false,
            has_cookie: false,
            is_bound: false,
            signs_in: false,
            signs_out: false,
            is_plain_http: false,
        }
    }
}

impl<V> State<V> {
    fn new(stage: Stage<V>, mints: Carrier) -> Self {
        Self {
            stage,
            cookie: CookieChange::Keep,
            accessed: false,
            signed_out: false,
            head: Head::Open,
            facts: Facts::minting(mints),
            rare: None,
            imported: false,
            peer: None,
            client: None,
            first_key: None,
        }
    }

    fn retract_key(&mut self, invalid: &Key) {
        if matches!(&self.cookie, CookieChange::Send { key, .. } if key == invalid) {
            self.cookie = CookieChange::Keep;
        }
    }

    fn change_cookie(&mut self, cookie: CookieChange) {
        let is_sent = matches!(cookie, CookieChange::Send { .. });
        let replaced = match &self.stage {
            Stage::Open(SessionState::Live(loaded)) if is_sent => loaded.key(),
            Stage::Open(SessionState::Former(former)) if is_sent => Some(&former.key),
            _ => None,
        };
        if let Some(key) = replaced.cloned() {
            self.rare.get_or_insert_default().presented.get_or_insert(key);
        }
        // A client that uses no cookie has none to remove.
        if is_sent || !self.facts.is_bearer {
            self.signed_out |= matches!(cookie, CookieChange::Remove);
            self.cookie = cookie;
        }
    }

    /// True if the request knows a later state of the same session than `session`: a later write,
    /// or its end.
    fn is_newer(&self, session: &SessionState<V>) -> bool {
        let SessionState::Live(session) = session else { return false };
        if self.rare.as_ref().is_some_and(|rare| rare.ended == Some(session.id())) {
            return true;
        }
        match &self.stage {
            Stage::Open(SessionState::Live(known)) => {
                known.id() == session.id()
                    && known.record.revision().count() > session.record.revision().count()
            }
            _ => false,
        }
    }

    fn is_signed_in(&self) -> bool {
        match &self.stage {
            Stage::Open(SessionState::Live(loaded)) => loaded.record.principal().is_some(),
            _ => false,
        }
    }

    fn session(&self) -> SessionState<V> {
        match &self.stage {
            Stage::Open(session) => session.clone(),
            Stage::Untouched | Stage::Opening(_) => SessionState::Absent(NoSession::NoKey),
        }
    }
}

impl<V> RequestState<V> {
    fn of(manager: Arc<Manager<V>>, state: State<V>) -> Self {
        Self { manager, state: Mutex::new(state) }
    }

    /// For a request whose session is opened when a handle asks for it.
    pub(crate) fn new(manager: Arc<Manager<V>>, method: RequestMethod, touches: bool) -> Self {
        let mut state = State::new(Stage::Untouched, manager.policy.carrier());
        (state.facts.method, state.facts.touches) = (method, touches);
        Self::of(manager, state)
    }

    /// For a response that begins a session without a request's keys.
    pub(crate) fn without_session(manager: Arc<Manager<V>>, mints: Carrier) -> Self {
        let absent = SessionState::Absent(NoSession::NoKey);
        let mut state = State { accessed: true, ..State::new(Stage::Open(absent), mints) };
        // The browser may be in one: the request was not seen.
        state.facts.is_bound = manager.channel.device.is_some();
        Self::of(manager, state)
    }

    /// For a session that was opened outside a request: there is no response, and no key.
    pub(crate) fn detached(manager: Arc<Manager<V>>, loaded: LoadedSession<V>) -> Self {
        let stage = Stage::Open(SessionState::Live(loaded));
        let mints = manager.policy.carrier();
        Self::of(manager, State { head: Head::None, ..State::new(stage, mints) })
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session as it is known now; none before a handle has asked for it.
    pub(crate) fn session(&self) -> SessionState<V> {
        self.lock().session()
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.lock().stage, Stage::Open(_))
    }

    /// Lets every attempt to open the session fail, because of a mistake of the programmer.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn refuse(&self, mistake: String) {
        self.lock().rare.get_or_insert_default().mistake = Some(mistake.into());
    }

    pub(crate) fn set_method(&self, method: RequestMethod) {
        self.lock().facts.method = method;
    }

    /// A user has signed in: the response can offer to bind the session to a device.
    pub(crate) fn note_sign_in(&self) {
        self.lock().facts.signs_in = true;
    }

    /// A user has signed out: the browser is in no bound session.
    pub(crate) fn note_sign_out(&self) {
        self.lock().facts.signs_out = true;
    }

    /// From now on, opening the session does not count as its use.
    pub(crate) fn set_without_touch(&self) {
        self.lock().facts.touches = false;
    }

    /// True if the browser may have kept the cookie back.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn is_withheld(&self) -> bool {
        let state = self.lock();
        matches!(state.stage, Stage::Open(SessionState::Absent(NoSession::Withheld)))
    }

    /// From now on, a session can begin although the browser may have kept the cookie back.
    pub(crate) fn begin_cross_site(&self) -> SessionState<V> {
        let mut state = self.lock();
        if let Stage::Open(SessionState::Absent(no_session @ NoSession::Withheld)) =
            &mut state.stage
        {
            *no_session = NoSession::NoKey;
        }
        state.session()
    }

    /// Other sessions that the request's keys open.
    pub(crate) fn others(&self) -> Vec<OtherSession> {
        self.lock().rare.as_ref().map(|rare| rare.others.clone()).unwrap_or_default()
    }

    /// The key that the request presented, if the request has replaced it.
    pub(crate) fn presented(&self) -> Option<Key> {
        self.lock().rare.as_ref()?.presented.clone()
    }

    /// Sets the host that the request was sent to, which in HTTP/2 no header says.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn set_authority(&self, host: &str) {
        self.lock().rare.get_or_insert_default().authority = Some(host.into());
    }

    pub(crate) fn set_peer(&self, peer: IpAddr) {
        self.lock().peer = Some(peer);
    }

    /// The client's address, if it is recorded.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.lock().client.as_ref()?.address
    }

    /// Records that another library's session is no longer needed.
    pub(crate) fn mark_imported(&self) {
        self.lock().imported = true;
    }

    pub(crate) fn is_imported(&self) -> bool {
        self.lock().imported
    }

    /// Gives the request an imported session, unless it has created or ended one of its own since.
    ///
    /// The old library's cookie is no longer needed only once a key is sent.
    pub(crate) fn take_imported(&self, session: SessionState<V>, cookie: CookieChange) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Open(SessionState::Absent(_) | SessionState::Former(_))) {
            // The answer to a prefetch, with its cookie, may never be used.
            let is_sent = matches!(cookie, CookieChange::Send { .. });
            state.imported = is_sent && !state.facts.is_speculative;
            state.stage = Stage::Open(session);
            state.cookie = cookie;
        }
    }

    /// The session for an operation, and its key if the response is to send that.
    pub(crate) fn before_operation(&self) -> (SessionState<V>, Option<Key>) {
        let state = self.lock();
        let session = state.session();
        let sent = match (&session, &state.cookie) {
            (SessionState::Live(loaded), CookieChange::Send { key, .. }) => {
                Some(key).filter(|key| loaded.key() == Some(key)).cloned()
            }
            _ => None,
        };
        (session, sent)
    }

    /// Makes the result of an operation known to all handles. Returns the session as it is then.
    pub(crate) fn publish(
        &self,
        session: SessionState<V>,
        cookie: CookieChange,
    ) -> SessionState<V> {
        let mut state = self.lock();
        if state.is_newer(&session) {
            return state.session();
        }
        if let (Stage::Open(SessionState::Live(known)), false) =
            (&state.stage, matches!(session, SessionState::Live(_)))
        {
            let ended = Some(known.id());
            state.rare.get_or_insert_default().ended = ended;
        }
        if cookie != CookieChange::Keep {
            state.change_cookie(cookie);
        }
        state.stage = Stage::Open(session.clone());
        session
    }

    /// Takes back a key that was to be sent, if this failure says that it is no longer valid.
    pub(crate) fn retract(&self, sent: Option<&Key>, failure: &Failure) {
        if let (Some(key), Failure::Superseded | Failure::NoSession(_)) = (sent, failure) {
            self.lock().retract_key(key);
        }
    }
}

impl<V: SessionValue> RequestState<V> {
    /// Runs an operation for this request as far as the store answers at once.
    #[inline(always)]
    pub(crate) fn start<'a, O>(&'a self, operation: O) -> Started<'a, V, O>
    where
        O: Steps<Scope<'a, V>>,
    {
        Scope { manager: &self.manager, request: Some(self) }.start(operation)
    }

    /// Runs an operation for this request.
    pub(crate) async fn run<'a, O>(&'a self, operation: O) -> Result<O::Outcome, Failure>
    where
        O: Steps<Scope<'a, V>>,
    {
        match self.start(operation) {
            Ok(outcome) => outcome,
            Err(run) => run.await,
        }
    }
}

impl<V: SessionValue> RequestFacts for RequestState<V> {
    fn first_key(&self, entropy: &dyn Entropy) -> Result<Key, Failure> {
        let mut state = self.lock();
        if state.head != Head::Open {
            return Err(Failure::HeadersSent);
        }
        if let Some(key) = &state.first_key {
            return Ok(key.clone());
        }
        let key = mint(entropy)?.carried_by(state.facts.mints);
        Ok(state.first_key.insert(key).clone())
    }

    fn forget_first_key(&self) {
        self.lock().first_key = None;
    }

    fn retract_key(&self, key: &Key) {
        self.lock().retract_key(key);
    }

    fn client(&self) -> ClientInfo {
        self.lock().client.as_ref().map(|client| client.client()).unwrap_or_default()
    }

    fn can_send_key(&self) -> bool {
        self.lock().head == Head::Open
    }

    fn can_renew(&self) -> bool {
        let state = self.lock();
        state.facts.renews && !state.facts.is_bearer && state.head == Head::Open
    }

    fn origin(&self) -> RequestOrigin {
        self.lock().facts.origin
    }

    fn is_speculative(&self) -> bool {
        self.lock().facts.is_speculative
    }
}

//! One request's session: what all its handles share.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;

use crate::error::{Error, ErrorKind};
use crate::headers::ResponseHeaders;
use crate::key::Key;
use crate::manager::{Held, Manager, Opened};
use crate::observer::Event;
use crate::protocol::{CookieChange, Vacancy};
use crate::session::Session;
use crate::sessions::Sessions;
use crate::transport::{Carrier, Presented};
use crate::value::{DefaultKind, Kind, Value};

/// One request's visit to the counter: opens the session once, and knows in the end which headers to send.
///
/// [`SessionLayer`](crate::SessionLayer) keeps one in every request; write the same two calls to serve sessions in
/// a framework that has no integration yet:
///
/// ```
/// # use cloakroom::{Map, MemoryStore, Sessions};
/// # let request = http::HeaderMap::new();
/// # let mut response = http::HeaderMap::new();
/// # cloakroom::Io::future(async move {
/// let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
/// let visit = sessions.visit();
/// let mut session = visit.session(&request).await?; // no store call without a key
/// session.update(|map| map.insert("seen", true)).await??;
/// visit.finish(&mut response); // Set-Cookie, Vary, Cache-Control
/// assert!(response.contains_key("set-cookie"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
pub struct Visit<V, K = DefaultKind> {
    cell: Arc<Cell<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> Visit<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { cell: Arc::new(Cell::new(manager)), kind: PhantomData }
    }

    /// The manager whose session this request visits.
    pub fn sessions(&self) -> Sessions<V, K> {
        Sessions::of(Arc::clone(&self.cell.manager))
    }

    /// The request's session: opened by the first call, shared by all later ones.
    ///
    /// A visitor without a session gets a vacant one: [`Session::value`] is the default, and nothing is stored
    /// before the first write.
    ///
    /// # Errors
    /// `Unavailable` if the store can't be asked; `Corrupt` if the value can't be read and the policy refuses it.
    pub async fn session(&self, request: &HeaderMap) -> Result<Session<V, K>, Error> {
        self.cell.open(|manager| manager.channel.read(request)).await?;
        Ok(Session::of(Arc::clone(&self.cell)))
    }

    /// Closes the visit and writes its headers into the response's.
    ///
    /// From here on nothing that needs a new key succeeds (`HeadersSent`); values can still be changed.
    pub fn finish(&self, response: &mut HeaderMap) {
        let headers = {
            let mut state = self.cell.lock();
            state.closed = true;
            self.cell.headers_of(&state)
        };
        headers.apply_to(response);
    }
}

impl<V, K> Clone for Visit<V, K> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for Visit<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit(..)")
    }
}

/// What the handles of one request share. The lock is never held across an await.
pub(crate) struct Cell<V> {
    pub(crate) manager: Arc<Manager<V>>,
    state: Mutex<State<V>>,
}

/// What the request holds.
pub(crate) enum Holding<V> {
    Live(Arc<Held<V>>),
    Vacant(Vacancy),
    Superseded,
    /// Ended by this request: nothing can be written any more.
    Over,
}

impl<V> Clone for Holding<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(held) => Self::Live(Arc::clone(held)),
            Self::Vacant(vacancy) => Self::Vacant(*vacancy),
            Self::Superseded => Self::Superseded,
            Self::Over => Self::Over,
        }
    }
}

pub(crate) struct State<V> {
    /// None until the first handle asked.
    holding: Option<Holding<V>>,
    cookie: CookieChange,
    carrier: Carrier,
    asked: bool,
    closed: bool,
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
            closed: false,
            intended: None,
        }
    }
}

impl<V: Value> Cell<V> {
    pub(crate) fn new(manager: Arc<Manager<V>>) -> Self {
        Self { manager, state: Mutex::new(State::default()) }
    }

    /// Notes that the response depends on the session, without opening one.
    pub(crate) fn ask(&self) {
        self.lock().asked = true;
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the request holds now; nothing before it asked.
    pub(crate) fn holding(&self) -> Option<Holding<V>> {
        self.lock().holding.clone()
    }

    pub(crate) fn headers(&self) -> ResponseHeaders {
        self.headers_of(&self.lock())
    }

    fn headers_of(&self, state: &State<V>) -> ResponseHeaders {
        ResponseHeaders::new(&self.manager.channel, state.carrier, &state.cookie, state.asked)
    }

    /// Refuses what needs a new key once the response head is gone.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.lock().closed { Err(Error::new(ErrorKind::HeadersSent)) } else { Ok(()) }
    }

    /// True if the client of this request takes renewed keys.
    pub(crate) fn renews(&self) -> bool {
        let state = self.lock();
        state.carrier == Carrier::Cookie && !state.closed
    }

    /// The key this request's first write begins a session under.
    pub(crate) fn intended(&self) -> Result<Key, Error> {
        let mut state = self.lock();
        if let Some(key) = &state.intended {
            return Ok(key.clone());
        }
        let key = self.manager.mint()?;
        state.intended = Some(key.clone());
        Ok(key)
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

    /// Makes what a handle did known to all others.
    pub(crate) fn publish(&self, holding: Holding<V>, cookie: CookieChange) {
        let mut state = self.lock();
        let overtaken = match (&state.holding, &holding) {
            (Some(Holding::Live(theirs)), Holding::Live(ours)) => {
                theirs.key.id() == ours.key.id()
                    && theirs.record.revision().count() > ours.record.revision().count()
            }
            _ => false,
        };
        if !overtaken {
            state.holding = Some(holding);
        }
        if cookie != CookieChange::Keep {
            state.cookie = cookie;
        }
    }

    /// Opens what the request presents, once.
    async fn open(&self, read: impl FnOnce(&Manager<V>) -> Presented) -> Result<(), Error> {
        let opened = {
            let mut state = self.lock();
            state.asked = true;
            state.holding.is_some()
        };
        if opened {
            return Ok(());
        }
        let presented = read(&self.manager);
        self.lock().carrier = presented.carrier;
        let (holding, cookie) = self.try_keys(&presented).await?;
        let mut state = self.lock();
        // Another handle may have opened it meanwhile, and gone further.
        if state.holding.is_none() {
            state.holding = Some(holding);
        }
        if state.cookie == CookieChange::Keep {
            state.cookie = cookie;
        }
        Ok(())
    }

    /// Tries the presented keys in order until one opens a session; else the most telling failure counts.
    async fn try_keys(&self, presented: &Presented) -> Result<(Holding<V>, CookieChange), Error> {
        if presented.values > 1 {
            self.manager.observe(&Event::SeveralKeys { count: presented.values });
        }
        let mut found = if presented.values == 0 { Vacancy::NoKey } else { Vacancy::Unknown };
        let mut superseded = false;
        for key in presented.keys() {
            match self.manager.open(key.clone(), presented.carrier == Carrier::Cookie).await? {
                Opened::Live(held, cookie) => return Ok((Holding::Live(Arc::new(held)), cookie)),
                Opened::Superseded => superseded = true,
                Opened::Vacant(vacancy) if found == Vacancy::Unknown => found = vacancy,
                Opened::Vacant(_) => {}
            }
        }
        if superseded {
            return Ok((Holding::Superseded, CookieChange::Keep));
        }
        // Only a page the visitor navigates to may take the cookie away: a late answer to anything else
        // could remove a newer one.
        let stale = presented.values > 0 && presented.is_navigation;
        Ok((Holding::Vacant(found), if stale { CookieChange::Remove } else { CookieChange::Keep }))
    }

    /// Opens what one key opens, outside any request.
    pub(crate) async fn open_key(&self, key: &Key) -> Result<(), Error> {
        self.open(|_| Presented::key(key.clone())).await
    }

    /// Opens what `request` presents; true if it presented anything.
    pub(crate) async fn open_headers(&self, request: &HeaderMap) -> Result<bool, Error> {
        let mut any = false;
        self.open(|manager| {
            let presented = manager.channel.read(request);
            any = presented.values > 0;
            presented
        })
        .await?;
        Ok(any)
    }
}

//! Opening the session that a request presents: once, however many handles ask for it.

use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Poll, Waker};

use super::{RequestState, SessionState, State};
use crate::error::Error;
use crate::http::{Carrier, Headers, Presented, RequestClient, is_navigation};
use crate::key::Key;
use crate::manager::{OpenOutcome, PendingLookup};
use crate::observe::Event;
use crate::protocol::{CookieChange, NoSession};
use crate::store::Io;
use crate::value::SessionValue;

/// What opening the session needs from the request's headers.
pub(crate) struct Incoming {
    presented: Presented,
    client: Option<Box<RequestClient>>,
    /// Whether the response replaces the page. Not looked up if the session opens at once.
    is_navigation: bool,
}

/// A request's session, once it has been opened.
pub(crate) struct OpenedSession<V> {
    pub(crate) session: SessionState<V>,
    /// Whether the request presented any key.
    pub(crate) presented: bool,
}

/// What a handle finds when it asks for the session.
enum Access<'a, V: SessionValue> {
    /// The session has been opened.
    Opened(OpenedSession<V>),
    /// This handle is to open it.
    Open(OpenGuard<'a, V>),
    /// Another handle is opening it.
    Wait,
}

/// Held by the handle that opens the session. If it is dropped, another handle opens it.
struct OpenGuard<'a, V: SessionValue>(&'a RequestState<V>);

impl<V: SessionValue> RequestState<V> {
    /// Opens the session that `request` presents.
    ///
    /// The result is ready at once if the store answers at once and nothing has to be written.
    pub(crate) fn open_headers<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        match self.access() {
            Access::Opened(found) => Io::ready(Ok(found)),
            Access::Open(guard) => self.open(guard, self.read(request), || is_navigation(request)),
            Access::Wait => self.wait(self.incoming(request)),
        }
    }

    /// Opens the session of one key, outside a request.
    pub(crate) fn open_key(&self, key: &Key) -> Io<'_, Result<OpenedSession<V>, Error>> {
        let (presented, client) = (Presented::key(key.clone()), None);
        self.open_incoming(Incoming { presented, client, is_navigation: false })
    }

    /// Reads the request, for a server whose futures cannot borrow it.
    pub(crate) fn incoming(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        let incoming = self.read(request);
        Incoming {
            is_navigation: incoming.presented.value_count > 0 && is_navigation(request),
            ..incoming
        }
    }

    /// Handles a request that presents no key, without a future. Otherwise, gives `incoming` back.
    #[cfg(feature = "actix")]
    pub(crate) fn open_nothing(&self, incoming: Incoming) -> Result<OpenedSession<V>, Incoming> {
        if incoming.presented.value_count > 0 {
            return Err(incoming);
        }
        match self.access() {
            Access::Opened(found) => Ok(found),
            Access::Open(guard) => Ok(guard.finish(
                incoming,
                SessionState::Absent(NoSession::NoKey),
                CookieChange::Keep,
            )),
            Access::Wait => Err(incoming),
        }
    }

    /// Opens the session that the request presents.
    pub(crate) fn open_incoming(
        &self,
        incoming: Incoming,
    ) -> Io<'_, Result<OpenedSession<V>, Error>> {
        match self.access() {
            Access::Opened(found) => Io::ready(Ok(found)),
            Access::Open(guard) => {
                let is_navigation = incoming.is_navigation;
                self.open(guard, incoming, || is_navigation)
            }
            Access::Wait => self.wait(incoming),
        }
    }

    fn read(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        let presented = self.manager.channel.read(request);
        let client = self.manager.clients.as_ref().map(|policy| {
            let peer = self.lock().peer;
            Box::new(policy.read(request, peer))
        });
        Incoming { presented, client, is_navigation: false }
    }

    /// Records that the response depends on the session, and claims opening it if no handle has.
    fn access(&self) -> Access<'_, V> {
        let mut state = self.lock();
        state.accessed = true;
        if let Some(session) = &state.session {
            Access::Opened(OpenedSession::of_request(session))
        } else if std::mem::replace(&mut state.opening, true) {
            Access::Wait
        } else {
            Access::Open(OpenGuard(self))
        }
    }

    fn open<'a>(
        &'a self,
        guard: OpenGuard<'a, V>,
        mut incoming: Incoming,
        is_navigation: impl FnOnce() -> bool,
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        if incoming.presented.value_count == 0 {
            let nothing = SessionState::Absent(NoSession::NoKey);
            return Io::ready(Ok(guard.finish(incoming, nothing, CookieChange::Keep)));
        }
        let pending = match self.look_up_first(&incoming) {
            None => None,
            Some((caller, lookup)) => match lookup.into_ready() {
                Ok(lookup) => match self.manager.open_without_io(caller, lookup) {
                    Ok(loaded) => {
                        return Io::ready(Ok(guard.finish(
                            incoming,
                            SessionState::Live(loaded),
                            CookieChange::Keep,
                        )));
                    }
                    Err((caller, lookup)) => Some((caller, Io::ready(lookup))),
                },
                Err(lookup) => Some((caller, lookup)),
            },
        };
        incoming.is_navigation = is_navigation();
        Io::future(async move {
            let (session, cookie) = self.try_keys(&incoming, pending).await?;
            Ok(guard.finish(incoming, session, cookie))
        })
    }

    /// Waits until another handle has opened the session, or given up.
    fn wait(&self, incoming: Incoming) -> Io<'_, Result<OpenedSession<V>, Error>> {
        Io::future(async move {
            match self.acquire().await {
                Ok(found) => Ok(found),
                Err(guard) => {
                    let is_navigation = incoming.is_navigation;
                    self.open(guard, incoming, || is_navigation).await
                }
            }
        })
    }

    async fn acquire(&self) -> Result<OpenedSession<V>, OpenGuard<'_, V>> {
        poll_fn(|context| {
            let mut state = self.lock();
            if let Some(session) = &state.session {
                return Poll::Ready(Ok(OpenedSession::of_request(session)));
            }
            if state.opening {
                if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    state.waiting.push(context.waker().clone());
                }
                return Poll::Pending;
            }
            state.opening = true;
            Poll::Ready(Err(OpenGuard(self)))
        })
        .await
    }

    /// Asks the store about the first key.
    fn look_up_first(&self, incoming: &Incoming) -> Option<PendingLookup<'_>> {
        let presented = &incoming.presented;
        if presented.value_count > 1 {
            self.manager.observe(&Event::MultipleKeys { count: presented.value_count });
        }
        presented.keys().next().map(|key| self.look_up_key(key, incoming))
    }

    fn look_up_key(&self, key: &Key, incoming: &Incoming) -> PendingLookup<'_> {
        let client: Option<IpAddr> = incoming.client.as_ref().and_then(|client| client.address);
        let can_renew = incoming.presented.carrier == Carrier::Cookie;
        self.manager.look_up(key.clone(), can_renew, client)
    }

    /// Tries the presented keys in order until one opens a session; otherwise the most telling
    /// reason counts.
    async fn try_keys(
        &self,
        incoming: &Incoming,
        mut pending: Option<PendingLookup<'_>>,
    ) -> Result<(SessionState<V>, CookieChange), Error> {
        let presented = &incoming.presented;
        let mut found =
            if presented.value_count == 0 { NoSession::NoKey } else { NoSession::Unknown };
        let (mut superseded, mut reused) = (false, false);
        for key in presented.keys() {
            let (caller, lookup) = match pending.take() {
                Some(pending) => pending,
                None => self.look_up_key(key, incoming),
            };
            match self.manager.open(caller, lookup.await).await? {
                OpenOutcome::Live(loaded, cookie) => {
                    return Ok((SessionState::Live(loaded), cookie));
                }
                OpenOutcome::Superseded => superseded = true,
                OpenOutcome::Reused => reused = true,
                OpenOutcome::Absent(no_session) if found == NoSession::Unknown => {
                    found = no_session;
                }
                OpenOutcome::Absent(_) => {}
            }
        }
        if superseded {
            return Ok((SessionState::Superseded, CookieChange::Keep));
        }
        // Only a page that the user navigates to removes the cookie: a late response to anything
        // else could remove a newer one.
        let stale = presented.value_count > 0 && incoming.is_navigation;
        let cookie = if stale { CookieChange::Remove } else { CookieChange::Keep };
        Ok((if reused { SessionState::Superseded } else { SessionState::Absent(found) }, cookie))
    }
}

impl<V: SessionValue> OpenGuard<'_, V> {
    /// Records what was found, unless another handle has created or ended a session meanwhile.
    fn finish(
        self,
        incoming: Incoming,
        session: SessionState<V>,
        cookie: CookieChange,
    ) -> OpenedSession<V> {
        let presented = incoming.presented.value_count > 0;
        let mut state = self.0.lock();
        state.carrier = incoming.presented.carrier;
        state.client = incoming.client;
        let session = state.session.get_or_insert(session).clone();
        if matches!(state.cookie, CookieChange::Keep) {
            state.cookie = cookie;
        }
        // Released below, under the same lock.
        std::mem::forget(self);
        let waiting = state.release();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        OpenedSession { session, presented }
    }
}

impl<V> OpenedSession<V> {
    /// For a later handle. The session may be one that this request created, so it counts as
    /// presented.
    fn of_request(session: &SessionState<V>) -> Self {
        Self { session: session.clone(), presented: true }
    }
}

impl<V: SessionValue> Drop for OpenGuard<'_, V> {
    fn drop(&mut self) {
        let waiting = self.0.lock().release();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<V> State<V> {
    /// Returns the handles to wake, once the lock is released: a waker can use the session itself.
    fn release(&mut self) -> Vec<Waker> {
        self.opening = false;
        std::mem::take(&mut self.waiting)
    }
}

//! Opening the session that a request presents: once, however many handles ask for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{RequestState, Stage, State};
use crate::error::{Error, ErrorKind};
use crate::http::{Headers, Presented, RequestClient, is_plain_http, is_speculative, origin_of};
use crate::key::Key;
use crate::manager::{Manager, SessionState};
use crate::policy::SameSite;
use crate::protocol::steps::{Open, Opened};
use crate::protocol::{Failure, PresentedKeys};
use crate::store::Io;
use crate::time::WaitLimit;
use crate::value::{SessionValue, TypedValue};

/// What opening the session needs of the request.
pub(crate) struct Incoming {
    keys: PresentedKeys,
    client: Option<Box<RequestClient>>,
    touches: bool,
    is_speculative: bool,
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
    Opened(SessionState<V>),
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
    /// The result is ready at once if the store answers at once.
    pub(crate) fn open_headers<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        let mut state = self.lock();
        if let Some(mistake) = state.mistake() {
            return Io::ready(Err(mistake));
        }
        state.accessed = true;
        let is_first = match &state.stage {
            Stage::Open(session) => {
                return Io::ready(Ok(OpenedSession::of_request(session.clone())));
            }
            Stage::Opening(_) => false,
            Stage::Untouched => true,
        };
        let incoming = state.read(&self.manager, request);
        if !is_first {
            drop(state);
            return self.wait(incoming);
        }
        state.stage = Stage::Opening(Vec::new());
        drop(state);
        OpenGuard(self).open(incoming)
    }

    /// Opens the session of one key, outside a request.
    pub(crate) fn open_key(&self, key: &Key) -> Io<'_, Result<OpenedSession<V>, Error>> {
        let guard = match self.access() {
            Access::Open(guard) => guard,
            Access::Opened(session) => return Io::ready(Ok(OpenedSession::of_request(session))),
            // No other handle exists yet.
            Access::Wait => return Io::ready(Err(Error::new(ErrorKind::Conflict))),
        };
        let touches = {
            let facts = &mut self.lock().facts;
            facts.renews = false;
            facts.touches
        };
        let open = Open::outside_request(key);
        let open = if touches { open } else { open.without_touch() };
        guard.run(open, Rest { client: None, presented: true })
    }

    /// Opens the session of a request that was [read](RequestState::read) before.
    #[cfg(feature = "actix")]
    pub(crate) fn open(&self, incoming: Incoming) -> Io<'_, Result<OpenedSession<V>, Error>> {
        if let Some(mistake) = self.lock().mistake() {
            return Io::ready(Err(mistake));
        }
        match self.access() {
            Access::Opened(session) => Io::ready(Ok(OpenedSession::of_request(session))),
            Access::Open(guard) => guard.open(incoming),
            Access::Wait => self.wait(incoming),
        }
    }

    /// Reads a request.
    #[cfg(feature = "actix")]
    pub(crate) fn read(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        self.lock().read(&self.manager, request)
    }

    /// Records that the response depends on the session, and claims opening it if no handle has.
    fn access(&self) -> Access<'_, V> {
        let mut state = self.lock();
        state.accessed = true;
        match &state.stage {
            Stage::Open(session) => Access::Opened(session.clone()),
            Stage::Opening(_) => Access::Wait,
            Stage::Untouched => {
                state.stage = Stage::Opening(Vec::new());
                Access::Open(OpenGuard(self))
            }
        }
    }

    /// Waits until another handle has opened the session, or given up.
    fn wait(&self, incoming: Incoming) -> Io<'_, Result<OpenedSession<V>, Error>> {
        Io::future(async move {
            match self.claim().await {
                Ok(session) => Ok(OpenedSession::of_request(session)),
                Err(guard) => guard.open(incoming).await,
            }
        })
    }

    async fn claim(&self) -> Result<SessionState<V>, OpenGuard<'_, V>> {
        let mut wait_limit = WaitLimit::since(self.manager.now());
        poll_fn(|context| {
            let mut state = self.lock();
            match &mut state.stage {
                Stage::Open(session) => Poll::Ready(Ok(session.clone())),
                // The handle that opens it may never be polled again.
                Stage::Opening(_) if wait_limit.is_over(&*self.manager.clock, context.waker()) => {
                    Poll::Ready(Err(OpenGuard(self)))
                }
                Stage::Opening(waiting) => {
                    if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                        waiting.push(context.waker().clone());
                    }
                    Poll::Pending
                }
                Stage::Untouched => {
                    state.stage = Stage::Opening(Vec::new());
                    Poll::Ready(Err(OpenGuard(self)))
                }
            }
        })
        .await
    }
}

impl<'a, V: SessionValue> OpenGuard<'a, V> {
    fn open(self, incoming: Incoming) -> Io<'a, Result<OpenedSession<V>, Error>> {
        let Incoming { keys, client, touches, is_speculative } = incoming;
        let presented = keys.value_count() > 0;
        let mut open = Open::new(keys, client.as_ref().and_then(|client| client.address));
        if !touches {
            open = open.without_touch();
        } else if is_speculative {
            open = open.without_renewal();
        }
        self.run(open, Rest { client, presented })
    }

    #[inline(always)]
    fn run(
        self,
        open: Open<Arc<TypedValue<V>>>,
        rest: Rest,
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        match self.0.start(open) {
            Ok(opened) => Io::ready(self.finish(rest, opened)),
            Err(run) => Io::future(async move {
                let opened = run.await;
                self.finish(rest, opened)
            }),
        }
    }

    /// Records what was found.
    fn finish(
        self,
        rest: Rest,
        opened: Result<Opened<Arc<TypedValue<V>>>, Failure>,
    ) -> Result<OpenedSession<V>, Error> {
        let Opened { session, cookie, others, presented: replaced } = opened?;
        let Rest { client, presented } = rest;
        let mut state = self.0.lock();
        // There is nothing left to give up.
        std::mem::forget(self);
        (state.client, state.cookie) = (client, cookie);
        if replaced.is_some() || !others.is_empty() {
            let rare = state.rare.get_or_insert_default();
            (rare.presented, rare.others) = (replaced.map(|key| *key), others);
        }
        let before = std::mem::replace(&mut state.stage, Stage::Open(session.clone()));
        drop(state);
        before.wake();
        Ok(OpenedSession { session, presented })
    }
}

impl<V> State<V> {
    /// Why no session can be opened.
    fn mistake(&self) -> Option<Error> {
        let mistake = self.rare.as_ref()?.mistake.as_deref()?;
        Some(Error::shared_cookie(mistake))
    }

    /// Reads a request, and keeps what later operations depend on.
    fn read(&mut self, manager: &Manager<V>, request: &(impl Headers + ?Sized)) -> Incoming {
        let channel = &manager.channel;
        let Presented { keys, cookie_count, is_bound } = channel.read(request);
        let facts = &mut self.facts;
        let has_key = keys.value_count() > 0;
        // A token for another service says nothing.
        facts.is_bearer = has_key && cookie_count == 0 && keys.iter().next().is_some();
        facts.repeated = cookie_count > 1;
        facts.has_cookie = cookie_count > 0;
        facts.is_bound = is_bound;
        if facts.has_cookie {
            manager.cookie_returns.returned();
        } else if !manager.cookie_returns.is_certain() {
            facts.is_plain_http = is_plain_http(request);
        }
        facts.is_speculative = is_speculative(request, facts.method);
        // Where the request came from matters if the browser may have kept a cookie back, and for
        // sign-ins by requests that change something.
        let may_be_withheld = !has_key && channel.same_site != Some(SameSite::None);
        if may_be_withheld || !facts.method.is_safe() {
            let authority = self.rare.as_ref().and_then(|rare| rare.authority.as_deref());
            let (origin, looked_at) = origin_of(request, facts.method, authority);
            facts.origin = origin;
            if !has_key {
                facts.looked_at = looked_at;
            }
        }
        let (touches, is_speculative, peer) = (facts.touches, facts.is_speculative, self.peer);
        let clients = manager.clients.as_ref();
        let client = clients.map(|policy| Box::new(policy.read(request, peer)));
        Incoming { keys, client, touches, is_speculative }
    }
}

/// What the request keeps of its headers.
struct Rest {
    client: Option<Box<RequestClient>>,
    presented: bool,
}

impl<V> OpenedSession<V> {
    /// For a later handle. The session may be one that this request created, so it counts as
    /// presented.
    fn of_request(session: SessionState<V>) -> Self {
        Self { session, presented: true }
    }
}

impl<V: SessionValue> Drop for OpenGuard<'_, V> {
    /// Gives up, unless the session is open.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(state.stage, Stage::Opening(_)) {
            let before = std::mem::replace(&mut state.stage, Stage::Untouched);
            drop(state);
            before.wake();
        }
    }
}

impl<V> Stage<V> {
    /// Wakes the handles that wait, once the lock is released: a waker can use the session itself.
    #[inline]
    fn wake(self) {
        // There are almost never any, and iterating over nothing is not free.
        match self {
            Self::Opening(waiting) if !waiting.is_empty() => {
                waiting.into_iter().for_each(Waker::wake);
            }
            _ => {}
        }
    }
}

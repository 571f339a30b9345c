//! Opening the session that a request presents: once, however many handles ask for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{RequestState, Stage};
use crate::error::Error;
use crate::http::{Carrier, Headers, Presented, RequestClient, is_navigation};
use crate::key::Key;
use crate::manager::SessionState;
use crate::protocol::steps::{Open, Opened};
use crate::protocol::{CookieChange, Failure};
use crate::store::Io;
use crate::value::{SessionValue, TypedValue};

/// What opening the session needs from the request's headers.
pub(crate) struct Incoming {
    presented: Presented,
    client: Option<Box<RequestClient>>,
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
        match self.access() {
            Access::Opened(session) => Io::ready(Ok(OpenedSession::of_request(session))),
            Access::Open(guard) => guard.open(self.read(request), || is_navigation(request)),
            Access::Wait => self.wait(self.read(request), is_navigation(request)),
        }
    }

    /// Opens the session of one key, outside a request.
    pub(crate) fn open_key(&self, key: &Key) -> Io<'_, Result<OpenedSession<V>, Error>> {
        self.open(Incoming { presented: Presented::key(key.clone()), client: None }, false)
    }

    /// Opens the session of a request that was [read](RequestState::read) before.
    pub(crate) fn open(
        &self,
        incoming: Incoming,
        is_navigation: bool,
    ) -> Io<'_, Result<OpenedSession<V>, Error>> {
        match self.access() {
            Access::Opened(session) => Io::ready(Ok(OpenedSession::of_request(session))),
            Access::Open(guard) => guard.open(incoming, || is_navigation),
            Access::Wait => self.wait(incoming, is_navigation),
        }
    }

    /// Reads a request.
    pub(crate) fn read(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        let presented = self.manager.channel.read(request);
        let client = self.manager.clients.as_ref().map(|policy| {
            let peer = self.lock().peer;
            Box::new(policy.read(request, peer))
        });
        Incoming { presented, client }
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
    fn wait(
        &self,
        incoming: Incoming,
        is_navigation: bool,
    ) -> Io<'_, Result<OpenedSession<V>, Error>> {
        Io::future(async move {
            match self.claim().await {
                Ok(session) => Ok(OpenedSession::of_request(session)),
                Err(guard) => guard.open(incoming, || is_navigation).await,
            }
        })
    }

    async fn claim(&self) -> Result<SessionState<V>, OpenGuard<'_, V>> {
        poll_fn(|context| {
            let mut state = self.lock();
            match &mut state.stage {
                Stage::Open(session) => Poll::Ready(Ok(session.clone())),
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
    fn open(
        self,
        incoming: Incoming,
        is_navigation: impl FnOnce() -> bool,
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        let Incoming { presented: Presented { keys, carrier }, client } = incoming;
        let presented = keys.value_count() > 0;
        let repeated = keys.value_count() > 1;
        let address = client.as_ref().and_then(|client| client.address);
        let open = Open::new(keys, carrier == Carrier::Cookie, address);
        let rest = Rest { carrier, client, presented, repeated };
        match self.0.start(open) {
            Ok(opened) => Io::ready(self.finish(rest, opened, is_navigation)),
            Err(run) => {
                let is_navigation = is_navigation();
                Io::future(async move {
                    let opened = run.await;
                    self.finish(rest, opened, || is_navigation)
                })
            }
        }
    }

    /// Records what was found.
    fn finish(
        self,
        rest: Rest,
        opened: Result<Opened<Arc<TypedValue<V>>>, Failure>,
        is_navigation: impl FnOnce() -> bool,
    ) -> Result<OpenedSession<V>, Error> {
        let Opened { session, mut cookie, is_stale, .. } = opened?;
        if is_stale && is_navigation() {
            cookie = CookieChange::Remove;
        }
        let Rest { carrier, client, presented, repeated } = rest;
        let mut state = self.0.lock();
        // There is nothing left to give up.
        std::mem::forget(self);
        (state.carrier, state.client, state.cookie) = (carrier, client, cookie);
        state.repeated = repeated;
        let before = std::mem::replace(&mut state.stage, Stage::Open(session.clone()));
        drop(state);
        before.wake();
        Ok(OpenedSession { session, presented })
    }
}

/// What the request keeps of its headers.
struct Rest {
    carrier: Carrier,
    client: Option<Box<RequestClient>>,
    presented: bool,
    repeated: bool,
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

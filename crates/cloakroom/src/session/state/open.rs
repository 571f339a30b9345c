//! Opening the session that a request presents: once, however many handles ask.

use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Poll, Waker};

use super::{RequestState, SessionState, State};
use crate::error::Error;
use crate::http::{Carrier, Headers, Noted, Presented, is_navigation};
use crate::key::Key;
use crate::manager::{OpenOutcome, PendingLookup};
use crate::observe::Event;
use crate::protocol::{CookieChange, NoSession};
use crate::store::Io;
use crate::value::SessionValue;

/// What a request brings to the counter.
pub(crate) struct Incoming {
    presented: Presented,
    noted: Option<Box<Noted>>,
    /// Whether the answer replaces the page; looked up only for who does not open a session at once.
    is_navigation: bool,
}

/// What a request holds once it was opened.
pub(crate) struct OpenedSession<V> {
    pub(crate) holding: SessionState<V>,
    /// Whether it presented anything.
    pub(crate) presented: bool,
}

/// How a handle finds the shared.
enum Entry<'a, V: SessionValue> {
    /// The session was opened already.
    OpenOutcome(OpenedSession<V>),
    /// It is this handle's turn to open it.
    Turn(Turn<'a, V>),
    /// Another handle is opening it.
    Wait,
}

/// The turn of the handle that opens the session. Whoever is dropped on the way gives it up.
struct Turn<'a, V: SessionValue>(&'a RequestState<V>);

impl<V: SessionValue> RequestState<V> {
    /// Opens what `request` presents.
    ///
    /// At once, if the store answers at once and the session asks for nothing else.
    pub(crate) fn open_headers<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        match self.enter() {
            Entry::OpenOutcome(found) => Io::ready(Ok(found)),
            Entry::Turn(turn) => self.open(turn, self.read(request), || is_navigation(request)),
            Entry::Wait => self.wait(self.incoming(request)),
        }
    }

    /// Opens what one key opens, outside any request.
    pub(crate) fn open_key(&self, key: &Key) -> Io<'_, Result<OpenedSession<V>, Error>> {
        let (presented, noted) = (Presented::key(key.clone()), None);
        self.open_incoming(Incoming { presented, noted, is_navigation: false })
    }

    /// What a request brings, for a server whose futures may not borrow it.
    pub(crate) fn incoming(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        let incoming = self.read(request);
        Incoming {
            is_navigation: incoming.presented.values > 0 && is_navigation(request),
            ..incoming
        }
    }

    /// Opens what was brought if that is nothing, and nobody else is about to: no store is asked then. Or else gives it back.
    #[cfg(feature = "actix")]
    pub(crate) fn open_nothing(&self, incoming: Incoming) -> Result<OpenedSession<V>, Incoming> {
        if incoming.presented.values > 0 {
            return Err(incoming);
        }
        match self.enter() {
            Entry::OpenOutcome(found) => Ok(found),
            Entry::Turn(turn) => {
                Ok(turn.end(incoming, SessionState::Absent(NoSession::NoKey), CookieChange::Keep))
            }
            Entry::Wait => Err(incoming),
        }
    }

    /// Opens what was brought.
    pub(crate) fn open_incoming(
        &self,
        incoming: Incoming,
    ) -> Io<'_, Result<OpenedSession<V>, Error>> {
        match self.enter() {
            Entry::OpenOutcome(found) => Io::ready(Ok(found)),
            Entry::Turn(turn) => {
                let is_navigation = incoming.is_navigation;
                self.open(turn, incoming, || is_navigation)
            }
            Entry::Wait => self.wait(incoming),
        }
    }

    fn read(&self, request: &(impl Headers + ?Sized)) -> Incoming {
        let presented = self.manager.channel.read(request);
        let noted = self.manager.clients.as_ref().map(|policy| {
            let peer = self.lock().peer;
            Box::new(policy.note(request, peer))
        });
        Incoming { presented, noted, is_navigation: false }
    }

    /// Notes that the response depends on the session, and takes the turn if it is free.
    fn enter(&self) -> Entry<'_, V> {
        let mut state = self.lock();
        state.asked = true;
        if let Some(holding) = &state.holding {
            Entry::OpenOutcome(OpenedSession::again(holding))
        } else if std::mem::replace(&mut state.opening, true) {
            Entry::Wait
        } else {
            Entry::Turn(Turn(self))
        }
    }

    fn open<'a>(
        &'a self,
        turn: Turn<'a, V>,
        mut incoming: Incoming,
        is_navigation: impl FnOnce() -> bool,
    ) -> Io<'a, Result<OpenedSession<V>, Error>> {
        if incoming.presented.values == 0 {
            let nothing = SessionState::Absent(NoSession::NoKey);
            return Io::ready(Ok(turn.end(incoming, nothing, CookieChange::Keep)));
        }
        let asked = match self.ask_first(&incoming) {
            Ok(None) => None,
            Ok(Some((caller, lookup))) => match lookup.into_ready() {
                Ok(lookup) => match self.manager.open_at_once(caller, lookup) {
                    Ok(loaded) => {
                        return Io::ready(Ok(turn.end(
                            incoming,
                            SessionState::Live(loaded),
                            CookieChange::Keep,
                        )));
                    }
                    Err((caller, lookup)) => Some((caller, Io::ready(lookup))),
                },
                Err(lookup) => Some((caller, lookup)),
            },
            Err(error) => return Io::ready(Err(error)),
        };
        incoming.is_navigation = is_navigation();
        Io::future(async move {
            let (holding, cookie) = self.try_keys(&incoming, asked).await?;
            Ok(turn.end(incoming, holding, cookie))
        })
    }

    /// Waits for its turn, unless another handle has opened the session by then.
    fn wait(&self, incoming: Incoming) -> Io<'_, Result<OpenedSession<V>, Error>> {
        Io::future(async move {
            match self.turn().await {
                Ok(found) => Ok(found),
                Err(turn) => {
                    let is_navigation = incoming.is_navigation;
                    self.open(turn, incoming, || is_navigation).await
                }
            }
        })
    }

    async fn turn(&self) -> Result<OpenedSession<V>, Turn<'_, V>> {
        poll_fn(|context| {
            let mut state = self.lock();
            if let Some(holding) = &state.holding {
                return Poll::Ready(Ok(OpenedSession::again(holding)));
            }
            if state.opening {
                if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    state.waiting.push(context.waker().clone());
                }
                return Poll::Pending;
            }
            state.opening = true;
            Poll::Ready(Err(Turn(self)))
        })
        .await
    }

    /// Asks the store about the first key.
    fn ask_first(&self, incoming: &Incoming) -> Result<Option<PendingLookup<'_>>, Error> {
        let presented = &incoming.presented;
        if presented.values > 1 {
            self.manager.observe(&Event::MultipleKeys { count: presented.values });
        }
        let Some(key) = presented.keys().next() else { return Ok(None) };
        self.ask_about(key, incoming).map(Some)
    }

    fn ask_about(&self, key: &Key, incoming: &Incoming) -> Result<PendingLookup<'_>, Error> {
        let client: Option<IpAddr> = incoming.noted.as_ref().and_then(|noted| noted.address);
        let renews = incoming.presented.carrier == Carrier::Cookie;
        Ok(self.manager.ask(key.clone(), renews, client))
    }

    /// Tries the presented keys in order until one opens a session; else the most telling failure counts.
    async fn try_keys(
        &self,
        incoming: &Incoming,
        mut asked: Option<PendingLookup<'_>>,
    ) -> Result<(SessionState<V>, CookieChange), Error> {
        let presented = &incoming.presented;
        let mut found = if presented.values == 0 { NoSession::NoKey } else { NoSession::Unknown };
        let (mut superseded, mut copied) = (false, false);
        for key in presented.keys() {
            let (caller, lookup) = match asked.take() {
                Some(asked) => asked,
                None => self.ask_about(key, incoming)?,
            };
            match self.manager.open(caller, lookup.await).await? {
                OpenOutcome::Live(loaded, cookie) => {
                    return Ok((SessionState::Live(loaded), cookie));
                }
                OpenOutcome::Superseded => superseded = true,
                OpenOutcome::Reused => copied = true,
                OpenOutcome::Absent(no_session) if found == NoSession::Unknown => {
                    found = no_session
                }
                OpenOutcome::Absent(_) => {}
            }
        }
        if superseded {
            return Ok((SessionState::Superseded, CookieChange::Keep));
        }
        // Only a page the visitor navigates to may take the cookie away: a late answer to anything else
        // could remove a newer one.
        let stale = presented.values > 0 && incoming.is_navigation;
        let cookie = if stale { CookieChange::Remove } else { CookieChange::Keep };
        Ok((if copied { SessionState::Superseded } else { SessionState::Absent(found) }, cookie))
    }
}

impl<V: SessionValue> Turn<'_, V> {
    /// Holds what was found, unless another handle has ended it meanwhile, or begun one.
    fn end(
        self,
        incoming: Incoming,
        holding: SessionState<V>,
        cookie: CookieChange,
    ) -> OpenedSession<V> {
        let presented = incoming.presented.values > 0;
        let mut state = self.0.lock();
        state.carrier = incoming.presented.carrier;
        state.noted = incoming.noted;
        let holding = state.holding.get_or_insert(holding).clone();
        if matches!(state.cookie, CookieChange::Keep) {
            state.cookie = cookie;
        }
        // Given up in the same step.
        std::mem::forget(self);
        let waiting = state.give_up_turn();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        OpenedSession { holding, presented }
    }
}

impl<V> OpenedSession<V> {
    /// For a handle that comes later: what is loaded may be of this request's own making.
    fn again(holding: &SessionState<V>) -> Self {
        Self { holding: holding.clone(), presented: true }
    }
}

impl<V: SessionValue> Drop for Turn<'_, V> {
    fn drop(&mut self) {
        let waiting = self.0.lock().give_up_turn();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<V> State<V> {
    /// Those to be woken, once the lock is given up: a waker may look at the session itself.
    fn give_up_turn(&mut self) -> Vec<Waker> {
        self.opening = false;
        std::mem::take(&mut self.waiting)
    }
}

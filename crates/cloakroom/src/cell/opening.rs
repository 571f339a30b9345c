//! Opening the session that a request presents: once, however many handles ask.

use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Poll, Waker};

use super::{Cell, Holding, State};
use crate::client::Noted;
use crate::error::Error;
use crate::header_map::Headers;
use crate::io::Io;
use crate::key::Key;
use crate::manager::{Asked, Opened};
use crate::observer::Event;
use crate::protocol::{CookieChange, Vacancy};
use crate::transport::{Carrier, Presented, is_navigation};
use crate::value::Value;

/// What a request brings to the counter.
pub(crate) struct Arrival {
    presented: Presented,
    noted: Option<Box<Noted>>,
    /// Whether the answer replaces the page; looked up only for who does not open a session at once.
    is_navigation: bool,
}

/// What a request holds once it was opened.
pub(crate) struct Found<V> {
    pub(crate) holding: Holding<V>,
    /// Whether it presented anything.
    pub(crate) presented: bool,
}

/// How a handle finds the cell.
enum Entry<'a, V: Value> {
    /// The session was opened already.
    Opened(Found<V>),
    /// It is this handle's turn to open it.
    Turn(Turn<'a, V>),
    /// Another handle is opening it.
    Wait,
}

/// The turn of the handle that opens the session. Whoever is dropped on the way gives it up.
struct Turn<'a, V: Value>(&'a Cell<V>);

impl<V: Value> Cell<V> {
    /// Opens what `request` presents.
    ///
    /// At once, if the store answers at once and the session asks for nothing else.
    pub(crate) fn open_headers<'a>(
        &'a self,
        request: &(impl Headers + ?Sized),
    ) -> Io<'a, Result<Found<V>, Error>> {
        match self.enter() {
            Entry::Opened(found) => Io::ready(Ok(found)),
            Entry::Turn(turn) => self.open(turn, self.read(request), || is_navigation(request)),
            Entry::Wait => self.wait(self.arrival(request)),
        }
    }

    /// Opens what one key opens, outside any request.
    pub(crate) fn open_key(&self, key: &Key) -> Io<'_, Result<Found<V>, Error>> {
        let (presented, noted) = (Presented::key(key.clone()), None);
        self.open_arrival(Arrival { presented, noted, is_navigation: false })
    }

    /// What a request brings, for a server whose futures may not borrow it.
    pub(crate) fn arrival(&self, request: &(impl Headers + ?Sized)) -> Arrival {
        let arrival = self.read(request);
        Arrival { is_navigation: arrival.presented.values > 0 && is_navigation(request), ..arrival }
    }

    /// Opens what was brought if that is nothing, and nobody else is about to: no store is asked then. Or else gives it back.
    #[cfg(feature = "actix")]
    pub(crate) fn open_nothing(&self, arrival: Arrival) -> Result<Found<V>, Arrival> {
        if arrival.presented.values > 0 {
            return Err(arrival);
        }
        match self.enter() {
            Entry::Opened(found) => Ok(found),
            Entry::Turn(turn) => Ok(turn.end(arrival, Holding::Vacant(Vacancy::NoKey), CookieChange::Keep)),
            Entry::Wait => Err(arrival),
        }
    }

    /// Opens what was brought.
    pub(crate) fn open_arrival(&self, arrival: Arrival) -> Io<'_, Result<Found<V>, Error>> {
        match self.enter() {
            Entry::Opened(found) => Io::ready(Ok(found)),
            Entry::Turn(turn) => {
                let is_navigation = arrival.is_navigation;
                self.open(turn, arrival, || is_navigation)
            }
            Entry::Wait => self.wait(arrival),
        }
    }

    fn read(&self, request: &(impl Headers + ?Sized)) -> Arrival {
        let presented = self.manager.channel.read(request);
        let noted = self.manager.clients.as_ref().map(|policy| {
            let peer = self.lock().peer;
            Box::new(policy.note(request, peer))
        });
        Arrival { presented, noted, is_navigation: false }
    }

    /// Notes that the response depends on the session, and takes the turn if it is free.
    fn enter(&self) -> Entry<'_, V> {
        let mut state = self.lock();
        state.asked = true;
        if let Some(holding) = &state.holding {
            Entry::Opened(Found::again(holding))
        } else if std::mem::replace(&mut state.opening, true) {
            Entry::Wait
        } else {
            Entry::Turn(Turn(self))
        }
    }

    fn open<'a>(
        &'a self,
        turn: Turn<'a, V>,
        mut arrival: Arrival,
        is_navigation: impl FnOnce() -> bool,
    ) -> Io<'a, Result<Found<V>, Error>> {
        if arrival.presented.values == 0 {
            let nothing = Holding::Vacant(Vacancy::NoKey);
            return Io::ready(Ok(turn.end(arrival, nothing, CookieChange::Keep)));
        }
        let asked = match self.ask_first(&arrival) {
            Ok(None) => None,
            Ok(Some((caller, recalling))) => match recalling.at_once() {
                Ok(recalled) => match self.manager.open_at_once(caller, recalled) {
                    Ok(held) => {
                        return Io::ready(Ok(turn.end(arrival, Holding::Live(held), CookieChange::Keep)));
                    }
                    Err((caller, recalled)) => Some((caller, Io::ready(recalled))),
                },
                Err(recalling) => Some((caller, recalling)),
            },
            Err(error) => return Io::ready(Err(error)),
        };
        arrival.is_navigation = is_navigation();
        Io::future(async move {
            let (holding, cookie) = self.try_keys(&arrival, asked).await?;
            Ok(turn.end(arrival, holding, cookie))
        })
    }

    /// Waits for its turn, unless another handle has opened the session by then.
    fn wait(&self, arrival: Arrival) -> Io<'_, Result<Found<V>, Error>> {
        Io::future(async move {
            match self.turn().await {
                Ok(found) => Ok(found),
                Err(turn) => {
                    let is_navigation = arrival.is_navigation;
                    self.open(turn, arrival, || is_navigation).await
                }
            }
        })
    }

    async fn turn(&self) -> Result<Found<V>, Turn<'_, V>> {
        poll_fn(|context| {
            let mut state = self.lock();
            if let Some(holding) = &state.holding {
                return Poll::Ready(Ok(Found::again(holding)));
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
    fn ask_first(&self, arrival: &Arrival) -> Result<Option<Asked<'_>>, Error> {
        let presented = &arrival.presented;
        if presented.values > 1 {
            self.manager.observe(&Event::SeveralKeys { count: presented.values });
        }
        let Some(key) = presented.keys().next() else { return Ok(None) };
        self.ask_about(key, arrival).map(Some)
    }

    fn ask_about(&self, key: &Key, arrival: &Arrival) -> Result<Asked<'_>, Error> {
        let client: Option<IpAddr> = arrival.noted.as_ref().and_then(|noted| noted.address);
        self.manager.admit_client(client)?;
        let renews = arrival.presented.carrier == Carrier::Cookie;
        Ok(self.manager.ask(key.clone(), renews, client))
    }

    /// Tries the presented keys in order until one opens a session; else the most telling failure counts.
    async fn try_keys(
        &self,
        arrival: &Arrival,
        mut asked: Option<Asked<'_>>,
    ) -> Result<(Holding<V>, CookieChange), Error> {
        let presented = &arrival.presented;
        let mut found = if presented.values == 0 { Vacancy::NoKey } else { Vacancy::Unknown };
        let (mut superseded, mut copied) = (false, false);
        for key in presented.keys() {
            let (caller, recalling) = match asked.take() {
                Some(asked) => asked,
                None => self.ask_about(key, arrival)?,
            };
            match self.manager.open(caller, recalling.await).await? {
                Opened::Live(held, cookie) => return Ok((Holding::Live(held), cookie)),
                Opened::Superseded => superseded = true,
                Opened::Copied => copied = true,
                Opened::Vacant(vacancy) if found == Vacancy::Unknown => found = vacancy,
                Opened::Vacant(_) => {}
            }
        }
        if superseded {
            return Ok((Holding::Superseded, CookieChange::Keep));
        }
        // Only a page the visitor navigates to may take the cookie away: a late answer to anything else
        // could remove a newer one.
        let stale = presented.values > 0 && arrival.is_navigation;
        let cookie = if stale { CookieChange::Remove } else { CookieChange::Keep };
        Ok((if copied { Holding::Superseded } else { Holding::Vacant(found) }, cookie))
    }
}

impl<V: Value> Turn<'_, V> {
    /// Holds what was found, unless another handle has ended it meanwhile, or begun one.
    fn end(self, arrival: Arrival, holding: Holding<V>, cookie: CookieChange) -> Found<V> {
        let presented = arrival.presented.values > 0;
        let mut state = self.0.lock();
        state.carrier = arrival.presented.carrier;
        state.noted = arrival.noted;
        let holding = state.holding.get_or_insert(holding).clone();
        if matches!(state.cookie, CookieChange::Keep) {
            state.cookie = cookie;
        }
        // Given up in the same step.
        std::mem::forget(self);
        let waiting = state.give_up_turn();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Found { holding, presented }
    }
}

impl<V> Found<V> {
    /// For a handle that comes later: what is held may be of this request's own making.
    fn again(holding: &Holding<V>) -> Self {
        Self { holding: holding.clone(), presented: true }
    }
}

impl<V: Value> Drop for Turn<'_, V> {
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

//! The session a handler holds.

mod attending;
mod change;
mod elsewhere;
mod entries;
mod forms;
mod terms;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::cell::{Cell, Found, Holding};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::freshness::Assurance;
use crate::headers::ResponseHeaders;
use crate::key::{Key, SessionId};
use crate::lifetime::Lifetime;
use crate::login::Login;
use crate::manager::{Draft, Held, Manager, Plan};
use crate::observer::Event;
use crate::principal::Principal;
use crate::protocol::{self, SignIn, Vacancy};
use crate::record::EndReason;
use crate::time::Timestamp;
use crate::value::{DefaultKind, Kind, Value};

/// A visitor's session: read it through `&`, change it through `&mut`.
///
/// It dereferences to its value as this handle last saw it. Every change is in the store when its method returns
/// `Ok`. A *vacant* session has the default value and is stored by its first change. All handles of one request see
/// one session: each adopts what the others did before it acts.
///
/// # Cancellation
/// Any of these futures may be dropped at any point: what it was doing then happened whole or not at all. A dropped
/// change that minted a key may cost the request its cookie; it never leaves two working keys.
///
/// ```
/// # use cloakroom::{Lifetime, MemoryStore, Principal, Sessions};
/// # cloakroom::Io::future(async {
/// #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// let sessions: Sessions<Cart> = Sessions::new(MemoryStore::new())?;
/// let mut session = sessions.generate(Cart::default()).await?;
/// let count = session
///     .update(|cart| {
///         cart.items.push("hat".into());
///         cart.items.len()
///     })
///     .await?;
/// assert_eq!((count, session.items.len()), (1, 1));
///
/// session.login(&Principal::new("user-42")?).await?; // a fresh key; the old one opens nothing
/// session.logout().await?;
/// assert!(session.is_vacant());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[must_use = "a session that nobody looks at need not have been opened"]
pub struct Session<V: Value, K: Kind = DefaultKind> {
    cell: Arc<Cell<V>>,
    seen: Holding<V>,
    modified: bool,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> Session<V, K> {
    /// A handle on what the cell holds.
    pub(crate) fn of(cell: Arc<Cell<V>>) -> Self {
        let seen = cell.holding().unwrap_or(Holding::Vacant(Vacancy::NoKey));
        Self { cell, seen, modified: false, kind: PhantomData }
    }

    /// A handle on what was just found in the cell.
    pub(crate) fn found(cell: Arc<Cell<V>>, found: Found<V>) -> Self {
        Self { cell, seen: found.holding, modified: false, kind: PhantomData }
    }

    /// The value, as this handle last saw it; the default for a vacant session.
    pub fn value(&self) -> &V {
        let holder = self.held().and_then(|held| held.value.as_ref());
        &holder.unwrap_or(&self.manager().blank).value
    }

    /// True if there is no session yet, or no longer.
    pub fn is_vacant(&self) -> bool {
        self.held().is_none()
    }

    /// True if the session was given a value.
    pub(crate) fn is_set(&self) -> bool {
        self.held().is_some_and(|held| held.value.is_some())
    }

    pub(crate) fn is_superseded(&self) -> bool {
        matches!(self.seen, Holding::Superseded)
    }

    /// Why there is no session; `None` if there is one.
    ///
    /// [`Vacancy::Ended`] tells the holder of a key that opened it why it was ended: show it on the page.
    pub fn vacancy(&self) -> Option<Vacancy> {
        match &self.seen {
            Holding::Live(_) => None,
            Holding::Vacant(vacancy) => Some(*vacancy),
            Holding::Superseded => Some(Vacancy::Superseded),
            Holding::Over => Some(Vacancy::Ended(EndReason::Ended)),
        }
    }

    /// The public name of the session.
    pub fn id(&self) -> Option<SessionId> {
        self.held().map(Held::id)
    }

    /// The key that opens the session; `None` outside a request ([`Attendance`](crate::Attendance)).
    ///
    /// # Security
    /// For the visitor alone; a bearer client is given [`Key::expose`] in the answer to its login.
    pub fn key(&self) -> Option<&Key> {
        self.held().and_then(Held::key)
    }

    /// Who is signed in.
    pub fn principal(&self) -> Option<&Principal> {
        self.held().and_then(|held| held.record.principal())
    }

    /// When the visitor last proved who they are: signed in, or signed in again on this session.
    #[doc(alias = "signed_in")]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.held().and_then(|held| held.record.authenticated_at())
    }

    /// How well they proved it, as their [`Login`] said; the least if nobody is signed in.
    pub fn assurance(&self) -> Assurance {
        self.held().map_or_else(Assurance::default, |held| held.record.assurance())
    }

    /// What is known of the client that holds the key, if there is a session.
    pub fn client(&self) -> Option<&Client> {
        self.held().map(|held| held.record.client())
    }

    /// The lifetime of this session, or the one it would be given.
    pub fn lifetime(&self) -> Lifetime {
        self.held().map_or_else(|| self.manager().lifetime(), |held| *held.record.lifetime())
    }

    /// How long the session lives if nobody uses it again; zero if it is vacant.
    ///
    /// Uses are noted once per tenth of the idle timeout, so right after one this may be up to a tenth short.
    #[doc(alias = "expiry_period")]
    pub fn expires_in(&self) -> Duration {
        let now = self.manager().now();
        self.held().map_or(Duration::ZERO, |held| held.record.expires_at().since(now))
    }

    /// How long the session lives, if that is no more than `warning`: what a page tells its visitor ("60 seconds left").
    ///
    /// Loading a page is itself a use, so a page counts down from [`expires_in`](Session::expires_in) on its own.
    pub fn expires_within(&self, warning: Duration) -> Option<Duration> {
        Some(self.expires_in()).filter(|left| !self.is_vacant() && *left <= warning)
    }

    /// True once this handle has changed the session.
    #[doc(alias = "modified")]
    pub fn is_modified(&self) -> bool {
        self.modified
    }

    /// The headers that the response must carry for this session, as things stand.
    ///
    /// Asking twice gives the same. Behind [`SessionLayer`](crate::SessionLayer) there is no need to ask.
    #[doc(alias = "to_cookie_hdrs")]
    pub fn headers(&self) -> ResponseHeaders {
        self.cell.headers()
    }

    /// Changes the value; what the closure returns is returned once the change is in the store.
    ///
    /// The closure runs again on a fresh value each time another writer was first, so all concurrent updates count:
    /// let it do nothing but change the value. A value left as it was is not written.
    ///
    /// # Errors
    /// `NotFound` if the session ended meanwhile, `Superseded` if its key was replaced, `Conflict` if other writers won
    /// for 10 seconds, `Unavailable`, `Unfit`, and `HeadersSent` if a vacant session needs a key too late.
    pub async fn update<R>(&mut self, mut change: impl FnMut(&mut V) -> R) -> Result<R, Error> {
        match self.try_update(|value| Ok::<R, std::convert::Infallible>(change(value))).await? {
            Ok(result) => Ok(result),
            Err(never) => match never {},
        }
    }

    /// Changes the value unless the closure fails: then its error is returned and nothing is written.
    ///
    /// # Errors
    /// Outside, those of [`update`](Session::update); inside, the closure's own.
    pub async fn try_update<R, E>(
        &mut self,
        mut change: impl FnMut(&mut V) -> Result<R, E>,
    ) -> Result<Result<R, E>, Error> {
        self.adopt();
        self.check_writable()?;
        if self.is_vacant() {
            let (value, result) = {
                let mut value = V::clone(self.value());
                let result = match change(&mut value) {
                    Ok(result) => result,
                    failed => return Ok(failed),
                };
                if value == *self.value() {
                    return Ok(Ok(result));
                }
                (self.manager().holder(value), result)
            };
            if self.begin(value, self.manager().lifetime()).await? {
                return Ok(Ok(result));
            }
        }
        self.write(|manager, held, now| {
            let mut value = held.value.as_ref().map_or_else(V::default, |holder| holder.value.clone());
            let result = match change(&mut value) {
                Ok(result) => result,
                failed => return Ok(Plan::Keep(failed)),
            };
            Ok(change::to_value(manager, held, value, None, now).map(|()| Ok(result)))
        })
        .await
    }

    /// Puts `value` in place of the one there is, whatever that is. The session keeps its lifetime.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set(&mut self, value: V) -> Result<(), Error> {
        self.put(value, None).await
    }

    /// Puts `value` in place and lets the session end exactly `expiry` from now, in one write; see
    /// [`extend`](Session::extend).
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_for(&mut self, value: V, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        self.put(value, Some(expiry)).await
    }

    /// Lets the session end exactly `expiry` from now, sooner or later than it would have; the value is not rewritten.
    ///
    /// From then on no idle timeout cuts it short. Zero ends it now; more than 400 days means 400 days. If the cookie
    /// would end before the session, the key is renewed with it.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, and those of [`update`](Session::update).
    pub async fn extend(&mut self, expiry: Duration) -> Result<(), Error> {
        if expiry.is_zero() {
            return self.end().await;
        }
        self.adopt();
        self.outlive(self.lifetime().exactly(expiry), |record, now| protocol::extend(record, expiry, now))
            .await
    }

    /// Stores a vacant session at once; one that exists is left alone.
    ///
    /// # Errors
    /// `Superseded`, `HeadersSent`, `Unavailable`, `Unfit`; `NotFound` if this request ended the session.
    pub async fn start(&mut self) -> Result<(), Error> {
        self.adopt();
        if self.is_vacant() {
            let value = self.manager().holder(V::clone(self.value()));
            self.begin(value, self.manager().lifetime()).await?;
        }
        Ok(())
    }

    /// Ends the session. Its key opens nothing from now on, and the browser is told to forget it.
    ///
    /// Nothing revives it: a request in flight that writes later is refused. Ending a vacant session does nothing.
    /// This handle can write nothing more; [`logout`](Session::logout) leaves room for a farewell.
    ///
    /// # Errors
    /// `Unavailable` (try again: the session may live), `Superseded`.
    #[doc(alias = "clear")]
    #[doc(alias = "destroy")]
    #[doc(alias = "invalidate")]
    pub async fn end(&mut self) -> Result<(), Error> {
        self.finish(EndReason::Ended, Holding::Over).await
    }

    /// Signs the visitor out: ends the session and leaves a vacant one, whose first change begins a new session.
    ///
    /// # Errors
    /// Those of [`end`](Session::end).
    pub async fn logout(&mut self) -> Result<(), Error> {
        let after = Holding::Vacant(Vacancy::Ended(EndReason::SignedOut));
        self.finish(EndReason::SignedOut, after).await
    }

    /// Signs somebody in, under a fresh key: from now on the old one opens and writes nothing.
    ///
    /// Takes a `&Principal`, or a [`Login`] that says more. The value stays, unless somebody else was signed in: that
    /// session is ended and a new one begins. Both deadlines count from now. If the key was replaced meanwhile (a double
    /// click) a new session begins, so that whoever signs in ends signed in.
    ///
    /// # Errors
    /// `HeadersSent`, `Unavailable`, `Conflict`, `TooManySessions`, `LoginRevoked`; nobody is signed in then.
    #[doc(alias = "regenerate")]
    pub async fn login(&mut self, login: impl Into<Login>) -> Result<(), Error> {
        let login = login.into();
        self.adopt();
        self.cell.check_open()?;
        if let Some(held) = self.held() {
            match protocol::plan_sign_in(&held.record, &login.principal) {
                SignIn::Keep => match self.sign_in_here(&login).await {
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Superseded) => {}
                    done => return done,
                },
                SignIn::Switch => {
                    let id = held.id();
                    self.manager().end(id, EndReason::SignedInAsAnother).await?;
                }
            }
        }
        self.sign_in_anew(login).await
    }

    /// Gives the session a fresh key after the visitor's rights changed: from now on the old one opens and writes nothing.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, `Superseded`, `HeadersSent`, `Unavailable`, `Conflict`.
    #[doc(alias = "renew")]
    #[doc(alias = "cycle_id")]
    pub async fn elevate(&mut self) -> Result<(), Error> {
        self.adopt();
        self.cell.check_open()?;
        let fresh = self.manager().secret()?;
        self.write(|manager, held, now| {
            let key = held.key_with(&fresh);
            let record = protocol::replace_secret(&held.record, manager.verifier(&key), now);
            Ok(Plan::Write(Draft { record, value: held.value.clone(), fresh: Some(key) }, ()))
        })
        .await?;
        self.report_renewal();
        Ok(())
    }

    /// Sees what the other handles of this request did.
    fn adopt(&mut self) {
        if let Some(holding) = self.cell.news(&self.seen) {
            self.seen = holding;
        }
    }

    fn report_renewal(&self) {
        if let Some(id) = self.id() {
            self.manager().observe(&Event::Renewed { id });
        }
    }

    fn held(&self) -> Option<&Held<V>> {
        match &self.seen {
            Holding::Live(held) => Some(held),
            _ => None,
        }
    }

    fn manager(&self) -> &Manager<V> {
        &self.cell.manager
    }
}

impl<V: Value, K: Kind> Deref for Session<V, K> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value()
    }
}

impl<V: Value, K: Kind> fmt::Debug for Session<V, K> {
    /// Shows the id, never the key or the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "Session({id})"),
            None => f.write_str("Session(vacant)"),
        }
    }
}

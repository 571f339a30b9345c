//! Sessions that begin outside a request.

use std::sync::Arc;
use std::time::Duration;

use super::Sessions;
use crate::error::{Error, ErrorKind};
use crate::key::Carrier;
use crate::session::{RequestState, Session};
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Sessions<V, K> {
    /// Creates a session with this value and the current lifetime.
    ///
    /// It is stored when this returns.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate(&self, value: V) -> Result<Session<V, K>, Error> {
        let mut session = self.without_session(self.manager.policy.carrier());
        session.create(Some(value), self.lifetime()).await?;
        Ok(session)
    }

    /// Creates a session whose key travels as a bearer token: no cookie is set for it.
    ///
    /// Send the client [`Session::key`] in the response. The key opens nothing as a cookie, and is
    /// never renewed on a timer.
    ///
    /// # Errors
    /// `NoBearer` if the [`Transport`](crate::Transport) does not accept bearer keys;
    /// `Unavailable`, `Unfit`.
    pub async fn generate_bearer(&self, value: V) -> Result<Session<V, K>, Error> {
        if !self.manager.policy.bearer {
            return Err(Error::new(ErrorKind::NoBearer));
        }
        let mut session = self.without_session(Carrier::Bearer);
        session.create(Some(value), self.lifetime()).await?;
        Ok(session)
    }

    /// Creates a session that ends exactly `expiry` from now, or at the lifetime's absolute timeout
    /// if that is sooner; zero returns one that has already ended.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`.
    pub async fn generate_for(&self, value: V, expiry: Duration) -> Result<Session<V, K>, Error> {
        self.create(Some(value), Some(expiry)).await
    }

    /// Creates a session without a value: opening it fails with [`ErrorKind::NotSet`] until a value
    /// is set.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn allocate(&self) -> Result<Session<V, K>, Error> {
        self.create(None, None).await
    }

    /// Creates a session without a value that ends exactly `expiry` from now, as
    /// [`generate_for`](Sessions::generate_for) does.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn allocate_for(&self, expiry: Duration) -> Result<Session<V, K>, Error> {
        self.create(None, Some(expiry)).await
    }

    async fn create(
        &self,
        value: Option<V>,
        expiry: Option<Duration>,
    ) -> Result<Session<V, K>, Error> {
        self.begin(self.without_session(self.manager.policy.carrier()), value, expiry).await
    }

    /// Begins the session of this handle, which has none; it is over at once if the expiry is zero.
    pub(super) async fn begin(
        &self,
        mut session: Session<V, K>,
        value: Option<V>,
        expiry: Option<Duration>,
    ) -> Result<Session<V, K>, Error> {
        let lifetime = self.lifetime();
        match expiry {
            Some(Duration::ZERO) => session.end().await?,
            Some(expiry) => session.create(value, lifetime.exactly(expiry)).await?,
            None => session.create(value, lifetime).await?,
        }
        Ok(session)
    }

    fn without_session(&self, mints: Carrier) -> Session<V, K> {
        Session::of(Arc::new(RequestState::without_session(Arc::clone(&self.manager), mints)))
    }
}

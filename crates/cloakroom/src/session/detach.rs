//! From a request's session to one outside the request.

use std::sync::Arc;

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::manager::{LoadedSession, Manager};
use crate::protocol::NoSession;
use crate::session::{DetachedSession, RequestState, SessionGrant, SessionState};
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// A handle on this session that outlives the request: for a WebSocket, an event stream or a
    /// background job.
    ///
    /// # Errors
    /// `NotFound` if there is no session, `Superseded`.
    pub fn detach(&self) -> Result<DetachedSession<V, K>, Error> {
        match &self.seen {
            SessionState::Live(loaded) => {
                let (manager, family) =
                    (&self.shared.manager, loaded.record.credentials().family());
                Ok(DetachedSession::new(
                    Arc::clone(manager),
                    SessionGrant::new(loaded.id(), family, manager.kind),
                ))
            }
            SessionState::Superseded => Err(Error::new(ErrorKind::Superseded)),
            SessionState::Absent(_) | SessionState::Over => {
                Err(Error::not_found(self.no_session().unwrap_or(NoSession::Unknown)))
            }
        }
    }

    /// A session that was opened outside any request.
    pub(crate) fn detached(manager: Arc<Manager<V>>, loaded: LoadedSession<V>) -> Self {
        Self::of(Arc::new(RequestState::detached(manager, loaded)))
    }
}

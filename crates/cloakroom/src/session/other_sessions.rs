//! What a signed-in visitor does to their other sessions.

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::policy::Principal;
use crate::record::EndReason;
use crate::session::SessionState;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// Ends session `id` if the same principal is signed in on it; false if it is none of theirs, or has ended.
    ///
    /// Naming this very session ends it as [`logout`](Session::logout) does. Nobody has other sessions who is not signed in.
    ///
    /// # Errors
    /// `NotFound` if this session has ended meanwhile, `Superseded` if its key was replaced, `Unavailable`.
    pub async fn logout_other(&mut self, id: PublicId) -> Result<bool, Error> {
        self.adopt();
        if self.id() == Some(id) {
            return self.logout().await.map(|()| true);
        }
        match self.confirmed().await? {
            Some(principal) => {
                self.manager().end_of(&principal, id, EndReason::SignedOutElsewhere).await
            }
            None => Ok(false),
        }
    }

    /// Ends all other sessions of the same principal; how many there were.
    ///
    /// A login elsewhere that is in flight may still succeed after this.
    ///
    /// # Errors
    /// Those of [`logout_other`](Session::logout_other), some sessions may have been ended; `Corrupt` if a record could not
    /// be read, all others were ended.
    pub async fn logout_others(&mut self) -> Result<usize, Error> {
        let Some(principal) = self.confirmed().await? else { return Ok(0) };
        self.manager().end_all_of(&principal, self.id(), EndReason::SignedOutElsewhere).await
    }

    /// Signs the visitor out of all their sessions, this one last; how many others there were.
    ///
    /// # Errors
    /// Those of [`logout_others`](Session::logout_others); this session lives on then, to try again from.
    pub async fn logout_everywhere(&mut self) -> Result<usize, Error> {
        let others = self.logout_others().await?;
        self.logout().await?;
        Ok(others)
    }

    /// Who is signed in, once the store has said that this request's key opens the session still: a request in flight
    /// with a key that was replaced or signed out must not sign anybody out.
    async fn confirmed(&mut self) -> Result<Option<Principal>, Error> {
        self.adopt();
        match &self.seen {
            SessionState::Live(loaded) => {
                self.manager().reread(loaded).await?;
                Ok(self.principal().cloned())
            }
            SessionState::Superseded => Err(Error::new(ErrorKind::Superseded)),
            SessionState::Absent(_) | SessionState::Over => Ok(None),
        }
    }
}

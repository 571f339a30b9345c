//! What a signed-in user can do to their other sessions.

use std::convert::identity;

use super::Session;
use crate::error::Error;
use crate::key::PublicId;
use crate::manager::SessionState;
use crate::policy::{Login, Principal};
use crate::protocol::NoSession;
use crate::record::EndReason;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// Ends session `id`, of whatever kind, if the same principal is signed in on it.
    ///
    /// Returns false if it has ended or is not theirs.
    ///
    /// With this session's own id it does the same as [`logout`](Session::logout). Without a
    /// signed-in user there are no other sessions.
    ///
    /// # Errors
    /// `NotFound` if this session has ended, `Superseded` if its key was replaced, `Unavailable`.
    pub async fn logout_other(&mut self, id: PublicId) -> Result<bool, Error> {
        if matches!(self.request.session(), SessionState::Live(loaded) if loaded.id() == id) {
            return self.logout().await.map(|()| true);
        }
        match self.confirmed().await? {
            Some(principal) => {
                self.manager().end_one_of(&principal, id, EndReason::SignedOutElsewhere).await
            }
            None => Ok(false),
        }
    }

    /// Ends all other sessions of the same principal, of every kind on the store.
    ///
    /// Returns how many there were.
    ///
    /// A sign-in that is in progress elsewhere can still succeed afterwards.
    ///
    /// # Errors
    /// Those of [`logout_other`](Session::logout_other), when some sessions may have been ended;
    /// `Corrupt` if a record could not be read, when all others have been ended.
    pub async fn logout_others(&mut self) -> Result<usize, Error> {
        let Some(principal) = self.confirmed().await? else { return Ok(0) };
        self.manager().end_all_of(&principal, self.id(), EndReason::SignedOutElsewhere).await
    }

    /// Signs the user out of all their sessions, of every kind on the store, this one last.
    ///
    /// Returns how many others there were.
    ///
    /// # Errors
    /// Those of [`logout_others`](Session::logout_others). This session is still live then, so try
    /// again.
    pub async fn logout_everywhere(&mut self) -> Result<usize, Error> {
        let others = self.logout_others().await?;
        self.logout().await?;
        Ok(others)
    }

    /// Acts on a changed password, or another credential: gives this session a fresh key and ends
    /// all other sessions of the principal, of every kind on the store.
    ///
    /// Returns how many others there were. Call it once the new credential is in force. Sign-ins in
    /// progress that were proved before are refused
    /// ([`Login::with_authenticated_at`](crate::Login::with_authenticated_at)). The user counts as
    /// signed in now, with the assurance that they had, so ask for the old password first.
    ///
    /// ```
    /// # use cloakroom::{Error, Session, SessionMap};
    /// # async fn store_password(_: &str) {}
    /// async fn change(mut session: Session<SessionMap>, new: String) -> Result<(), Error> {
    ///     // .. the old password was checked ..
    ///     store_password(&new).await;
    ///     session.credentials_changed().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if no one is signed in, which is status 401; otherwise those of
    /// [`login`](Session::login) and [`logout_others`](Session::logout_others). Other sessions may
    /// be live then: try again.
    ///
    /// # Security
    /// OWASP Session Management Cheat Sheet, "Renew the Session ID After Any Privilege Level
    /// Change". A thief who is signed in with the old password is signed out.
    pub async fn credentials_changed(&mut self) -> Result<usize, Error> {
        let Some(principal) = self.confirmed().await? else {
            return Err(Error::never_open(NoSession::Unknown));
        };
        let changed = self.manager().now();
        let login = Login::of(&principal).with_assurance(self.assurance());
        self.login(login.with_authenticated_at(changed)).await?;
        let reason = EndReason::SignedOutElsewhere;
        let older = self.manager().revoke_before(&principal, changed, reason).await?;
        let newer = self.manager().end_all_of(&principal, self.id(), reason).await?;
        Ok(older + newer)
    }

    /// Who is signed in, once the store has confirmed that the key still opens the session: a
    /// request in flight whose key was replaced or signed out must not end other sessions.
    async fn confirmed(&mut self) -> Result<Option<Principal>, Error> {
        Ok(self.confirm(identity).await?.and_then(|loaded| loaded.record.principal().cloned()))
    }
}

//! A session's lifetime, its label, and what a sensitive operation requires of it.

use std::time::Duration;

use super::Session;
use crate::error::Error;
use crate::policy::{AuthRequirement, DeviceBinding, Lifetime};
use crate::protocol::steps::{Deadlines, Label, Reload, SetUntil, Write};
use crate::protocol::{self, NoSession};
use crate::time::Timestamp;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// When the session ends if it is not used again; `None` if there is no session.
    ///
    /// This is the deadline in the store. Uses are recorded once per tenth of the idle timeout, so
    /// it can be early by up to that much.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.loaded().map(|loaded| loaded.record.expires_at())
    }

    /// How long the session lasts, if that is no more than `warning`: for a message such as "60
    /// seconds left".
    ///
    /// Loading a page is itself a use, so a page has to count down from
    /// [`expires_in`](Session::expires_in).
    pub fn expires_within(&self, warning: Duration) -> Option<Duration> {
        Some(self.expires_in()).filter(|left| self.exists() && *left <= warning)
    }

    /// Makes a session whose lifetime another library decides end at `deadline`, which ends it if
    /// it has passed. The absolute timeout counts from now. The value is replaced if one is given.
    ///
    /// # Errors
    /// `NotFound` if there is no session, and those of [`update`](Session::update).
    #[doc(hidden)]
    pub async fn set_until(&mut self, value: Option<V>, deadline: Timestamp) -> Result<(), Error> {
        if deadline.has_passed(self.manager().now()) {
            return self.end().await;
        }
        let value = value.map(|value| self.manager().typed_value(value));
        self.run(|session| Write::new(session, SetUntil { value, deadline })).await
    }

    /// Gives the session a lifetime of its own, from now on ("keep me signed in").
    ///
    /// Later writes keep it.
    ///
    /// The key is renewed in the same write, so that the cookie lasts as long. A lifetime that the
    /// session has already renews it no more often than the renewal timeout would; in between, the
    /// absolute timeout counts from the last renewal. At sign-in, use
    /// [`Login::with_lifetime`](crate::Login::with_lifetime) instead. Creates the session if there
    /// is none.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_lifetime(&mut self, lifetime: Lifetime) -> Result<(), Error> {
        self.run(|session| Write::new(session, Deadlines::Lifetime(lifetime))).await
    }

    /// Sets the name that the user gives this client ("Kitchen tablet"); an empty name removes it.
    ///
    /// It is cut to [`ClientInfo::MAX_LABEL`](crate::policy::ClientInfo::MAX_LABEL) bytes, and
    /// shown in lists of the principal's sessions.
    ///
    /// # Errors
    /// `NotFound` if there is no session, and those of [`update`](Session::update).
    pub async fn set_label(&mut self, label: &str) -> Result<(), Error> {
        self.run(|session| Write::new(session, Label(label.into()))).await
    }

    /// Refuses a sensitive operation unless the user signed in recently enough and strongly enough.
    ///
    /// This asks the store itself, not a cache, so a session that was just ended anywhere is
    /// refused. If a user is signed in, it also asks for revocations
    /// ([`Sessions::revoke_issued_before`](crate::Sessions::revoke_issued_before)) that have not
    /// reached the session: two round trips.
    ///
    /// # Errors
    /// `StepUpRequired`, where [`Error::auth_shortfall`] says what is missing; `LoginRevoked`;
    /// `NotFound` if the session has ended, `Superseded`, `Unavailable`.
    pub async fn require(&mut self, requirement: AuthRequirement) -> Result<(), Error> {
        let loaded = self.confirm(Reload::checking_revocation).await?;
        let record = loaded.as_ref().map(|loaded| &loaded.record);
        let policy = self.manager().policy.device.as_ref();
        let bound_from = policy.and_then(DeviceBinding::required_for);
        if record.is_none() && self.no_session() == Some(NoSession::ProofNeeded) {
            return Err(Error::proof_needed());
        }
        let key = loaded.as_ref().and_then(|loaded| loaded.key());
        let presented = key.map(|key| key.verifier(self.manager().policy.kind));
        let now = self.manager().now();
        protocol::auth_shortfall(requirement, bound_from, record, presented.as_ref(), now)
            .map_or(Ok(()), |shortfall| Err(Error::step_up(shortfall)))
    }
}

//! A session's lifetime, its label, and what a sensitive operation requires of it.

use std::sync::Arc;

use super::{Session, update};
use crate::error::{Error, ErrorKind};
use crate::manager::{Draft, Plan};
use crate::policy::{AuthRequirement, Lifetime};
use crate::protocol;
use crate::record::Record;
use crate::session::SessionState;
use crate::time::Timestamp;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// Gives the session a lifetime of its own, from now on ("keep me signed in").
    ///
    /// Later writes keep it.
    ///
    /// The key is renewed in the same write, so that the cookie lasts as long. At sign-in, use
    /// [`Login::with_lifetime`](crate::Login::with_lifetime) instead. Creates the session if there
    /// is none.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_lifetime(&mut self, lifetime: Lifetime) -> Result<(), Error> {
        self.refresh();
        self.check_writable()?;
        if !self.exists() {
            let value = self.manager().typed_value(V::clone(self.value()));
            if self.begin(value, lifetime).await? {
                return Ok(());
            }
        }
        self.change_deadlines(lifetime, |record, now| {
            protocol::give_lifetime(record, lifetime, now)
        })
        .await
    }

    /// Changes the session's deadlines, and makes its cookie and its index entry last as long.
    pub(super) async fn change_deadlines(
        &mut self,
        lifetime: Lifetime,
        change: impl Fn(&Record, Timestamp) -> Record,
    ) -> Result<(), Error> {
        self.reindex(lifetime).await?;
        let can_renew = self.shared.can_renew();
        self.write(|manager, loaded, now| {
            let record = change(&loaded.record, now);
            let draft = Draft { record, value: loaded.value.clone(), fresh: None };
            Ok(Plan::Write(
                update::renew_if_cookie_ends_first(manager, loaded, draft, can_renew, now)?,
                (),
            ))
        })
        .await
    }

    /// Sets the name that the user gives this client ("Kitchen tablet"); an empty name removes it.
    ///
    /// It is cut to [`ClientInfo::MAX_LABEL`](crate::policy::ClientInfo::MAX_LABEL) bytes, and
    /// shown in lists of the principal's sessions.
    ///
    /// # Errors
    /// `NotFound` if there is no session, and those of [`update`](Session::update).
    pub async fn set_label(&mut self, label: &str) -> Result<(), Error> {
        self.refresh();
        self.write(|_, loaded, now| {
            let client = loaded.record.client().clone().with_label(label);
            if client == *loaded.record.client() {
                return Ok(Plan::Keep(()));
            }
            let record =
                protocol::used(&loaded.record, now).edited(|fields| fields.client = client);
            Ok(Plan::Write(Draft { record, value: loaded.value.clone(), fresh: None }, ()))
        })
        .await
    }

    /// Refuses a sensitive operation unless the user signed in recently enough and strongly enough.
    ///
    /// This asks the store itself, not a cache, so a session that was just ended anywhere is
    /// refused.
    ///
    /// # Errors
    /// `StepUpRequired`, where [`Error::auth_shortfall`] says what is missing; `NotFound` if the
    /// session has ended, `Superseded`, `Unavailable`.
    pub async fn require(&mut self, requirement: AuthRequirement) -> Result<(), Error> {
        self.refresh();
        let manager = Arc::clone(&self.shared.manager);
        let loaded = match &self.seen {
            SessionState::Live(loaded) => Some(manager.reread(loaded).await?),
            SessionState::Superseded => return Err(Error::new(ErrorKind::Superseded)),
            SessionState::Absent(_) | SessionState::Over => None,
        };
        let record = loaded.as_ref().map(|loaded| &loaded.record);
        protocol::auth_shortfall(requirement, record, manager.now())
            .map_or(Ok(()), |shortfall| Err(Error::step_up(shortfall)))
    }
}

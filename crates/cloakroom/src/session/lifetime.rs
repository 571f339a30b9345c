//! What a session is kept under: its lifetime, its name, and what a sensitive step asks of it.

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
    /// Gives the session a lifetime of its own, counted from now, which every later write keeps: "keep me signed in".
    ///
    /// The cookie follows: the key is renewed with it. At sign-in, say it with
    /// [`Login::with_lifetime`](crate::Login::with_lifetime). A vacant session is begun.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn set_lifetime(&mut self, lifetime: Lifetime) -> Result<(), Error> {
        self.adopt();
        self.check_writable()?;
        if !self.exists() {
            let value = self.manager().typed_value(V::clone(self.value()));
            if self.begin(value, lifetime).await? {
                return Ok(());
            }
        }
        self.outlive(lifetime, |record, now| protocol::give_lifetime(record, lifetime, now)).await
    }

    /// Changes the session's deadlines, and lets its cookie and its entry in the directory last as long.
    pub(super) async fn outlive(
        &mut self,
        lifetime: Lifetime,
        change: impl Fn(&Record, Timestamp) -> Record,
    ) -> Result<(), Error> {
        self.reindex(lifetime).await?;
        let renews = self.shared.renews();
        self.write(|manager, loaded, now| {
            let record = change(&loaded.record, now);
            let draft = Draft { record, value: loaded.value.clone(), fresh: None };
            Ok(Plan::Write(update::with_cookie_until(manager, loaded, draft, renews, now)?, ()))
        })
        .await
    }

    /// Names the client that holds this session, as its visitor calls it ("Kitchen tablet"); an empty name takes it away.
    ///
    /// Cut to [`ClientInfo::MAX_LABEL`](crate::policy::ClientInfo::MAX_LABEL) bytes; shown by lists of the principal's sessions.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, and those of [`update`](Session::update).
    pub async fn set_label(&mut self, label: &str) -> Result<(), Error> {
        self.adopt();
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

    /// Refuses a sensitive step unless the visitor proved lately, and well enough, who they are.
    ///
    /// Asks the store itself, so that a session that was ended a moment ago, anywhere, does nothing sensitive.
    ///
    /// # Errors
    /// `AuthShortfall`, with [`Error::auth_shortfall`] saying what is lacking; `NotFound` if the session has ended, `Superseded`,
    /// `Unavailable`.
    pub async fn require(&mut self, requirement: AuthRequirement) -> Result<(), Error> {
        self.adopt();
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

//! What a session is kept under: its lifetime, its name, and what a sensitive step asks of it.

use std::sync::Arc;

use super::{Session, change};
use crate::cell::Holding;
use crate::error::{Error, ErrorKind};
use crate::freshness::Freshness;
use crate::lifetime::Lifetime;
use crate::manager::{Draft, Plan};
use crate::protocol;
use crate::record::Record;
use crate::time::Timestamp;
use crate::value::{Kind, Value};

impl<V: Value, K: Kind> Session<V, K> {
    /// Gives the session a lifetime of its own, counted from now, which every later write keeps: "keep me signed in".
    ///
    /// The cookie follows: the key is renewed with it. At sign-in, say it with
    /// [`Login::with_lifetime`](crate::Login::with_lifetime). A vacant session is begun.
    ///
    /// # Errors
    /// Those of [`update`](Session::update).
    pub async fn live_for(&mut self, lifetime: Lifetime) -> Result<(), Error> {
        self.adopt();
        self.check_writable()?;
        if self.is_vacant() {
            let value = self.manager().holder(V::clone(self.value()));
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
        self.readmit(lifetime).await?;
        let renews = self.cell.renews();
        self.write(|manager, held, now| {
            let record = change(&held.record, now);
            let draft = Draft { record, value: held.value.clone(), fresh: None };
            Ok(Plan::Write(change::outlasting(manager, held, draft, renews, now)?, ()))
        })
        .await
    }

    /// Names the client that holds this session, as its visitor calls it ("Kitchen tablet"); an empty name takes it away.
    ///
    /// Cut to [`Client::MAX_LABEL`](crate::Client::MAX_LABEL) bytes; shown by lists of the principal's sessions.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, and those of [`update`](Session::update).
    pub async fn set_label(&mut self, label: &str) -> Result<(), Error> {
        self.adopt();
        self.write(|_, held, now| {
            let client = held.record.client().clone().with_label(label);
            if client == *held.record.client() {
                return Ok(Plan::Keep(()));
            }
            let record = protocol::used(&held.record, now).edited(|facts| facts.client = client);
            Ok(Plan::Write(Draft { record, value: held.value.clone(), fresh: None }, ()))
        })
        .await
    }

    /// Refuses a sensitive step unless the visitor proved lately, and well enough, who they are.
    ///
    /// Asks the store itself, so that a session that was ended a moment ago, anywhere, does nothing sensitive.
    ///
    /// # Errors
    /// `Unmet`, with [`Error::unmet`] saying what is lacking; `NotFound` if the session has ended, `Superseded`,
    /// `Unavailable`.
    pub async fn require(&mut self, freshness: Freshness) -> Result<(), Error> {
        self.adopt();
        let manager = Arc::clone(&self.cell.manager);
        let held = match &self.seen {
            Holding::Live(held) => Some(manager.reread(held).await?),
            Holding::Superseded => return Err(Error::new(ErrorKind::Superseded)),
            Holding::Vacant(_) | Holding::Over => None,
        };
        let record = held.as_ref().map(|held| &held.record);
        freshness.unmet(record, manager.now()).map_or(Ok(()), |unmet| Err(Error::stale(unmet)))
    }
}

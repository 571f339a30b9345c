//! Opening a session by its key family, outside a request.

use super::{Credential, LoadedSession, Manager};
use crate::error::Error;
use crate::key::{KeyFamily, PublicId};
use crate::protocol::{self, KeyStatus};
use crate::store::Lookup;
use crate::value::SessionValue;

impl<V: SessionValue> Manager<V> {
    /// The session as it is now, for the holder of a grant. This is not a use of the session.
    pub(crate) async fn detached(
        &self,
        id: PublicId,
        family: KeyFamily,
    ) -> Result<LoadedSession<V>, Error> {
        let credential = Credential::KeyFamily(id, family);
        match self.store.get_cached(id).await? {
            // A cache's copy can confirm a session, but only the store can deny it.
            Lookup::Cached(record)
                if self.judge_credential(&record, &credential) == KeyStatus::Valid =>
            {
                self.load_record(&credential, record)
            }
            Lookup::Cached(_) => self.load_stored(&credential, self.store.get(id).await?),
            Lookup::Authoritative(stored) => self.load_stored(&credential, stored),
        }
    }

    /// Records a use of a session, if the last one was recorded long enough ago.
    ///
    /// If the store refuses, the session may have changed or ended since it was cached, so it is
    /// read again.
    pub(crate) async fn record_use(
        &self,
        loaded: LoadedSession<V>,
    ) -> Result<LoadedSession<V>, Error> {
        let Some(deadline) = protocol::touch_due(&loaded.record, self.now()) else {
            return Ok(loaded);
        };
        match self.store.touch(loaded.id(), loaded.record.revision(), deadline).await {
            Ok(true) => Ok(LoadedSession {
                record: loaded.record.clone().with_idle_deadline(deadline),
                ..loaded
            }),
            Ok(false) => self.reread(&loaded).await,
            Err(_) => Ok(loaded),
        }
    }
}

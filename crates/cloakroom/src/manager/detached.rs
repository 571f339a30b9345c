//! Sessions loaded by their family, outside any request.

use super::{Credential, LoadedSession, Manager};
use crate::error::Error;
use crate::key::{KeyFamily, PublicId};
use crate::protocol::{self, KeyStatus};
use crate::store::Lookup;
use crate::value::SessionValue;

impl<V: SessionValue> Manager<V> {
    /// The session as it stands, for who loaded a secret of this family. No use of it is noted.
    pub(crate) async fn detached(
        &self,
        id: PublicId,
        family: KeyFamily,
    ) -> Result<LoadedSession<V>, Error> {
        let credential = Credential::KeyFamily(id, family);
        match self.store.get_cached(id).await? {
            // A near cache may say yes, never no.
            Lookup::Cached(record)
                if self.judge_credential(&record, &credential) == KeyStatus::Valid =>
            {
                self.recognise(&credential, record)
            }
            Lookup::Cached(_) => self.found(&credential, self.store.get(id).await?),
            Lookup::Authoritative(stored) => self.found(&credential, stored),
        }
    }

    /// Notes a use of a session loaded outside a request, if the last one noted is long enough ago.
    ///
    /// A store that refuses the note knows better than a near cache: it is asked.
    pub(crate) async fn note_use(
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

//! Sessions held by their lineage, outside any request.

use super::{Claim, Held, Manager};
use crate::error::Error;
use crate::key::{Lineage, SessionId};
use crate::protocol::{self, Standing};
use crate::store::Recalled;
use crate::value::Value;

impl<V: Value> Manager<V> {
    /// The session as it stands, for who held a secret of this lineage. No use of it is noted.
    pub(crate) async fn attend(&self, id: SessionId, lineage: Lineage) -> Result<Held<V>, Error> {
        let claim = Claim::Lineage(id, lineage);
        match self.store.recall(id).await? {
            // A near cache may say yes, never no.
            Recalled::Remembered(record) if self.judge_claim(&record, &claim) == Standing::Live => {
                self.recognise(&claim, record)
            }
            Recalled::Remembered(_) => self.found(&claim, self.store.get(id).await?),
            Recalled::Fresh(stored) => self.found(&claim, stored),
        }
    }

    /// Notes a use of a session held outside a request, if the last one noted is long enough ago.
    ///
    /// A store that refuses the note knows better than a near cache: it is asked.
    pub(crate) async fn note_use(&self, held: Held<V>) -> Result<Held<V>, Error> {
        let Some(deadline) = protocol::touch_due(&held.record, self.now()) else { return Ok(held) };
        match self.store.touch(held.id(), held.record.revision(), deadline).await {
            Ok(true) => Ok(Held { record: held.record.clone().with_idle_deadline(deadline), ..held }),
            Ok(false) => self.reread(&held).await,
            Err(_) => Ok(held),
        }
    }
}

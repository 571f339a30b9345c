//! What two stores tell, as if one told it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Moving;
use crate::key::SessionId;
use crate::record::Revision;
use crate::store::{Listener, Store, StoreError};
use crate::time::Timestamp;

impl<Old: Store, New: Store> Moving<Old, New> {
    /// Only if both can tell: who hears of the changes in one alone knows too little.
    pub(super) async fn listen_to_both(&self, listener: Arc<dyn Listener>) -> Result<bool, StoreError> {
        let heard = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let half =
            |which| Arc::new(Half { which, heard: Arc::clone(&heard), listener: Arc::clone(&listener) });
        Ok(self.old().listen(half(0)).await? && self.new_store().listen(half(1)).await?)
    }
}

/// Passes on what one of the stores tells.
#[derive(Debug)]
struct Half {
    which: usize,
    /// Up to when each store has told all, in milliseconds of the listener's clock.
    heard: Arc<[AtomicU64; 2]>,
    listener: Arc<dyn Listener>,
}

impl Listener for Half {
    fn changed(&self, id: SessionId, revision: Option<Revision>) {
        self.listener.changed(id, revision);
    }

    fn now(&self) -> Timestamp {
        self.listener.now()
    }

    fn heard(&self, moment: Timestamp) {
        self.heard[self.which].fetch_max(moment.as_millis(), Ordering::AcqRel);
        let both = self.heard.iter().map(|heard| heard.load(Ordering::Acquire)).min().unwrap_or_default();
        if both > 0 {
            self.listener.heard(Timestamp::from_millis(both));
        }
    }

    fn lost(&self) {
        self.heard[self.which].store(0, Ordering::Release);
        self.listener.lost();
    }
}

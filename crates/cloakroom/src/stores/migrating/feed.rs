//! What two stores tell, as if one told it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::MigratingStore;
use crate::key::PublicId;
use crate::record::Revision;
use crate::store::{Store, StoreError, Subscriber};
use crate::time::Timestamp;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    /// Only if both can tell: who hears of the changes in one alone knows too little.
    pub(super) async fn listen_to_both(
        &self,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<bool, StoreError> {
        let caught_up_to = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let half = |which| {
            Arc::new(Half {
                which,
                caught_up_to: Arc::clone(&caught_up_to),
                subscriber: Arc::clone(&subscriber),
            })
        };
        Ok(self.old().subscribe(half(0)).await? && self.new_store().subscribe(half(1)).await?)
    }
}

/// Passes on what one of the stores tells.
#[derive(Debug)]
struct Half {
    which: usize,
    /// Up to when each store has told all, in milliseconds of the subscriber's clock.
    caught_up_to: Arc<[AtomicU64; 2]>,
    subscriber: Arc<dyn Subscriber>,
}

impl Subscriber for Half {
    fn changed(&self, id: PublicId, revision: Option<Revision>) {
        self.subscriber.changed(id, revision);
    }

    fn now(&self) -> Timestamp {
        self.subscriber.now()
    }

    fn caught_up_to(&self, moment: Timestamp) {
        self.caught_up_to[self.which].fetch_max(moment.as_millis(), Ordering::AcqRel);
        let both = self
            .caught_up_to
            .iter()
            .map(|caught_up_to| caught_up_to.load(Ordering::Acquire))
            .min()
            .unwrap_or_default();
        if both > 0 {
            self.subscriber.caught_up_to(Timestamp::from_millis(both));
        }
    }

    fn gap(&self) {
        self.caught_up_to[self.which].store(0, Ordering::Release);
        self.subscriber.gap();
    }
}

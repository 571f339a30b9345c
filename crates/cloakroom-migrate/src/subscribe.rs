//! The change feeds of both stores as one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom::record::Revision;
use cloakroom::store::{StoreError, Subscriber};
use cloakroom::{PublicId, Store, Timestamp};

use crate::MigratingStore;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    /// True only if both stores have a feed: the changes of one alone are not enough.
    pub(crate) async fn subscribe_to_both(
        &self,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<bool, StoreError> {
        let caught_up_to = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let feed = |which| {
            Arc::new(Feed {
                which,
                caught_up_to: Arc::clone(&caught_up_to),
                subscriber: Arc::clone(&subscriber),
            })
        };
        Ok(self.old.subscribe(feed(0)).await? && self.new.subscribe(feed(1)).await?)
    }
}

/// Forwards what one of the two stores reports.
#[derive(Debug)]
struct Feed {
    which: usize,
    /// How far each store has caught up, in milliseconds of the subscriber's clock; 0 if unknown.
    caught_up_to: Arc<[AtomicU64; 2]>,
    subscriber: Arc<dyn Subscriber>,
}

impl Subscriber for Feed {
    fn changed(&self, id: PublicId, revision: Option<Revision>) {
        self.subscriber.changed(id, revision);
    }

    fn now(&self) -> Timestamp {
        self.subscriber.now()
    }

    fn caught_up_to(&self, moment: Timestamp) {
        let [old, new] = &*self.caught_up_to;
        self.caught_up_to[self.which].fetch_max(moment.as_millis(), Ordering::AcqRel);
        let both = old.load(Ordering::Acquire).min(new.load(Ordering::Acquire));
        if both > 0 {
            self.subscriber.caught_up_to(Timestamp::from_millis(both));
        }
    }

    fn gap(&self) {
        self.caught_up_to[self.which].store(0, Ordering::Release);
        self.subscriber.gap();
    }
}

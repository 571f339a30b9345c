//! A principal's sessions: listing them, and ending them.

use super::Manager;
use crate::error::Error;
use crate::key::PublicId;
use crate::manager::Summary;
use crate::observe::Event;
use crate::policy::Principal;
use crate::protocol;
use crate::protocol::steps::{EndAll, EndById};
use crate::record::EndReason;
use crate::store::{Page, StoreErrorKind};
use crate::time::Timestamp;
use crate::value::{CodecError, SessionValue};

impl<V: SessionValue> Manager<V> {
    /// At most `page.limit()` live sessions of `principal` and of this kind, in the order of their
    /// ids; fewer only at the end.
    pub(crate) async fn list(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Result<Vec<Summary<V>>, Error> {
        let mut listed = Vec::new();
        let mut names = page;
        while listed.len() < page.limit() {
            let ids = self.store.sessions_of(principal, Some(self.policy.kind), names).await?;
            for id in &ids {
                if listed.len() == page.limit() {
                    break;
                }
                match self.store.get(*id).await {
                    Ok(stored) => {
                        let now = self.now();
                        let Some(record) = protocol::live_record_of(stored, principal, now) else {
                            continue;
                        };
                        // A value that cannot be decoded is reported, and its session listed
                        // without it.
                        let value = record.payload().open(&self.coding);
                        let report = |error: &CodecError| {
                            self.observe(&Event::Unreadable { id: *id, error });
                        };
                        let value = value.inspect_err(report).unwrap_or_default();
                        listed.push(Summary::new(*id, record, value));
                    }
                    // No one can open such a record, and it must not make every list fail.
                    Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
                    Err(error) => return Err(error.into()),
                }
            }
            match ids.last() {
                Some(last) if ids.len() == names.limit() => names = names.after(*last),
                _ => break,
            }
        }
        Ok(listed)
    }

    /// Ends session `id`. A session that is gone or has ended counts as success.
    pub(crate) async fn end(&self, id: PublicId, reason: EndReason) -> Result<(), Error> {
        Ok(self.run(EndById { id, reason }).await?)
    }

    /// Ends session `id` if `principal` is signed in on it. Returns whether they are.
    pub(crate) async fn end_one_of(
        &self,
        principal: &Principal,
        id: PublicId,
        reason: EndReason,
    ) -> Result<bool, Error> {
        Ok(self.run(EndAll::one(id, principal.clone(), reason)).await? > 0)
    }

    /// Ends all sessions of `principal`, of every kind, whose sign-in is older than `before`, and
    /// refuses sign-ins in flight that are.
    pub(crate) async fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        reason: EndReason,
    ) -> Result<usize, Error> {
        Ok(self.run(EndAll::older_than(before, principal.clone(), reason)).await?)
    }

    /// Ends all sessions of `principal`, of every kind, and has the store forget them.
    pub(crate) async fn erase(&self, principal: &Principal) -> Result<usize, Error> {
        Ok(self.run(EndAll::erasing(self.now(), principal.clone())).await?)
    }

    /// Ends all sessions of `principal`, of every kind, except `kept`. Returns how many there were.
    pub(crate) async fn end_all_of(
        &self,
        principal: &Principal,
        kept: Option<PublicId>,
        reason: EndReason,
    ) -> Result<usize, Error> {
        Ok(self.run(EndAll::of(principal.clone(), kept, reason)).await?)
    }

    /// Ends all sessions of `principal` that are of this kind. Returns how many there were.
    pub(crate) async fn end_kind_of(
        &self,
        principal: &Principal,
        reason: EndReason,
    ) -> Result<usize, Error> {
        let all = EndAll::of(principal.clone(), None, reason);
        Ok(self.run(all.of_kind(self.policy.kind)).await?)
    }
}

//! Who is signed in where, while that is in two directories: what one of them does not permit is not permitted, and what one of
//! them lists is listed. So a limit or a revocation holds among nodes that use both and nodes that use either.

use super::Moving;
use super::store::half_done;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::store::{Admission, Admitted, Page, Store, StoreError};
use crate::time::Timestamp;

impl<Old: Store, New: Store> Moving<Old, New> {
    pub(super) async fn admit_to_both(&self, admission: Admission) -> Result<Admitted, StoreError> {
        match self.old().admit(admission.clone()).await? {
            Admitted::Done => self.new_store().admit(admission).await.map_err(half_done),
            refused => Ok(refused),
        }
    }

    pub(super) async fn revoke_in_both(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.new_store().revoke_before(principal, before, until).await?;
        self.old().revoke_before(principal, before, until).await.map_err(half_done)
    }

    pub(super) async fn ids_in_both(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut ids = self.old().ids_of(principal, page).await?;
        ids.extend(self.new_store().ids_of(principal, page).await?);
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(page.limit());
        Ok(ids)
    }
}

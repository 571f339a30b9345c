//! Who is signed in where, while that is in two directories: what one of them does not permit is not permitted, and what one of
//! them lists is listed. So a limit or a revocation holds among nodes that use both and nodes that use either.

use super::MigratingStore;
use super::store::half_done;
use crate::key::PublicId;
use crate::policy::Principal;
use crate::store::{IndexLogin, Indexed, Page, Store, StoreError};
use crate::time::Timestamp;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    pub(super) async fn admit_to_both(&self, admission: IndexLogin) -> Result<Indexed, StoreError> {
        match self.old().index_login(admission.clone()).await? {
            Indexed::Done => self.new_store().index_login(admission).await.map_err(half_done),
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
    ) -> Result<Vec<PublicId>, StoreError> {
        let mut ids = self.old().sessions_of(principal, page).await?;
        ids.extend(self.new_store().sessions_of(principal, page).await?);
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(page.limit());
        Ok(ids)
    }
}

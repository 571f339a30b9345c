//! The principal indexes of both stores as one.
//!
//! A sign-in must be accepted by both, and a listing contains what either lists. So limits and
//! revocations hold while some nodes use one store and some use both.

use cloakroom::key::KindTag;
use cloakroom::store::{IndexLogin, Indexed, Page, StoreError};
use cloakroom::{Principal, PublicId, Store, Timestamp};

use crate::MigratingStore;
use crate::store::second_step_failed;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
    pub(crate) async fn index_in_both(&self, login: IndexLogin) -> Result<Indexed, StoreError> {
        match self.old.index_login(login.clone()).await? {
            Indexed::Done => self.new.index_login(login).await.map_err(second_step_failed),
            refused => Ok(refused),
        }
    }

    pub(crate) async fn revoke_in_both(
        &self,
        principal: &Principal,
        before: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.new.revoke_before(principal, before, until).await?;
        self.old.revoke_before(principal, before, until).await.map_err(second_step_failed)
    }

    pub(crate) async fn erase_in_both(
        &self,
        principal: &Principal,
        ended: Vec<PublicId>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.new.erase(principal, ended.clone(), until).await?;
        self.old.erase(principal, ended, until).await.map_err(second_step_failed)
    }

    pub(crate) async fn sessions_in_both(
        &self,
        principal: &Principal,
        kind: Option<KindTag>,
        page: Page,
    ) -> Result<Vec<PublicId>, StoreError> {
        let mut ids = self.old.sessions_of(principal, kind, page).await?;
        ids.extend(self.new.sessions_of(principal, kind, page).await?);
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(page.limit());
        Ok(ids)
    }
}

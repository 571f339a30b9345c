//! The principal index, with revocations.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use cloakroom::protocol::judge_index_login;
use cloakroom::store::{IndexEntry, IndexLogin, Indexed};
use cloakroom::{Principal, Timestamp};

use super::{Flaw, Naive};

impl Naive {
    pub(super) fn revocations(&self) -> MutexGuard<'_, BTreeMap<String, (Timestamp, Timestamp)>> {
        self.revocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revoked_as(&self, principal: &Principal) -> String {
        if self.has(Flaw::RevocationsApplyToEveryone) {
            String::new()
        } else {
            self.name(principal)
        }
    }

    pub(super) fn apply_index_login(&self, login: &IndexLogin) -> Indexed {
        let name = self.name(&login.principal);
        let id = self.id(login.id);
        let watermark =
            self.revocations().get(&self.revoked_as(&login.principal)).map(|known| known.0);
        let mut index = self.index();
        let entries = index.entry(name.clone()).or_default();
        for seen in &login.replacing {
            if self.has(Flaw::IndexLoginReplacesChangedEntries)
                || entries.get(&seen.id) == Some(&seen.until)
            {
                entries.remove(&seen.id);
            }
        }
        let mut request = login.clone();
        if self.has(Flaw::IndexLoginIgnoresTheLimit) {
            request.limit = None;
        }
        let is_indexed =
            entries.contains_key(&id) && !self.has(Flaw::IndexLoginCountsTheSessionItself);
        let watermark = watermark.filter(|_| !self.has(Flaw::IndexLoginForgetsRevocations));
        let others: Vec<IndexEntry> =
            entries.iter().map(|(id, until)| IndexEntry::new(*id, *until)).collect();
        let answer = judge_index_login(&request, watermark, is_indexed, others.into_iter());
        if self.has(Flaw::IndexLoginReadsThenWrites) {
            drop(index);
            self.wait_for_readers(4);
            index = self.index();
        }
        if answer == Indexed::Done {
            let until = index.entry(name).or_default().entry(id).or_insert(login.until);
            if !self.has(Flaw::FirstDeadlineWins) {
                *until = login.until.max(*until);
            }
        }
        answer
    }
}

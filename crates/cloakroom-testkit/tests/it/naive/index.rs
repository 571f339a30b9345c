//! The principal index, with revocations.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use cloakroom::key::KindTag;
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
                || entries.get(&seen.id).is_some_and(|entry| entry.until == seen.until)
            {
                entries.remove(&seen.id);
            }
        }
        let mut request = login.clone();
        if self.has(Flaw::IndexLoginIgnoresTheLimit) {
            request.limit = None;
        }
        if self.has(Flaw::IndexLoginCountsEveryKind) {
            request.counted = None;
        }
        if self.has(Flaw::IndexLoginCountsItsOwnKindOnly) {
            request.counted = Some(request.kind);
        }
        let is_indexed =
            entries.contains_key(&id) && !self.has(Flaw::IndexLoginCountsTheSessionItself);
        let is_spared = self.has(Flaw::IndexLoginForgetsRevocations)
            || (self.has(Flaw::RevocationsApplyToOneKind) && login.kind != KindTag::DEFAULT);
        let watermark = watermark.filter(|_| !is_spared);
        let read = if self.has(Flaw::IndexLoginCountsAmongTheFirstEntries) {
            login.max_listed()
        } else {
            usize::MAX
        };
        let others: Vec<IndexEntry> = entries.values().copied().take(read).collect();
        let answer = judge_index_login(&request, watermark, is_indexed, others.into_iter());
        if self.has(Flaw::IndexLoginReadsThenWrites) {
            drop(index);
            self.wait_for_readers(4);
            index = self.index();
        }
        if answer == Indexed::Done {
            let new = IndexEntry::new(id, login.kind, login.until);
            let entry = index.entry(name).or_default().entry(id).or_insert(new);
            if !self.has(Flaw::FirstDeadlineWins) {
                entry.until = login.until.max(entry.until);
            }
        }
        answer
    }
}

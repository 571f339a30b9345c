//! Who signed in where, and up to when that was revoked.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use cloakroom::store::{IndexEntry, IndexLogin, Indexed, judge_index_login};
use cloakroom::{Principal, Timestamp};

use super::{Flaw, Naive};

impl Naive {
    pub(super) fn revocations(&self) -> MutexGuard<'_, BTreeMap<String, (Timestamp, Timestamp)>> {
        self.revocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revoked_as(&self, principal: &Principal) -> String {
        if self.has(Flaw::RevocationsAreEverybodys) { String::new() } else { self.name(principal) }
    }

    pub(super) fn admitted(&self, admission: &IndexLogin) -> Indexed {
        let name = self.name(&admission.principal);
        let id = self.id(admission.id);
        let watermark =
            self.revocations().get(&self.revoked_as(&admission.principal)).map(|known| known.0);
        let mut directory = self.directory();
        let entries = directory.entry(name.clone()).or_default();
        for seen in &admission.replacing {
            if self.has(Flaw::AdmitReplacesWhatChanged)
                || entries.get(&seen.id) == Some(&seen.until)
            {
                entries.remove(&seen.id);
            }
        }
        let mut asked = admission.clone();
        if self.has(Flaw::AdmitIgnoresTheLimit) {
            asked.limit = None;
        }
        let is_in = entries.contains_key(&id) && !self.has(Flaw::AdmitCountsThoseAlreadyIn);
        let watermark = watermark.filter(|_| !self.has(Flaw::AdmitForgetsRevocations));
        let others: Vec<IndexEntry> =
            entries.iter().map(|(id, until)| IndexEntry::new(*id, *until)).collect();
        let admitted = judge_index_login(&asked, watermark, is_in, others.into_iter());
        if self.has(Flaw::AdmitReadsThenWrites) {
            drop(directory);
            self.meet(4);
            directory = self.directory();
        }
        if admitted == Indexed::Done {
            let until = directory.entry(name).or_default().entry(id).or_insert(admission.until);
            if !self.has(Flaw::FirstAdmissionWins) {
                *until = admission.until.max(*until);
            }
        }
        admitted
    }
}

//! The store: what its contract says, and nothing more.

use std::collections::BTreeMap;

use cloakroom::protocol::judge_index_login;
use cloakroom::protocol::steps::{Answer, Ask};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{
    Ended, IndexEntry, IndexLogin, Indexed, Inserted, Lookup, StoreError, StoreErrorKind, Swap,
};
use cloakroom::{Principal, PublicId, Timestamp};

use crate::entry::Entry;
use crate::model_key::{KIND, number_of};

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Store {
    pub(crate) entries: BTreeMap<u8, Entry>,
    pub(crate) index: BTreeMap<Principal, BTreeMap<PublicId, Timestamp>>,
    /// Sign-ins before this moment are refused.
    pub(crate) revoked_before: BTreeMap<Principal, Timestamp>,
    /// What the near cache of a node keeps: the records that it read last.
    pub(crate) cache: BTreeMap<u8, Entry>,
    /// An entry that cannot be read.
    pub(crate) damaged: Option<u8>,
}

impl Store {
    pub(crate) fn get(&self, id: PublicId) -> Option<&Entry> {
        self.entries.get(&number_of(id))
    }

    fn put(&mut self, id: PublicId, stored: &Stored) {
        self.entries.insert(number_of(id), Entry::of(stored));
    }

    /// Carries out a call. `None` for the questions that are not the store's.
    pub(crate) fn carry_out(&mut self, ask: &Ask) -> Option<Answer> {
        Some(match ask {
            Ask::GetCached(id) => Answer::Lookup(self.read(*id).map(Lookup::Authoritative)),
            Ask::Get(id) => Answer::Stored(self.read(*id)),
            Ask::GetEach(ids) => Answer::StoredEach(ids.iter().map(|id| self.read(*id)).collect()),
            Ask::Insert(id, record) => Answer::Inserted(Ok(self.insert(*id, record))),
            Ask::Replace(id, seen, record) => {
                let after = |_: &Record| Stored::Live(record.clone());
                Answer::Swapped(Ok(self.swap(*id, seen.revision(), after)))
            }
            Ask::EndIf(id, expected, ending) => {
                let after = |record: &Record| Stored::Ended(record.ended(*ending));
                Answer::Swapped(Ok(self.swap(*id, *expected, after)))
            }
            Ask::Touch(id, expected, deadline) => {
                let after = |record: &Record| {
                    let deadline = (*deadline).max(record.idle_deadline());
                    Stored::Live(record.clone().with_idle_deadline(deadline))
                };
                Answer::Touched(Ok(matches!(self.swap(*id, *expected, after), Swap::Done)))
            }
            Ask::End(id, ending) => Answer::Ended(Ok(match self.get(*id).map(Entry::stored) {
                None => Ended::Absent,
                Some(Stored::Ended(_)) => Ended::Already,
                Some(Stored::Live(record)) => {
                    let tombstone = Stored::Ended(record.ended(*ending));
                    self.put(*id, &tombstone);
                    self.damaged = self.damaged.filter(|damaged| *damaged != number_of(*id));
                    Ended::Now
                }
            })),
            Ask::IndexLogin(login) => Answer::Indexed(Ok(self.index_login(login))),
            Ask::RevokeBefore(principal, before, _) => {
                let known = self.revoked_before.entry(principal.clone()).or_insert(*before);
                *known = (*known).max(*before);
                Answer::Revoked(Ok(()))
            }
            // Nothing is forgotten in the time that a scenario takes.
            Ask::Erase(principal, ended, _) => {
                if let Some(entries) = self.index.get_mut(principal) {
                    entries.retain(|id, _| !ended.contains(id));
                }
                Answer::Erased(Ok(()))
            }
            // There is one kind of session.
            Ask::SessionsOf(principal, _, page) => {
                let ids = self.index.get(principal).into_iter().flat_map(BTreeMap::keys).copied();
                let ids = ids.filter(|id| page.starts_after().is_none_or(|last| *id > last));
                Answer::Listed(Ok(ids.take(page.limit()).collect()))
            }
            Ask::WriterTurn(_) | Ask::LoginTurn(_) => return None,
        })
    }

    fn read(&self, id: PublicId) -> Result<Option<Stored>, StoreError> {
        if self.damaged == Some(number_of(id)) {
            return Err(StoreError::not_sent(StoreErrorKind::Corrupt));
        }
        Ok(self.get(id).map(|entry| entry.stored().clone()))
    }

    fn insert(&mut self, id: PublicId, record: &Record) -> Inserted {
        if self.get(id).is_some() {
            return Inserted::Taken;
        }
        self.put(id, &Stored::Live(record.clone()));
        Inserted::Done
    }

    pub(crate) fn swap(
        &mut self,
        id: PublicId,
        expected: Revision,
        after: impl FnOnce(&Record) -> Stored,
    ) -> Swap {
        match self.get(id).and_then(Entry::live) {
            Some(record) if record.revision() == expected => {
                let stored = after(record);
                self.put(id, &stored);
                Swap::Done
            }
            Some(record) => Swap::Stale(record.clone()),
            None => Swap::Gone,
        }
    }

    fn index_login(&mut self, login: &IndexLogin) -> Indexed {
        let entries = self.index.entry(login.principal.clone()).or_default();
        for old in &login.replacing {
            if entries.get(&old.id) == Some(&old.until) {
                entries.remove(&old.id);
            }
        }
        let is_indexed = entries.contains_key(&login.id);
        let others = entries.iter().filter(|(id, _)| **id != login.id);
        let others = others.map(|(id, until)| IndexEntry::new(*id, *KIND, *until));
        let revoked_before = self.revoked_before.get(&login.principal).copied();
        let indexed = judge_index_login(login, revoked_before, is_indexed, others);
        if indexed == Indexed::Done {
            let until = entries.entry(login.id).or_insert(login.until);
            *until = (*until).max(login.until);
        }
        indexed
    }
}

/// The answer that a node makes of a call that failed.
pub(crate) fn failure(ask: &Ask, error: StoreError) -> Answer {
    match ask {
        Ask::GetCached(_) => Answer::Lookup(Err(error)),
        Ask::Get(_) => Answer::Stored(Err(error)),
        Ask::GetEach(ids) => Answer::StoredEach(ids.iter().map(|_| Err(error.clone())).collect()),
        Ask::Insert(..) => Answer::Inserted(Err(error)),
        Ask::Replace(..) | Ask::EndIf(..) => Answer::Swapped(Err(error)),
        Ask::Touch(..) => Answer::Touched(Err(error)),
        Ask::End(..) => Answer::Ended(Err(error)),
        Ask::IndexLogin(_) => Answer::Indexed(Err(error)),
        Ask::RevokeBefore(..) => Answer::Revoked(Err(error)),
        Ask::Erase(..) => Answer::Erased(Err(error)),
        Ask::SessionsOf(..) => Answer::Listed(Err(error)),
        Ask::WriterTurn(_) => Answer::WriterTurn(None),
        Ask::LoginTurn(_) => Answer::LoginTurn,
    }
}

/// The session that a question is about.
pub(crate) const fn session_of(ask: &Ask) -> Option<u8> {
    match ask {
        Ask::GetCached(id)
        | Ask::Get(id)
        | Ask::Insert(id, _)
        | Ask::Replace(id, ..)
        | Ask::EndIf(id, ..)
        | Ask::Touch(id, ..)
        | Ask::End(id, _)
        | Ask::WriterTurn(id) => Some(number_of(*id)),
        Ask::IndexLogin(login) => Some(number_of(login.id)),
        Ask::GetEach(_)
        | Ask::RevokeBefore(..)
        | Ask::Erase(..)
        | Ask::SessionsOf(..)
        | Ask::LoginTurn(_) => None,
    }
}

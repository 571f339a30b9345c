//! What is known of a principal, and the record that carries it.
//!
//! The payload is the SHA-256 of the name, the two times of the revocation (zero for none), then
//! for each session its id, the tag of its kind and its deadline. Numbers are big-endian.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::key::{KindTag, PublicId, Verifier};
use crate::policy::{Lifetime, Principal};
use crate::protocol;
use crate::record::{Record, Revision};
use crate::store::{IndexEntry, IndexLogin, Indexed, Page, StoreError, StoreErrorKind};
use crate::time::Timestamp;
use crate::value::Payload;

/// How long an entry is kept after it expired, in milliseconds, in case a node's clock is ahead.
const SLACK: u64 = 60_000;

/// The lengths of the digest, of what comes before the sessions, and of a session.
const DIGEST: usize = 32;
const HEAD: usize = DIGEST + 16;
const SESSION: usize = 40;

/// What is known of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrincipalRecord {
    /// The SHA-256 of the name: an erased principal is named nowhere.
    digest: [u8; DIGEST],
    /// Sign-ins before the first time are refused until the second.
    revoked: (Timestamp, Timestamp),
    sessions: BTreeMap<PublicId, (KindTag, Timestamp)>,
}

/// The id of a principal's record.
pub(super) fn id_of(principal: &Principal) -> PublicId {
    let mut id = [0; 16];
    id.copy_from_slice(&digest_of(principal)[..16]);
    PublicId::from_bytes(id)
}

fn digest_of(principal: &Principal) -> [u8; DIGEST] {
    let name = principal.as_str();
    Sha256::new_with_prefix(b"cloakroom principal 1\0").chain_update(name).finalize().into()
}

impl PrincipalRecord {
    /// That nothing is known.
    pub(super) fn new(principal: &Principal) -> Self {
        let revoked = (Timestamp::EPOCH, Timestamp::EPOCH);
        Self { digest: digest_of(principal), revoked, sessions: BTreeMap::new() }
    }

    pub(super) fn from_record(principal: &Principal, record: &Record) -> Result<Self, StoreError> {
        let mut known = Self::new(principal);
        let corrupt = || StoreError::not_sent(StoreErrorKind::Corrupt);
        let payload = record.payload().to_bytes()?.ok_or_else(corrupt)?;
        let mut rest = &payload[..];
        if record.kind() != KindTag::PRINCIPAL || take::<DIGEST>(&mut rest) != Some(known.digest) {
            return Err(corrupt().with_source("the entry of a principal is another's"));
        }
        let before = time(&mut rest).ok_or_else(corrupt)?;
        known.revoked = (before, time(&mut rest).ok_or_else(corrupt)?);
        while !rest.is_empty() {
            let id = take(&mut rest).ok_or_else(corrupt)?;
            let kind = take(&mut rest).ok_or_else(corrupt)?;
            let until = time(&mut rest).ok_or_else(corrupt)?;
            let (id, kind) = (PublicId::from_bytes(id), KindTag::from_bytes(kind));
            known.sessions.insert(id, (kind, until));
        }
        Ok(known)
    }

    /// The record that follows the one seen, which began at the time `now`, if that is known.
    pub(super) fn to_record(&self, seen: Option<&Record>, now: Option<Timestamp>) -> Record {
        let mut payload = Vec::with_capacity(HEAD + SESSION * self.sessions.len());
        payload.extend(self.digest);
        payload.extend(self.revoked.0.as_millis().to_be_bytes());
        payload.extend(self.revoked.1.as_millis().to_be_bytes());
        for (id, (kind, until)) in &self.sessions {
            payload.extend(id.as_bytes());
            payload.extend(kind.as_bytes());
            payload.extend(until.as_millis().to_be_bytes());
        }
        // The token is a digest: a record that was removed and came back is the same only if it
        // says the same.
        let digest = Sha256::digest(&payload);
        let token = take(&mut &digest[..]).map_or(0, u64::from_be_bytes);
        let count = seen.map_or(0, |seen| seen.revision().count()).saturating_add(1);
        let expires = self.sessions.values().map(|(_, until)| *until).max();
        let expires = expires.unwrap_or(Timestamp::EPOCH).max(self.revoked.1);
        // No key has this verifier.
        let (verifier, payload) = (Verifier::from_bytes([0; 32]), Payload::from_bytes(payload));
        let lifetime = Lifetime::absolute(std::time::Duration::from_secs(1));
        let revision = Revision::new(count, token);
        let began = seen.map(Record::created).or(now).unwrap_or(Timestamp::EPOCH);
        protocol::begin(KindTag::PRINCIPAL, verifier, lifetime, None, payload, revision, began)
            .edited(|fields| fields.absolute_deadline = expires)
            .with_idle_deadline(Timestamp::NEVER)
    }

    pub(super) fn index_login(&mut self, login: &IndexLogin) -> Indexed {
        for replaced in &login.replacing {
            if self.sessions.get(&replaced.id).is_some_and(|(_, until)| *until == replaced.until) {
                self.sessions.remove(&replaced.id);
            }
        }
        if let Some(now) = login.known_time() {
            self.forget(Timestamp::from_millis(now.as_millis().saturating_sub(SLACK)));
        }
        let before = Some(self.revoked.0).filter(|before| *before != Timestamp::EPOCH);
        let is_indexed = self.sessions.contains_key(&login.id);
        let indexed = protocol::judge_index_login(login, before, is_indexed, self.entries());
        if indexed == Indexed::Done {
            let entry = self.sessions.entry(login.id).or_insert((login.kind, login.until));
            entry.1 = entry.1.max(login.until);
        }
        indexed
    }

    /// Removes what has expired at `past`.
    fn forget(&mut self, past: Timestamp) {
        self.sessions.retain(|_, (_, until)| !until.has_passed(past));
        if self.revoked.1.has_passed(past) {
            self.revoked = (Timestamp::EPOCH, Timestamp::EPOCH);
        }
    }

    pub(super) fn revoke_before(&mut self, before: Timestamp, until: Timestamp) {
        self.revoked = (self.revoked.0.max(before), self.revoked.1.max(until));
    }

    pub(super) fn erase(&mut self, ended: &[PublicId], until: Timestamp) {
        self.sessions.retain(|id, _| !ended.contains(id));
        self.revoked.1 = self.revoked.1.min(until);
    }

    pub(super) fn sessions(&self, kind: Option<KindTag>, page: Page) -> Vec<PublicId> {
        let follows = |entry: &IndexEntry| page.starts_after().is_none_or(|last| entry.id > last);
        let listed = self.entries().filter(|entry| entry.is_of(kind) && follows(entry));
        listed.take(page.limit()).map(|entry| entry.id).collect()
    }

    fn entries(&self) -> impl Iterator<Item = IndexEntry> + '_ {
        self.sessions.iter().map(|(id, (kind, until))| IndexEntry::new(*id, *kind, *until))
    }
}

/// The next bytes of a payload.
fn take<const LENGTH: usize>(rest: &mut &[u8]) -> Option<[u8; LENGTH]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

fn time(rest: &mut &[u8]) -> Option<Timestamp> {
    Some(Timestamp::from_millis(u64::from_be_bytes(take(rest)?)))
}

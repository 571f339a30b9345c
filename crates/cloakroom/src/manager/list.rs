//! A principal's sessions: listed, and ended one by one.

use std::time::Duration;

use super::Manager;
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::manager::Summary;
use crate::policy::{LONGEST, Principal};
use crate::protocol;
use crate::record::{EndReason, Record, Stored};
use crate::store::Page;
use crate::time::Timestamp;
use crate::value::SessionValue;

/// How far ahead of this clock another node's may be believed to be: a moment years ahead would lock somebody out.
const AHEAD: Duration = Duration::from_secs(60);
/// Names read from a directory at once.
const PAGE: usize = 100;

impl<V: SessionValue> Manager<V> {
    /// At most `page.limit()` live sessions of `principal`, by id; fewer only at the end.
    pub(crate) async fn list(
        &self,
        principal: &Principal,
        page: Page,
    ) -> Result<Vec<Summary<V>>, Error> {
        let mut listed = Vec::new();
        let mut names = page;
        while listed.len() < page.limit() {
            let ids = self.store.sessions_of(principal, names).await?;
            for id in &ids {
                if listed.len() == page.limit() {
                    break;
                }
                match self.live_of(principal, *id).await {
                    Ok(Some(record)) => {
                        // A value that can't be read is reported, and its session listed without it.
                        let value = self.decode(*id, record.payload()).unwrap_or_default();
                        listed.push(Summary::new(*id, record, value));
                    }
                    Ok(None) => {}
                    // Nobody can open such a record, and the list must not fail for good because of it.
                    Err(error) if error.kind() == ErrorKind::Corrupt => {}
                    Err(error) => return Err(error),
                }
            }
            match ids.last() {
                Some(last) if ids.len() == names.limit() => names = names.after(*last),
                _ => break,
            }
        }
        Ok(listed)
    }

    /// Ends session `id` if it is one of `principal`'s; whether it was.
    pub(crate) async fn end_of(
        &self,
        principal: &Principal,
        id: PublicId,
        reason: EndReason,
    ) -> Result<bool, Error> {
        let is_theirs = self.live_of(principal, id).await?.is_some();
        if is_theirs {
            self.end(id, reason).await?;
        }
        Ok(is_theirs)
    }

    /// Ends all sessions of `principal` whose proof is older than `before`, and lets none that is on its way come to be.
    pub(crate) async fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        reason: EndReason,
    ) -> Result<usize, Error> {
        let before = before.min(self.now().after(AHEAD));
        // The mark first: who signs in from here on meets it, who signed in until here is in the directory.
        self.store.revoke_before(principal, before, before.after(LONGEST)).await?;
        let is_older = |record: &Record| record.authenticated_at().is_none_or(|at| at < before);
        self.end_those_of(principal, is_older, None, reason).await
    }

    /// Ends all sessions of `principal`, but for one that is `kept`; how many there were.
    pub(crate) async fn end_all_of(
        &self,
        principal: &Principal,
        kept: Option<PublicId>,
        reason: EndReason,
    ) -> Result<usize, Error> {
        self.end_those_of(principal, |_| true, kept, reason).await
    }

    async fn end_those_of(
        &self,
        principal: &Principal,
        goes: impl Fn(&Record) -> bool + Send + Sync,
        kept: Option<PublicId>,
        reason: EndReason,
    ) -> Result<usize, Error> {
        let (mut names, mut count, mut unread) = (Page::first(PAGE), 0, None);
        loop {
            let ids = self.store.sessions_of(principal, names).await?;
            for id in ids.iter().filter(|id| Some(**id) != kept) {
                match self.live_of(principal, *id).await {
                    Ok(Some(record)) if goes(&record) => {
                        self.end(*id, reason).await?;
                        count += 1;
                    }
                    Ok(_) => {}
                    // The others are ended all the same; then the caller is told.
                    Err(error) if error.kind() == ErrorKind::Corrupt => unread = Some(error),
                    Err(error) => return Err(error),
                }
            }
            match ids.last() {
                Some(last) if ids.len() == PAGE => names = names.after(*last),
                _ => return unread.map_or(Ok(count), Err),
            }
        }
    }

    /// The record under `id` if it lives and `principal` is signed in on it: an entry of the directory may be left over
    /// from a login that lost the session to somebody else's.
    pub(super) async fn live_of(
        &self,
        principal: &Principal,
        id: PublicId,
    ) -> Result<Option<Record>, Error> {
        Ok(match self.store.get(id).await? {
            Some(Stored::Live(record))
                if record.principal() == Some(principal)
                    && !protocol::is_over(&record, self.now()) =>
            {
                Some(record)
            }
            _ => None,
        })
    }
}

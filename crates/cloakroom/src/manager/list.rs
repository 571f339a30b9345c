//! A principal's sessions: listing them, and ending them.

use std::time::Duration;

use super::Manager;
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::manager::Summary;
use crate::observe::Event;
use crate::policy::{LONGEST, Principal};
use crate::protocol;
use crate::protocol::steps::EndById;
use crate::record::{EndReason, Record, Stored};
use crate::store::Page;
use crate::time::Timestamp;
use crate::value::{CodecError, SessionValue};

/// How far ahead of this clock a moment can be. One that is years ahead would lock the principal
/// out.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How many ids to read from the principal index at once.
const PAGE: usize = 100;

impl<V: SessionValue> Manager<V> {
    /// At most `page.limit()` live sessions of `principal`, in the order of their ids; fewer only
    /// at the end.
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
                match self.live_session_of(principal, *id).await {
                    Ok(Some(record)) => {
                        // A value that cannot be decoded is reported, and its session listed
                        // without it.
                        let value = record.payload().open(&self.coding);
                        let report = |error: &CodecError| {
                            self.observe(&Event::Unreadable { id: *id, error });
                        };
                        let value = value.inspect_err(report).unwrap_or_default();
                        listed.push(Summary::new(*id, record, value));
                    }
                    Ok(None) => {}
                    // No one can open such a record, and it must not make every list fail.
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
        let is_theirs = self.live_session_of(principal, id).await?.is_some();
        if is_theirs {
            self.end(id, reason).await?;
        }
        Ok(is_theirs)
    }

    /// Ends all sessions of `principal` whose sign-in is older than `before`, and refuses sign-ins
    /// in flight that are.
    pub(crate) async fn revoke_before(
        &self,
        principal: &Principal,
        before: Timestamp,
        reason: EndReason,
    ) -> Result<usize, Error> {
        let before = before.min(self.now().after(MAX_CLOCK_SKEW));
        // The watermark first: a later sign-in is refused by it, and an earlier one is already in
        // the index.
        self.store.revoke_before(principal, before, before.after(LONGEST)).await?;
        let is_older = |record: &Record| record.authenticated_at().is_none_or(|at| at < before);
        self.end_matching(principal, is_older, None, reason).await
    }

    /// Ends all sessions of `principal` except `kept`. Returns how many there were.
    pub(crate) async fn end_all_of(
        &self,
        principal: &Principal,
        kept: Option<PublicId>,
        reason: EndReason,
    ) -> Result<usize, Error> {
        self.end_matching(principal, |_| true, kept, reason).await
    }

    async fn end_matching(
        &self,
        principal: &Principal,
        should_end: impl Fn(&Record) -> bool + Send + Sync,
        kept: Option<PublicId>,
        reason: EndReason,
    ) -> Result<usize, Error> {
        let (mut names, mut count, mut unread) = (Page::first(PAGE), 0, None);
        loop {
            let ids = self.store.sessions_of(principal, names).await?;
            for id in ids.iter().filter(|id| Some(**id) != kept) {
                match self.live_session_of(principal, *id).await {
                    Ok(Some(record)) if should_end(&record) => {
                        self.end(*id, reason).await?;
                        count += 1;
                    }
                    Ok(_) => {}
                    // End the others first, then report it.
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

    /// The record of session `id`, if it is live and `principal` is signed in on it.
    ///
    /// An entry of the index can be left over from a sign-in that lost the session to another
    /// principal's.
    async fn live_session_of(
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

//! What the application does to sessions that are not the request's own.

use std::sync::Arc;

use super::Sessions;
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::manager::Summary;
use crate::policy::Principal;
use crate::protocol::steps::{Credential, Reload};
use crate::record::EndReason;
use crate::session::{RequestState, Session};
use crate::store::Page;
use crate::time::Timestamp;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Sessions<V, K> {
    /// Changes the value of session `id`: for what an operator or a background job does to a
    /// session of another client.
    ///
    /// Returns what the closure returned. As with [`Session::update`], no concurrent change is
    /// lost, and the closure can run several times. The change does not count as a use: the session
    /// ends when it would have ended. To leave a reminder for the visitor's next page:
    ///
    /// ```
    /// # use cloakroom::{Error, PublicId, SessionMap, Sessions};
    /// # async fn remind(sessions: &Sessions<SessionMap>, id: PublicId) -> Result<(), Error> {
    /// sessions.update(id, |map| map.insert("notice", "Your parcel has arrived.")).await?.unwrap();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such session of this kind, or it is over; otherwise those of
    /// [`Session::update`].
    pub async fn update<R>(
        &self,
        id: PublicId,
        change: impl FnMut(&mut V) -> R,
    ) -> Result<R, Error> {
        let loaded = self.manager.run(Reload::from_store(Credential::Id(id))).await?;
        let request_state = RequestState::detached(Arc::clone(&self.manager), loaded);
        Session::<V, K>::of(Arc::new(request_state)).update(change).await
    }

    /// Changes the values of all sessions of this kind on which `principal` is signed in: so that
    /// new rights are in force at the next click, without a sign-out.
    ///
    /// Returns how many sessions there were. Each is changed as by [`update`](Sessions::update).
    ///
    /// A sign-in that is in progress is not reached: have the sign-in read from the same place as
    /// this change, and change that place first.
    ///
    /// # Errors
    /// `Unavailable`, `Unfit`, `Conflict`: some sessions may have been changed, so repeat the call.
    /// `Corrupt` if a value could not be read, when all others have been changed.
    pub async fn update_all(
        &self,
        principal: &Principal,
        mut change: impl FnMut(&mut V),
    ) -> Result<usize, Error> {
        let (mut page, mut count, mut unread) = (Page::first(100), 0, None);
        loop {
            let listed = self.list(principal, page).await?;
            for session in &listed {
                match self.update(session.id(), &mut change).await {
                    Ok(()) => count += 1,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) if error.kind() == ErrorKind::Corrupt => unread = Some(error),
                    Err(error) => return Err(error),
                }
            }
            match listed.last() {
                Some(last) if listed.len() == page.limit() => page = page.after(last.id()),
                _ => return unread.map_or(Ok(count), Err),
            }
        }
    }

    /// Ends session `id`.
    ///
    /// A session that is unknown or has ended counts as success.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn revoke(&self, id: PublicId) -> Result<(), Error> {
        self.manager.end(id, EndReason::Revoked).await
    }

    /// Live sessions of this kind on which `principal` is signed in, ordered by id, at most
    /// `page.limit()`.
    ///
    /// Fewer means that there are no more.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # use cloakroom::store::Page;
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// let alice = Principal::new("alice")?;
    /// session.login(&alice).await?;
    /// for device in sessions.list(&alice, Page::first(100)).await? {
    ///     println!("{} last seen {:?}", device.id(), device.last_seen());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// Those of another kind are listed by the `Sessions` of that kind.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(&self, principal: &Principal, page: Page) -> Result<Vec<Summary<V>>, Error> {
        self.manager.list(principal, page).await
    }

    /// Ends all sessions on which `principal` is signed in, of every kind on the store.
    ///
    /// Returns how many there were. [`revoke_all_of_kind`](Sessions::revoke_all_of_kind) spares
    /// those of other kinds.
    ///
    /// A sign-in in progress can still succeed afterwards;
    /// [`revoke_issued_before`](Sessions::revoke_issued_before) refuses those too. In a user's own
    /// request, use [`Session::logout_everywhere`].
    ///
    /// # Errors
    /// `Unavailable`, when some sessions may have been ended. `Corrupt` if a record could not be
    /// read, when all others have been ended.
    pub async fn revoke_all(&self, principal: &Principal) -> Result<usize, Error> {
        self.manager.end_all_of(principal, None, EndReason::Revoked).await
    }

    /// Ends all sessions of this kind on which `principal` is signed in.
    ///
    /// Returns how many there were. Otherwise the same as [`revoke_all`](Sessions::revoke_all).
    ///
    /// # Errors
    /// Those of [`revoke_all`](Sessions::revoke_all).
    ///
    /// # Security
    /// A session of another kind that was opened with the same stolen password stays.
    pub async fn revoke_all_of_kind(&self, principal: &Principal) -> Result<usize, Error> {
        self.manager.end_kind_of(principal, EndReason::Revoked).await
    }

    /// Ends `principal`'s sessions whose sign-in is older than `before`, and refuses sign-ins that
    /// are ([`Login::with_authenticated_at`](crate::Login::with_authenticated_at)), even those in
    /// progress. Both apply to every kind of session on the store.
    ///
    /// Returns how many sessions ended.
    ///
    /// For a password change (OWASP, "Renew the Session ID After Any Privilege Level Change"):
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// # let alice = Principal::new("alice")?;
    /// // .. the new password is in the database ..
    /// let changed = sessions.now();
    /// session.login(&alice).await?; // this session continues, under a fresh key
    /// sessions.revoke_issued_before(&alice, changed).await?;
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// This compares clocks of different nodes: a node whose clock is behind refuses sign-ins for
    /// as long as it is behind. A session whose sign-in is in the future ends, too: a node wrote it
    /// whose clock is ahead. A moment more than a minute ahead counts as a minute ahead.
    ///
    /// # Errors
    /// Those of [`revoke_all`](Sessions::revoke_all).
    pub async fn revoke_issued_before(
        &self,
        principal: &Principal,
        before: Timestamp,
    ) -> Result<usize, Error> {
        self.manager.revoke_before(principal, before, EndReason::Revoked).await
    }

    /// Removes what the store keeps of `principal`: for someone who closes their account, or asks
    /// for their data to be erased (GDPR article 17).
    ///
    /// Their sessions of every kind end, and sign-ins in progress are refused. A minute later the
    /// store has forgotten their values, their entries in the principal index and their
    /// revocations, once [`sweep`](Sessions::sweep) has run. Returns how many sessions ended.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, Principal, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// let alice = Principal::new("alice@example.org")?;
    /// // .. the account is out of the database ..
    /// sessions.erase(&alice).await?;
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// What remains: a session that had ended before names the principal until its tombstone
    /// expires, a day after its end. Values that name them are not looked for in the sessions of
    /// others, or of no one. Logs, backups and the engine's own files are yours to deal with, as
    /// are the events of this very call.
    ///
    /// # Errors
    /// Those of [`revoke_all`](Sessions::revoke_all). If it fails, call it again.
    pub async fn erase(&self, principal: &Principal) -> Result<usize, Error> {
        self.manager.erase(principal).await
    }
}

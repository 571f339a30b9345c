//! Signing in: the principal index is written before the record names the principal, and again
//! after.

use std::time::Duration;

use super::{MAX_ATTEMPTS, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::manager::KeyedGuard;
use crate::observe::Event;
use crate::policy::Principal;
use crate::protocol;
use crate::record::{EndReason, Record};
use crate::store::{IndexEntry, IndexLogin, Indexed, Outcome};
use crate::time::Timestamp;
use crate::value::SessionValue;

/// A session's entry in the principal index, while its sign-in is in progress.
///
/// The entry is written before the record names the principal, so that every session that does is
/// listed, and once more after: meanwhile, a rival that made room could mistake an entry without a
/// record for a leftover, and a revocation could find no record to end. A sign-in that has been
/// answered was in the index *after* its record was written.
pub(crate) struct LoginReservation {
    principal: Principal,
    id: PublicId,
    until: Timestamp,
    authenticated_at: Timestamp,
    /// Whether the record names the principal already.
    is_written: bool,
    /// With a session limit, sign-ins of one principal run one at a time in this process, so that
    /// they compete with other nodes only.
    _guard: Option<KeyedGuard<Principal>>,
}

impl<V: SessionValue> Manager<V> {
    /// Enters session `id`, which ends at `until`, in the principal index, with a minute to spare
    /// for the write that follows.
    pub(crate) async fn reserve_login(
        &self,
        principal: &Principal,
        id: PublicId,
        until: Timestamp,
        authenticated_at: Timestamp,
    ) -> Result<LoginReservation, Error> {
        let guard = match self.limit {
            Some(_) => Some(self.logins.acquire(principal.clone()).await),
            None => None,
        };
        let until = until.after(Duration::from_secs(60));
        let principal = principal.clone();
        let reservation = LoginReservation {
            principal,
            id,
            until,
            authenticated_at,
            is_written: false,
            _guard: guard,
        };
        self.index_login(&reservation).await?;
        Ok(reservation)
    }

    /// Makes sure that the session, whose record is now written, is still in the principal index.
    ///
    /// If it cannot be, the session is ended. Its key was never sent.
    pub(crate) async fn confirm_login(
        &self,
        mut reservation: LoginReservation,
    ) -> Result<(), Error> {
        // One millisecond later, so that a rival that saw the entry without its record finds it
        // changed.
        reservation.until = reservation.until.after(Duration::from_millis(1));
        reservation.is_written = true;
        match self.index_login(&reservation).await {
            Err(error)
                if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) =>
            {
                self.end(reservation.id, EndReason::Revoked).await?;
                Err(error)
            }
            indexed => indexed,
        }
    }

    /// Completes the sign-in of an imported session, in case its creator was interrupted: its key
    /// is derived from a known token, so other requests can find it.
    pub(crate) async fn confirm_imported(
        &self,
        id: PublicId,
        record: &Record,
    ) -> Result<(), Error> {
        let (Some(principal), false) = (record.principal(), record.credentials().is_renewed())
        else {
            return Ok(());
        };
        let at = record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        match self.reserve_login(principal, id, record.absolute_deadline(), at).await {
            Ok(reservation) => self.confirm_login(reservation).await,
            Err(error) => {
                if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) {
                    self.end(id, EndReason::Revoked).await?;
                }
                Err(error)
            }
        }
    }

    /// Keeps a signed-in session in the principal index until a later moment.
    pub(crate) async fn reindex(
        &self,
        principal: &Principal,
        id: PublicId,
        until: Timestamp,
    ) -> Result<(), Error> {
        let until = until.after(Duration::from_secs(60));
        // Neither a limit nor a time of sign-in is given, so this cannot be refused.
        Ok(self.store.index_login(IndexLogin::new(principal.clone(), id, until)).await.map(drop)?)
    }

    async fn index_login(&self, reservation: &LoginReservation) -> Result<(), Error> {
        let LoginReservation { principal, id, until, authenticated_at, .. } = reservation;
        let plain = IndexLogin::new(principal.clone(), *id, *until)
            .with_authenticated_at(*authenticated_at);
        let mut replacing = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let login = match self.limit {
                Some(limit) => plain.clone().with_limit(limit.max().into(), replacing),
                None => plain.clone(),
            };
            let mut answer = self.store.index_login(login.clone()).await;
            if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
                answer = self.store.index_login(login).await.or(answer);
            }
            match answer? {
                Indexed::Done => return Ok(()),
                Indexed::Revoked => {
                    self.observe(&Event::LoginRevoked { principal });
                    return Err(Error::new(ErrorKind::LoginRevoked));
                }
                // A rival has ended this session, as it could have a moment after the answer.
                // Do not end another one for it.
                Indexed::Full(_)
                    if reservation.is_written
                        && self.live_session_of(principal, *id).await?.is_none() =>
                {
                    return Ok(());
                }
                Indexed::Full(entries) => replacing = self.make_room(principal, entries).await?,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Ends the sessions that the limit chooses. Returns the entries that can be removed: theirs,
    /// and those whose session is gone.
    async fn make_room(
        &self,
        principal: &Principal,
        entries: Vec<IndexEntry>,
    ) -> Result<Vec<IndexEntry>, Error> {
        let Some(limit) = self.limit else { return Ok(Vec::new()) };
        let mut seen = Vec::with_capacity(entries.len());
        for entry in &entries {
            let signed_in = match self.live_session_of(principal, entry.id).await {
                Ok(record) => {
                    record.map(|record| record.authenticated_at().unwrap_or(record.created()))
                }
                // No one can open it.
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error),
            };
            seen.push((entry.id, signed_in));
        }
        let Some(excess) = protocol::make_room(limit, &seen) else {
            self.observe(&Event::SessionLimitExceeded { principal, limit: limit.max() });
            return Err(Error::new(ErrorKind::TooManySessions));
        };
        for id in &excess {
            self.observe(&Event::SessionLimitExceeded { principal, limit: limit.max() });
            self.end(*id, EndReason::OverLimit).await?;
        }
        let is_removable =
            |entry: &IndexEntry| excess.contains(&entry.id) || seen.contains(&(entry.id, None));
        Ok(entries.into_iter().filter(is_removable).collect())
    }
}

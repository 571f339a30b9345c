//! Signing in: a principal's directory entered before the record names them, and asked again after.

use std::time::Duration;

use super::{ATTEMPTS, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::PublicId;
use crate::manager::KeyedGuard;
use crate::observe::Event;
use crate::policy::Principal;
use crate::record::{EndReason, Record};
use crate::store::{IndexEntry, IndexLogin, Indexed, Outcome};
use crate::time::Timestamp;
use crate::value::SessionValue;

/// A session on its way into its principal's directory.
///
/// It is entered before its record names the principal, so that every session that does is listed; and once more after,
/// since a rival that made room meanwhile took an entry without a record for a leftover, and a revocation that came
/// meanwhile found no record to end. A login that has answered stood in the directory *after* its record was written.
pub(crate) struct LoginReservation {
    principal: Principal,
    id: PublicId,
    until: Timestamp,
    authenticated_at: Timestamp,
    /// Whether the record names the principal already.
    is_written: bool,
    /// Logins of this process to one limited principal come one by one, so that each meets rivals of other nodes only.
    _turn: Option<KeyedGuard<Principal>>,
}

impl<V: SessionValue> Manager<V> {
    /// Enters session `id`, which will end at `until`, with a minute to spare for the write that follows.
    pub(crate) async fn enter(
        &self,
        principal: &Principal,
        id: PublicId,
        until: Timestamp,
        authenticated_at: Timestamp,
    ) -> Result<LoginReservation, Error> {
        let turn = match self.limit {
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
            _turn: turn,
        };
        self.index_login(&reservation).await?;
        Ok(reservation)
    }

    /// Makes sure that the session, whose record is written, is in its principal's directory still. If it may not be, it
    /// is ended: its key was never sent.
    pub(crate) async fn confirm_login(
        &self,
        mut reservation: LoginReservation,
    ) -> Result<(), Error> {
        // One tick later: whoever saw the entry without its record finds it changed.
        reservation.until = reservation.until.after(Duration::from_millis(1));
        reservation.is_written = true;
        match self.index_login(&reservation).await {
            Err(error)
                if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) =>
            {
                self.end(reservation.id, EndReason::Revoked).await?;
                Err(error)
            }
            admitted => admitted,
        }
    }

    /// Does for an imported session what its creator may not have lived to do: its key follows from a token that is known.
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
        match self.enter(principal, id, record.absolute_deadline(), at).await {
            Ok(reservation) => self.confirm_login(reservation).await,
            Err(error) => {
                if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) {
                    self.end(id, EndReason::Revoked).await?;
                }
                Err(error)
            }
        }
    }

    /// Keeps a signed-in session in the directory until a later moment.
    pub(crate) async fn reindex(
        &self,
        principal: &Principal,
        id: PublicId,
        until: Timestamp,
    ) -> Result<(), Error> {
        let until = until.after(Duration::from_secs(60));
        // Without a limit and a moment of proof there is nothing to refuse it by.
        Ok(self.store.index_login(IndexLogin::new(principal.clone(), id, until)).await.map(drop)?)
    }

    async fn index_login(&self, reservation: &LoginReservation) -> Result<(), Error> {
        let LoginReservation { principal, id, until, authenticated_at, .. } = reservation;
        let plain =
            IndexLogin::new(principal.clone(), *id, *until).with_authenticated_at(*authenticated_at);
        let mut replacing = Vec::new();
        for _ in 0..ATTEMPTS {
            let admission = match self.limit {
                Some(limit) => plain.clone().with_limit(limit.max().into(), replacing),
                None => plain.clone(),
            };
            let mut answer = self.store.index_login(admission.clone()).await;
            if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
                answer = self.store.index_login(admission).await.or(answer);
            }
            match answer? {
                Indexed::Done => return Ok(()),
                Indexed::Revoked => {
                    self.observe(&Event::LoginRevoked { principal });
                    return Err(Error::new(ErrorKind::LoginRevoked));
                }
                // A rival has displaced this very session, as it might have a moment after the answer: it must displace nobody.
                Indexed::Full(_)
                    if reservation.is_written && self.live_of(principal, *id).await?.is_none() =>
                {
                    return Ok(());
                }
                Indexed::Full(entries) => replacing = self.make_room(principal, entries).await?,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// The entries that may go: those whose session is no more, and those whose session the limit displaces, ended here.
    async fn make_room(
        &self,
        principal: &Principal,
        entries: Vec<IndexEntry>,
    ) -> Result<Vec<IndexEntry>, Error> {
        let Some(limit) = self.limit else { return Ok(Vec::new()) };
        let mut seen = Vec::with_capacity(entries.len());
        for entry in &entries {
            let signed_in = match self.live_of(principal, entry.id).await {
                Ok(record) => {
                    record.map(|record| record.authenticated_at().unwrap_or(record.created()))
                }
                // Nobody can open it.
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error),
            };
            seen.push((entry.id, signed_in));
        }
        let Some(displaced) = limit.make_room(&seen) else {
            self.observe(&Event::ExcessSession { principal, limit: limit.max() });
            return Err(Error::new(ErrorKind::TooManySessions));
        };
        for id in &displaced {
            self.observe(&Event::ExcessSession { principal, limit: limit.max() });
            self.end(*id, EndReason::OverLimit).await?;
        }
        let goes =
            |entry: &IndexEntry| displaced.contains(&entry.id) || seen.contains(&(entry.id, None));
        Ok(entries.into_iter().filter(goes).collect())
    }
}

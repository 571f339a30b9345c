//! Signing in: a principal's directory entered before the record names them, and asked again after.

use std::time::Duration;

use super::{ATTEMPTS, Manager};
use crate::error::{Error, ErrorKind};
use crate::key::SessionId;
use crate::observer::Event;
use crate::principal::Principal;
use crate::record::{EndReason, Record};
use crate::store::{Admission, Admitted, Entry, Outcome};
use crate::time::Timestamp;
use crate::turnstile::Turn;
use crate::value::Value;

/// A session on its way into its principal's directory.
///
/// It is entered before its record names the principal, so that every session that does is listed; and once more after,
/// since a rival that made room meanwhile took an entry without a record for a leftover, and a revocation that came
/// meanwhile found no record to end. A login that has answered stood in the directory *after* its record was written.
pub(crate) struct Entrance {
    principal: Principal,
    id: SessionId,
    until: Timestamp,
    authenticated_at: Timestamp,
    /// Whether the record names the principal already.
    is_written: bool,
    /// Logins of this process to one limited principal come one by one, so that each meets rivals of other nodes only.
    _turn: Option<Turn<Principal>>,
}

impl<V: Value> Manager<V> {
    /// Enters session `id`, which will end at `until`, with a minute to spare for the write that follows.
    pub(crate) async fn enter(
        &self,
        principal: &Principal,
        id: SessionId,
        until: Timestamp,
        authenticated_at: Timestamp,
    ) -> Result<Entrance, Error> {
        let turn = match self.limit {
            Some(_) => Some(self.logins.enter(principal.clone()).await),
            None => None,
        };
        let until = until.after(Duration::from_mins(1));
        let principal = principal.clone();
        let entrance = Entrance { principal, id, until, authenticated_at, is_written: false, _turn: turn };
        self.admit(&entrance).await?;
        Ok(entrance)
    }

    /// Makes sure that the session, whose record is written, is in its principal's directory still. If it may not be, it
    /// is ended: its key was never sent.
    pub(crate) async fn confirm_entrance(&self, mut entrance: Entrance) -> Result<(), Error> {
        // One tick later: whoever saw the entry without its record finds it changed.
        entrance.until = entrance.until.after(Duration::from_millis(1));
        entrance.is_written = true;
        match self.admit(&entrance).await {
            Err(error) if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) => {
                self.end(entrance.id, EndReason::Revoked).await?;
                Err(error)
            }
            admitted => admitted,
        }
    }

    /// Does for an inherited session what its creator may not have lived to do: its key follows from a token that is known.
    pub(crate) async fn confirm_heir(&self, id: SessionId, record: &Record) -> Result<(), Error> {
        let (Some(principal), false) = (record.principal(), record.credentials().is_renewed()) else {
            return Ok(());
        };
        let at = record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        match self.enter(principal, id, record.absolute_deadline(), at).await {
            Ok(entrance) => self.confirm_entrance(entrance).await,
            Err(error) => {
                if matches!(error.kind(), ErrorKind::TooManySessions | ErrorKind::LoginRevoked) {
                    self.end(id, EndReason::Revoked).await?;
                }
                Err(error)
            }
        }
    }

    /// Keeps a signed-in session in the directory until a later moment.
    pub(crate) async fn readmit(
        &self,
        principal: &Principal,
        id: SessionId,
        until: Timestamp,
    ) -> Result<(), Error> {
        let until = until.after(Duration::from_mins(1));
        // Without a limit and a moment of proof there is nothing to refuse it by.
        Ok(self.store.admit(Admission::new(principal.clone(), id, until)).await.map(drop)?)
    }

    async fn admit(&self, entrance: &Entrance) -> Result<(), Error> {
        let Entrance { principal, id, until, authenticated_at, .. } = entrance;
        let plain = Admission::new(principal.clone(), *id, *until).authenticated_at(*authenticated_at);
        let mut replacing = Vec::new();
        for _ in 0..ATTEMPTS {
            let admission = match self.limit {
                Some(limit) => plain.clone().within(limit.most().into(), replacing),
                None => plain.clone(),
            };
            let mut answer = self.store.admit(admission.clone()).await;
            if answer.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown) {
                answer = self.store.admit(admission).await.or(answer);
            }
            match answer? {
                Admitted::Done => return Ok(()),
                Admitted::Revoked => {
                    self.observe(&Event::LoginRevoked { principal });
                    return Err(Error::new(ErrorKind::LoginRevoked));
                }
                // A rival has displaced this very session, as it might have a moment after the answer: it must displace nobody.
                Admitted::Full(_) if entrance.is_written && self.live_of(principal, *id).await?.is_none() => {
                    return Ok(());
                }
                Admitted::Full(entries) => replacing = self.make_room(principal, entries).await?,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// The entries that may go: those whose session is no more, and those whose session the limit displaces, ended here.
    async fn make_room(&self, principal: &Principal, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let Some(limit) = self.limit else { return Ok(Vec::new()) };
        let mut seen = Vec::with_capacity(entries.len());
        for entry in &entries {
            let signed_in = match self.live_of(principal, entry.id).await {
                Ok(record) => record.map(|record| record.authenticated_at().unwrap_or(record.created())),
                // Nobody can open it.
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error),
            };
            seen.push((entry.id, signed_in));
        }
        let Some(displaced) = limit.make_room(&seen) else {
            self.observe(&Event::ExcessSession { principal, limit: limit.most() });
            return Err(Error::new(ErrorKind::TooManySessions));
        };
        for id in &displaced {
            self.observe(&Event::ExcessSession { principal, limit: limit.most() });
            self.end(*id, EndReason::Displaced).await?;
        }
        let goes = |entry: &Entry| displaced.contains(&entry.id) || seen.contains(&(entry.id, None));
        Ok(entries.into_iter().filter(goes).collect())
    }
}

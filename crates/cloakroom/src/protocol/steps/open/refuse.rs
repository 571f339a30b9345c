//! A key that opens nothing, and a session that cannot be read.

use super::super::super::{CookieChange, Failure, KeyStatus, NoSession, Rules as _};
use super::super::context::decode;
use super::super::end::report_end;
use super::super::session::FormerKey;
use super::super::{Ask, Context, Next, SessionState, Step};
use super::{Caller, Open, Opened, State, absent, without};
use crate::key::{Carrier, PublicId};
use crate::observe::Event;
use crate::policy::{Reaction, UnreadablePolicy};
use crate::record::{EndReason, Record, Stored};
use crate::store::{Ended, StoreError, Swap};
use crate::value::CodecError;

/// How many times a reused key ends a session that keeps changing.
const MAX_ATTEMPTS: u8 = 8;

/// Why a key opens nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    Status(KeyStatus, Option<Record>),
    /// The session cannot be read; whether it is known to be damaged.
    Unreadable(Failure, bool),
}

/// A reused key whose session is being ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reused {
    caller: Caller,
    attempts: u8,
}

impl Refusal {
    pub(super) const fn of_record(status: KeyStatus, record: Record) -> Self {
        Self::Status(status, Some(record))
    }

    /// Why a key opens nothing of what the store returned, which is not a live session.
    ///
    /// # Errors
    /// If the store did not answer.
    pub(super) fn of_stored<C: Context>(
        context: &C,
        caller: &Caller,
        found: Result<Option<Stored>, StoreError>,
    ) -> Result<Self, Failure> {
        let status = match found {
            Ok(Some(Stored::Ended(tombstone))) => {
                context.rules().judge_ended(&tombstone, &caller.verifier)
            }
            Ok(_) => KeyStatus::Invalid(NoSession::Unknown),
            Err(error) if error.is_unreadable() => {
                let is_damaged = !error.is_of_other_version();
                let (id, cause) = (caller.key.id(), CodecError::new(error.clone()));
                context.report(&Event::Unreadable { id, error: &cause });
                return Ok(Self::Unreadable(error.into(), is_damaged));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self::Status(status, None))
    }

    /// The same for anything that the store returned.
    pub(super) fn judge<C: Context>(
        context: &C,
        caller: &Caller,
        found: Result<Option<Stored>, StoreError>,
    ) -> Result<Self, Failure> {
        let Ok(Some(Stored::Live(record))) = found else {
            return Self::of_stored(context, caller, found);
        };
        let (now, reuse_after) = (context.now(), context.policy().reuse.after);
        match context.rules().judge(&record, &caller.verifier, reuse_after, now) {
            KeyStatus::Valid => match decode(context, caller.key.id(), record.payload()) {
                Err(error) => {
                    let is_damaged = !error.is_of_other_version();
                    Ok(Self::Unreadable(Failure::Corrupt(error), is_damaged))
                }
                Ok(_) => Ok(Self::of_record(KeyStatus::Valid, record)),
            },
            status => Ok(Self::of_record(status, record)),
        }
    }

    pub(super) const fn status(&self) -> KeyStatus {
        match self {
            Self::Status(status, _) => *status,
            Self::Unreadable(..) => KeyStatus::Invalid(NoSession::Unreadable),
        }
    }
}

impl<T: Clone + PartialEq> Open<T> {
    /// Reports a key that opens nothing, and decides what the request sees.
    pub(super) fn refuse<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        refusal: Refusal,
    ) -> Next<Opened<T>> {
        let (status, record) = match refusal {
            Refusal::Status(status, record) => (status, record),
            Refusal::Unreadable(failure, is_damaged) => {
                return self.unreadable(context, caller, failure, is_damaged);
            }
        };
        let id = caller.key.id();
        match status {
            KeyStatus::Valid | KeyStatus::Superseded => {
                context.report(&Event::RetiredKey { id });
                former(caller, NoSession::Superseded, record)
            }
            KeyStatus::Invalid(no_session) => {
                self.report(context, id, no_session);
                match no_session {
                    NoSession::Retired => former(caller, no_session, record),
                    NoSession::ProofNeeded => self.proof_needed(caller, record),
                    _ => self.absent(context, no_session),
                }
            }
            KeyStatus::Reused => {
                context.report(&Event::KeyReused { id });
                match (context.policy().reuse.reaction, record) {
                    // Outside a request no key is renewed, so its holder can have fallen behind.
                    (_, record) if !self.manner.is_request => {
                        former(caller, NoSession::Retired, record)
                    }
                    (Reaction::Refuse, record) => former(caller, NoSession::Superseded, record),
                    (Reaction::End, Some(record)) => {
                        self.end_reused(context, Reused { caller, attempts: 0 }, &record)
                    }
                    (Reaction::Report | Reaction::End, record) => {
                        former(caller, NoSession::Retired, record)
                    }
                }
            }
        }
    }

    /// The session is bound, and this secret opens it no more. Without its cookie, a browser that
    /// has the device's key refreshes before its next request.
    fn proof_needed(&self, caller: Caller, record: Option<Record>) -> Next<Opened<T>> {
        let removes = self.manner.is_request && caller.key.carrier() == Carrier::Cookie;
        let cookie = if removes { CookieChange::Remove } else { CookieChange::Keep };
        let next = former(caller, NoSession::ProofNeeded, record);
        next.map(|step| match step {
            Step::Done(opened) => Step::Done(Opened { cookie, ..opened }),
            ask @ Step::Ask(_) => ask,
        })
    }

    fn report<C: Context>(&self, context: &C, id: PublicId, no_session: NoSession) {
        let client = self.client;
        match no_session {
            NoSession::Unknown => context.report(&Event::UnknownKey { id, client }),
            NoSession::WrongSecret => context.report(&Event::WrongSecret { id, client }),
            NoSession::Retired | NoSession::ProofNeeded => {
                context.report(&Event::RetiredKey { id });
            }
            NoSession::Expired => context.report(&Event::UseAfterEnd { id, reason: None }),
            NoSession::Ended(reason) => {
                context.report(&Event::UseAfterEnd { id, reason: Some(reason) });
            }
            _ => {}
        }
    }

    /// Ends the session of a reused key, if it is still as it was when the key was judged.
    fn end_reused<C: Context<Value = T>>(
        &mut self,
        context: &C,
        mut reused: Reused,
        record: &Record,
    ) -> Next<Opened<T>> {
        reused.attempts += 1;
        let id = reused.caller.key.id();
        let ending = context.rules().end(EndReason::KeyReused, context.now());
        self.state = State::EndingReused(Box::new(reused));
        Ok(Step::Ask(Ask::EndIf(id, record.revision(), ending)))
    }

    pub(super) fn ended_reused<C: Context<Value = T>>(
        &mut self,
        context: &C,
        reused: Box<Reused>,
        swap: Result<Swap, StoreError>,
    ) -> Next<Opened<T>> {
        let (id, now) = (reused.caller.key.id(), context.now());
        match swap? {
            Swap::Done => {
                let reason = EndReason::KeyReused;
                context.report(&Event::Ended { id, reason });
                absent(NoSession::Ended(reason))
            }
            Swap::Gone => {
                self.state = State::ReadingReused(reused);
                Ok(Step::Ask(Ask::Get(id)))
            }
            Swap::Stale(record) => {
                let verifier = &reused.caller.verifier;
                let reuse_after = context.policy().reuse.after;
                match context.rules().judge_again(&record, verifier, reuse_after, now) {
                    KeyStatus::Reused if reused.attempts < MAX_ATTEMPTS => {
                        self.end_reused(context, *reused, &record)
                    }
                    KeyStatus::Reused => Err(Failure::Conflict),
                    // A user has signed in on it since: the key says nothing about their secret.
                    KeyStatus::Invalid(no_session) if no_session != NoSession::Retired => {
                        absent(no_session)
                    }
                    _ => former(reused.caller, NoSession::Retired, Some(record)),
                }
            }
        }
    }

    /// Another request has ended the session: says why, as a key that opened it may learn.
    pub(super) fn read_reused<C: Context<Value = T>>(
        &mut self,
        context: &C,
        reused: Reused,
        found: Result<Option<Stored>, StoreError>,
    ) -> Next<Opened<T>> {
        let refusal = Refusal::of_stored(context, &reused.caller, found)?;
        self.refuse(context, reused.caller, refusal)
    }

    /// Treats a session that cannot be read as the policy says. Its record is never overwritten.
    pub(super) fn unreadable<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        failure: Failure,
        is_damaged: bool,
    ) -> Next<Opened<T>> {
        match context.policy().unreadable {
            UnreadablePolicy::Refuse => Err(failure),
            UnreadablePolicy::SetAside if is_damaged => absent(NoSession::Unreadable),
            UnreadablePolicy::End if is_damaged => {
                let (id, reason) = (caller.key.id(), EndReason::Ended);
                self.state = State::EndingUnreadable(id);
                Ok(Step::Ask(Ask::End(id, context.rules().end(reason, context.now()))))
            }
            _ => former(caller, NoSession::Unreadable, None),
        }
    }

    pub(super) fn ended_unreadable<C: Context<Value = T>>(
        context: &C,
        id: PublicId,
        ended: Result<Ended, StoreError>,
    ) -> Next<Opened<T>> {
        report_end(context, id, EndReason::Ended, ended)?;
        absent(NoSession::Ended(EndReason::Ended))
    }
}

/// The request has no session, but the key is one of a session that is there.
fn former<T>(caller: Caller, why: NoSession, record: Option<Record>) -> Next<Opened<T>> {
    without(SessionState::Former(FormerKey { key: caller.key, why, record }))
}

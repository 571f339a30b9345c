//! A key that opens its session: the value, the renewal that is due, the use to record.

use super::super::super::{CookieChange, Failure, KeyStatus, Renewal, Rules as _};
use super::super::context::decode;
use super::super::{Ask, Context, Credential, Loaded, Next, SessionState, Step};
use super::{Caller, Open, Opened, State};
use crate::key::{Carrier, Key, Nonce, Verifier};
use crate::observe::Event;
use crate::record::Record;
use crate::store::{StoreError, Swap};
use crate::time::Timestamp;
use crate::value::CodecError;

/// A step of a renewal that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Renewing<T> {
    before: Loaded<T>,
    after: Record,
    /// The key to send once it is written.
    next: Option<Key>,
    /// Of the presented key.
    verifier: Verifier,
}

impl<T: Clone + PartialEq> Open<T> {
    /// The key opens this record: decodes the value, then renews the key or records the use if that
    /// is due.
    #[inline(always)]
    pub(super) fn admit<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        record: Record,
        now: Timestamp,
    ) -> Next<Opened<T>> {
        let (id, rules) = (caller.key.id(), context.rules());
        let value = match decode(context, id, record.payload()) {
            Ok(value) => value,
            Err(error) => return self.undecodable(context, caller, error),
        };
        let renews = self.manner.renews && caller.key.carrier() == Carrier::Cookie;
        let mut renewal =
            if renews { rules.renewal(&record, &caller.verifier, now) } else { Renewal::Nothing };
        let nonce = match renewal {
            Renewal::Start => context.random().ok(),
            _ => None,
        };
        // Without randomness the key stays as it is: the read itself does not need any.
        if renewal == Renewal::Start && nonce.is_none() {
            renewal = Renewal::Nothing;
        }
        let (after, next) = match renewal {
            Renewal::Nothing | Renewal::Resend => {
                let touch = rules.touch_due(&record, now).filter(|_| self.manner.touches);
                let loaded = load(caller, record, value);
                return match touch {
                    None => opened(context, loaded, renewal),
                    Some(deadline) => {
                        let revision = loaded.record.revision();
                        self.state = State::Touching(loaded, deadline, renewal);
                        Ok(Step::Ask(Ask::Touch(id, revision, deadline)))
                    }
                };
            }
            Renewal::Start => {
                let (kind, nonce) = (context.policy().kind, nonce.unwrap_or_default());
                let (after, next) =
                    rules.start_renewal(&record, &caller.key, kind, Nonce::from_bytes(nonce), now);
                (after, Some(next))
            }
            Renewal::Confirm => (rules.confirm_successor(&record, now), None),
            Renewal::ConfirmDevice => (rules.confirm_device(&record, now), None),
            Renewal::Retire => (rules.retire(&record, now), None),
        };
        let seen = record.clone();
        let revision = seen.revision().next(context.token());
        let after = after.edited(|fields| fields.revision = revision);
        let verifier = caller.verifier;
        let before = load(caller, record, value);
        let renewing = Renewing { before, after: after.clone(), next, verifier };
        self.state = State::Renewing(Box::new(renewing));
        Ok(Step::Ask(Ask::Replace(id, seen, after)))
    }

    pub(super) fn renewed<C: Context<Value = T>>(
        &mut self,
        context: &C,
        renewing: Renewing<T>,
        swap: Result<Swap, StoreError>,
    ) -> Next<Opened<T>> {
        let Renewing { before, after, next, verifier } = renewing;
        match swap {
            Ok(Swap::Done) => {
                let loaded = Loaded { record: after, ..before };
                match next {
                    None => done(loaded, CookieChange::Keep),
                    Some(next) => {
                        context.report(&Event::Renewed { id: next.id() });
                        send(context, loaded, next)
                    }
                }
            }
            Ok(Swap::Stale(current)) => self.overtaken(context, before, verifier, current),
            Ok(Swap::Gone) => self.start_again(),
            // The read itself succeeded, so it stands. The next request tries again.
            Err(_) => done(before, CookieChange::Keep),
        }
    }

    /// Another write came before the renewal. At most, its next key is sent again.
    pub(super) fn overtaken<C: Context<Value = T>>(
        &mut self,
        context: &C,
        before: Loaded<T>,
        verifier: Verifier,
        current: Record,
    ) -> Next<Opened<T>> {
        let (id, now) = (before.id(), context.now());
        let reuse_after = context.policy().reuse.after;
        match context.rules().judge_again(&current, &verifier, reuse_after, now) {
            KeyStatus::Valid => {}
            _ => return self.start_again(),
        }
        let Ok(value) = decode(context, id, current.payload()) else { return self.start_again() };
        let renewal = context.rules().renewal(&current, &verifier, now);
        opened(context, Loaded { record: current, value, ..before }, renewal)
    }

    /// The value of a session that the key opens cannot be decoded.
    #[cold]
    fn undecodable<C: Context<Value = T>>(
        &mut self,
        context: &C,
        caller: Caller,
        error: CodecError,
    ) -> Next<Opened<T>> {
        let is_damaged = !error.is_of_other_version();
        self.unreadable(context, caller, Failure::Corrupt(error), is_damaged)
    }
}

#[inline(always)]
fn load<T>(caller: Caller, record: Record, value: Option<T>) -> Loaded<T> {
    Loaded { credential: Credential::Key(caller.key), record, value }
}

#[inline(always)]
fn done<T>(loaded: Loaded<T>, cookie: CookieChange) -> Next<Opened<T>> {
    let (session, others) = (SessionState::Live(loaded), Vec::new());
    Ok(Step::Done(Opened { session, cookie, others, presented: None }))
}

/// The session is open. If the client does not have the next key yet, it is sent again.
#[inline(always)]
pub(super) fn opened<C: Context>(
    context: &C,
    loaded: Loaded<C::Value>,
    renewal: Renewal,
) -> Next<Opened<C::Value>> {
    let Some(key) = loaded.key() else { return done(loaded, CookieChange::Keep) };
    if renewal == Renewal::Resend {
        if let Some(next) = context.rules().next_key(&loaded.record, key) {
            return send(context, loaded, next);
        }
    }
    let cookie = context.rules().keep(key, &loaded.record);
    done(loaded, cookie)
}

fn send<C: Context>(context: &C, loaded: Loaded<C::Value>, key: Key) -> Next<Opened<C::Value>> {
    let cookie = context.rules().send(key.clone(), &loaded.record, context.now());
    let presented = loaded.key().cloned().map(Box::new);
    let session = SessionState::Live(Loaded { credential: Credential::Key(key), ..loaded });
    Ok(Step::Done(Opened { session, cookie, others: Vec::new(), presented }))
}

//! A key that opens its session: the value, the renewal that is due, the use to record.

use super::super::super::{CookieChange, Failure, KeyStatus, Renewal, Rules as _};
use super::super::context::decode;
use super::super::session::load_stored;
use super::super::{Ask, Context, Credential, Loaded, Next, SessionState, Step};
use super::{Caller, Open, Opened, State};
use crate::key::{Key, Nonce, Verifier};
use crate::observe::Event;
use crate::record::{Record, Stored};
use crate::store::{StoreError, Swap};
use crate::time::Timestamp;

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
            Err(error) => return self.unreadable(context, id, Failure::Corrupt(error)),
        };
        let renewal = if self.renews {
            rules.renewal(&record, &caller.verifier, now)
        } else {
            Renewal::Nothing
        };
        let (after, next) = match renewal {
            Renewal::Nothing | Renewal::Resend => {
                let touch = rules.touch_due(&record, now);
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
                let (kind, nonce) = (context.policy().kind, Nonce::from_bytes(context.random()?));
                let (after, next) = rules.start_renewal(&record, &caller.key, kind, nonce, now);
                (after, Some(next))
            }
            Renewal::Confirm => (rules.confirm_successor(&record, now), None),
            Renewal::Retire => (rules.retire(&record, now), None),
        };
        let expected = record.revision();
        let after = after.edited(|fields| fields.revision = expected.next(context.token()));
        let verifier = caller.verifier;
        let before = load(caller, record, value);
        let renewing = Renewing { before, after: after.clone(), next, verifier };
        self.state = State::Renewing(Box::new(renewing));
        Ok(Step::Ask(Ask::Replace(id, expected, after)))
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
            Ok(Swap::Gone) => {
                let id = before.id();
                self.state = State::Rereading(before.credential);
                Ok(Step::Ask(Ask::Get(id)))
            }
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
            status => return self.refuse(context, id, status),
        }
        let value = match decode(context, id, current.payload()) {
            Ok(value) => value,
            Err(error) => return self.unreadable(context, id, Failure::Corrupt(error)),
        };
        let renewal = context.rules().renewal(&current, &verifier, now);
        opened(context, Loaded { record: current, value, ..before }, renewal)
    }

    pub(super) fn reread<C: Context<Value = T>>(
        &mut self,
        context: &C,
        credential: &Credential,
        found: Result<Option<Stored>, StoreError>,
    ) -> Next<Opened<T>> {
        match load_stored(context, credential, found?) {
            Ok(loaded) => done(loaded, CookieChange::Keep),
            Err(Failure::Superseded) => {
                self.outlook.superseded = true;
                self.try_next(context)
            }
            Err(Failure::NoSession(no_session)) => self.absent(context, no_session),
            Err(failure) => Err(failure),
        }
    }
}

#[inline(always)]
fn load<T>(caller: Caller, record: Record, value: Option<T>) -> Loaded<T> {
    Loaded { credential: Credential::Key(caller.key), record, value }
}

#[inline(always)]
fn done<T>(loaded: Loaded<T>, cookie: CookieChange) -> Next<Opened<T>> {
    Ok(Step::Done(Opened { session: SessionState::Live(loaded), cookie, is_stale: false }))
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
    done(Loaded { credential: Credential::Key(key), ..loaded }, cookie)
}

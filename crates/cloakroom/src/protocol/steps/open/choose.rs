//! Several keys in one request: all are judged before anything is done.

use super::super::super::{Failure, KeyStatus, Rules as _, SecretStatus, recognise};
use super::super::{Context, Next};
use super::refuse::Refusal;
use super::{Caller, Open, Opened, OtherSession};
use crate::key::PublicId;
use crate::observe::Event;
use crate::record::{Record, Stored};
use crate::store::{Lookup, StoreError};

/// What the store holds under an id.
type Found = Result<Option<Stored>, StoreError>;

/// A key that opens its session.
struct Valid {
    caller: Caller,
    record: Record,
}

impl<T: Clone + PartialEq> Open<T> {
    /// All keys are of one session, which a cache may have returned.
    pub(super) fn looked_up_one<C: Context<Value = T>>(
        &mut self,
        context: &C,
        id: PublicId,
        found: Result<Lookup, StoreError>,
    ) -> Next<Opened<T>> {
        let (found, is_cached) = match found {
            Ok(Lookup::Cached(record)) => (Ok(Some(Stored::Live(record))), true),
            Ok(Lookup::Authoritative(stored)) => (Ok(stored), false),
            Err(error) => (Err(error), false),
        };
        let found = [(id, found)];
        if is_cached && self.valid(context, &found).is_empty() {
            return self.read_all(vec![id]);
        }
        self.choose(context, found.into())
    }

    /// Takes the first key that opens a session. If none does, the one counts that says most.
    pub(super) fn choose<C: Context<Value = T>>(
        &mut self,
        context: &C,
        found: Vec<(PublicId, Found)>,
    ) -> Next<Opened<T>> {
        let mut valid = self.valid(context, &found).into_iter();
        let Some(used) = valid.next() else { return self.refuse_all(context, found) };
        let Valid { caller, record } = used;
        for Valid { caller: other, record } in valid {
            context.report(&Event::AmbiguousKeys { used: caller.key.id(), other: other.key.id() });
            self.others.push(OtherSession { key: other.key, record: Some(record) });
        }
        self.keep_unread(context, &found);
        self.admit(context, caller, record, context.now())
    }

    /// The keys that open a session, one for each session.
    fn valid<C: Context<Value = T>>(&self, context: &C, found: &[(PublicId, Found)]) -> Vec<Valid> {
        let (now, policy) = (context.now(), context.policy());
        let mut all: Vec<Valid> = Vec::new();
        for key in self.keys.iter() {
            let Some(Ok(Some(Stored::Live(record)))) = stored_under(found, key.id()) else {
                continue;
            };
            let verifier = key.verifier(policy.kind);
            let status = context.rules().judge(record, &verifier, policy.reuse.after, now);
            if status != KeyStatus::Valid || context.decode(record.payload()).is_err() {
                continue;
            }
            let caller = Caller { key: key.clone(), verifier };
            match all.iter_mut().find(|other| other.caller.key.id() == key.id()) {
                None => all.push(Valid { caller, record: record.clone() }),
                // The client has the derived or a bound secret: an old cookie next to it must not
                // keep the renewal, or the binding, from being completed.
                Some(other)
                    if recognise(record.credentials(), &verifier) == SecretStatus::Successor
                        || record.device().is_some_and(|it| it.until(&verifier).is_some()) =>
                {
                    other.caller = caller;
                }
                Some(_) => {}
            }
        }
        all
    }

    /// Remembers the keys of sessions for which the store did not answer, and of those whose value
    /// cannot be decoded: signing out must end them, too.
    fn keep_unread<C: Context<Value = T>>(&mut self, context: &C, found: &[(PublicId, Found)]) {
        let (now, policy) = (context.now(), context.policy());
        for key in self.keys.iter() {
            let record = match stored_under(found, key.id()) {
                Some(found) if is_unanswered(found) => None,
                Some(Ok(Some(Stored::Live(record)))) => {
                    let verifier = key.verifier(policy.kind);
                    let status = context.rules().judge(record, &verifier, policy.reuse.after, now);
                    if status != KeyStatus::Valid || context.decode(record.payload()).is_ok() {
                        continue;
                    }
                    Some(record.clone())
                }
                _ => continue,
            };
            self.others.push(OtherSession { key: key.clone(), record });
        }
    }

    /// No key opens a session.
    fn refuse_all<C: Context<Value = T>>(
        &mut self,
        context: &C,
        mut found: Vec<(PublicId, Found)>,
    ) -> Next<Opened<T>> {
        // A store that did not answer for one of the sessions could have opened it.
        if let Some(at) = found.iter().position(|(_, found)| is_unanswered(found)) {
            return match found.swap_remove(at).1 {
                Err(error) => Err(error.into()),
                Ok(_) => Err(Failure::OutOfOrder),
            };
        }
        let mut most: Option<(Caller, Refusal)> = None;
        for key in self.keys.iter() {
            let Some(found) = stored_under(&found, key.id()) else { continue };
            let caller = Caller { key: key.clone(), verifier: key.verifier(context.policy().kind) };
            let refusal = Refusal::judge(context, &caller, found.clone())?;
            let weight = |refusal: &Refusal| context.rules().weight(refusal.status());
            let counts = most.as_ref().is_none_or(|(_, most)| weight(most) < weight(&refusal));
            if counts {
                most = Some((caller, refusal));
            }
        }
        match most {
            Some((caller, refusal)) => self.refuse(context, caller, refusal),
            None => Err(Failure::OutOfOrder),
        }
    }
}

fn stored_under(found: &[(PublicId, Found)], id: PublicId) -> Option<&Found> {
    found.iter().find(|(found, _)| *found == id).map(|(_, stored)| stored)
}

/// True if the store could not say what it holds.
fn is_unanswered(found: &Found) -> bool {
    found.as_ref().err().is_some_and(|error| !error.is_unreadable())
}

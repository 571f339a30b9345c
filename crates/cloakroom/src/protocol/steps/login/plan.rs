//! The write of a sign-in on a session that exists.

use super::super::super::{Failure, KeyStatus, NoSession, Rules as _, SignIn, SignInBy};
use super::super::session::judge_credential;
use super::super::{Context, Draft, Edit, Loaded, Plan, Planned};
use crate::key::{Carrier, Key, Nonce};
use crate::policy::{self, ClientInfo, Reaction};
use crate::record::Record;
use crate::time::Timestamp;

/// The write of a sign-in on a session that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SignInPlan<E> {
    pub(super) login: policy::Login,
    pub(super) client: ClientInfo,
    pub(super) at: Timestamp,
    /// The session's sign-in when this one was entered in the index.
    pub(super) known: Option<Timestamp>,
    /// Why it was not written, if what was found in the meantime says so.
    pub(super) refusal: Option<Refusal>,
    /// The key that the request presented: the session's next one is derived from it.
    pub(super) presented: Key,
    /// Drawn once, however often the change is tried.
    pub(super) nonce: Option<Nonce>,
    /// What the challenges of a device binding are made from, likewise.
    pub(super) seed: Option<[u8; 16]>,
    /// Whether the session was bound to a device, which the sign-in drops.
    pub(super) drops_device: bool,
    /// Whether a key that counts as a copy can sign in: the policy does not end its session.
    pub(super) admits_reused: bool,
    /// The session as it was, if no one was signed in on it: that is what it becomes again if the
    /// sign-in is refused once it is written.
    pub(super) before: Option<Record>,
    pub(super) edit: E,
}

/// Why a sign-in was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// Another sign-in has been written since: this one has to be entered in the index again.
    Overtaken,
    /// This very sign-in was answered, and the browser has bound the session since.
    Answered,
}

impl<C: Context, E: Edit<C>> Plan<C> for SignInPlan<E> {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        let (rules, kind) = (context.rules(), context.policy().kind);
        let principal = &self.login.principal;
        if rules.plan_sign_in(&loaded.record, principal) == SignIn::Switch {
            // Another principal signed in on it while this login lost a race.
            return Err(Failure::NoSession(NoSession::Retired));
        }
        // The response may have been sent while the sign-in waited for the store.
        if !context.can_send_key() {
            return Err(Failure::HeadersSent);
        }
        let (presented, record) = (&self.presented, &loaded.record);
        let carrier = self.login.carrier.unwrap_or(presented.carrier());
        let sign_in = SignInBy { principal, assurance: self.login.assurance, carrier };
        let repeated = rules.repeated_sign_in(record, presented, sign_in, kind, now);
        // A sign-in that was held back takes nothing over from a newer one, unless it is the same,
        // or was entered in the index after it: a revocation in between would have refused it.
        let newer = record.authenticated_at().filter(|at| *at > self.at && *at <= now);
        let newer = newer.filter(|_| record.principal() == Some(principal));
        let is_valid = || judge_credential(context, &loaded.credential, record) == KeyStatus::Valid;
        let (key, trace) = match repeated {
            // Its key would take the place of the bound one.
            Some(_) if record.device().is_some() => {
                self.refusal = Some(Refusal::Answered);
                return Err(Failure::Superseded);
            }
            Some(key) => (key, None),
            None if newer.is_some() && newer != self.known && !is_valid() => {
                self.refusal = Some(Refusal::Overtaken);
                return Err(Failure::NoSession(NoSession::Retired));
            }
            None => {
                let nonce = match self.nonce {
                    Some(nonce) => nonce,
                    None => *self.nonce.insert(Nonce::from_bytes(context.random()?)),
                };
                let fresh = rules.sign_in_key(record, presented, carrier, kind, nonce, now);
                (fresh.key, Some(fresh.trace))
            }
        };
        let at = newer.filter(|_| trace.is_none()).unwrap_or(self.at);
        let is_first = trace.is_some() && record.principal().is_none();
        self.before = is_first.then(|| record.clone());
        self.drops_device = trace.is_some() && record.device().is_some();
        let record = match self.login.lifetime {
            Some(lifetime) => &rules.give_lifetime(record, lifetime, now),
            None => record,
        };
        let record = rules.sign_in(record, principal, key.verifier(kind), trace, now);
        let record = match self.seed {
            None if trace.is_some() && may_offer(context, &record, carrier) => {
                let seed = *self.seed.insert(context.random()?);
                rules.offer_binding(&record, seed, now)
            }
            Some(seed) if trace.is_some() => rules.offer_binding(&record, seed, now),
            _ => record,
        };
        let edited = self.edit.edit(context, loaded.value.as_ref());
        let payload = match &edited {
            Some(value) => context.payload(value, record.payload()).map_err(Failure::Unfit)?,
            None => record.payload().clone(),
        };
        let record = record.edited(|fields| {
            (fields.authenticated_at, fields.assurance) = (at, self.login.assurance);
            fields.client = fields.client.seen_as(&self.client);
            fields.payload = payload;
        });
        let value = edited.or_else(|| loaded.value.clone());
        Ok(Planned::Write(Draft { record, value, fresh: Some(key) }, ()))
    }

    fn admits(&self, status: KeyStatus, record: &Record) -> bool {
        admits(status, record, &self.login, self.admits_reused)
    }
}

/// Whether a user can sign in with a key of this status on the session with this record.
///
/// A key that was replaced does for the same principal, who proves who they are once more. It does
/// not if they prove less than the session's user did: what that one may see is not theirs yet.
pub(super) fn admits(
    status: KeyStatus,
    record: &Record,
    login: &policy::Login,
    admits_reused: bool,
) -> bool {
    let is_former = match status {
        KeyStatus::Valid => return true,
        KeyStatus::Superseded | KeyStatus::Invalid(NoSession::Retired | NoSession::ProofNeeded) => {
            true
        }
        KeyStatus::Reused => admits_reused,
        KeyStatus::Invalid(_) => false,
    };
    is_former
        && record.principal() == Some(&login.principal)
        && record.assurance() <= login.assurance
}

/// Whether the response to a sign-in offers to bind the session to a device.
pub(in crate::protocol::steps) fn may_offer<C: Context>(
    context: &C,
    record: &Record,
    carrier: Carrier,
) -> bool {
    context.policy().device.is_some()
        && carrier == Carrier::Cookie
        && record.lifetime().outlives_browser()
}

/// Whether a key that counts as a copy can sign in: under a policy that does not end the session.
pub(super) fn admits_reused<C: Context>(context: &C) -> bool {
    context.policy().reuse.reaction != Reaction::End
}

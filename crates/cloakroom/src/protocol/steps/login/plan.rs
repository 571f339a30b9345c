//! The write of a sign-in on a session that exists.

use super::super::super::{Failure, KeyStatus, NoSession, Rules as _, SignIn, SignInKey};
use super::super::{Context, Draft, Edit, Loaded, Plan, Planned};
use crate::key::{Key, Nonce};
use crate::policy::{self, ClientInfo, Principal};
use crate::record::Record;
use crate::time::Timestamp;

/// The write of a sign-in on a session that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SignInPlan<E> {
    pub(super) login: policy::Login,
    pub(super) client: ClientInfo,
    pub(super) at: Timestamp,
    /// The key that the request presented: the session's next one is derived from it.
    pub(super) presented: Key,
    /// Drawn once, however often the change is tried.
    pub(super) nonce: Option<Nonce>,
    pub(super) edit: E,
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
        let nonce = match self.nonce {
            Some(nonce) => nonce,
            None => *self.nonce.insert(Nonce::from_bytes(context.random()?)),
        };
        let (presented, record) = (&self.presented, &loaded.record);
        let carrier = self.login.carrier.unwrap_or(presented.carrier());
        let SignInKey { key, trace } =
            rules.sign_in_key(record, presented, principal, carrier, kind, nonce, now);
        let record = match self.login.lifetime {
            Some(lifetime) => &rules.give_lifetime(record, lifetime, now),
            None => record,
        };
        let record = rules.sign_in(record, principal, key.verifier(kind), trace, now);
        let edited = self.edit.edit(context, loaded.value.as_ref());
        // A sign-in that was held back does not replace what a newer one has proved.
        let newer = loaded.record.authenticated_at().filter(|at| *at > self.at && *at <= now);
        let newer = newer.filter(|_| loaded.record.principal() == Some(principal));
        let record = record.edited(|fields| {
            (fields.authenticated_at, fields.assurance) = match newer {
                Some(at) => (at, loaded.record.assurance()),
                None => (self.at, self.login.assurance),
            };
            fields.client = fields.client.seen_as(&self.client);
            if let Some(value) = &edited {
                fields.payload = context.payload(value);
            }
        });
        let value = edited.or_else(|| loaded.value.clone());
        Ok(Planned::Write(Draft { record, value, fresh: Some(key) }, ()))
    }

    fn admits(&self, status: KeyStatus, record: &Record) -> bool {
        admits(status, record.principal(), &self.login.principal)
    }
}

/// Whether `signing_in` can sign in with a key of this status, of a session of `principal`.
///
/// A key that was replaced does for the same principal: they prove who they are once more.
pub(super) fn admits(
    status: KeyStatus,
    principal: Option<&Principal>,
    signing_in: &Principal,
) -> bool {
    match status {
        KeyStatus::Valid => true,
        KeyStatus::Superseded | KeyStatus::Invalid(NoSession::Retired) => {
            principal == Some(signing_in)
        }
        KeyStatus::Reused | KeyStatus::Invalid(_) => false,
    }
}

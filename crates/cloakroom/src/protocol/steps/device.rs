//! Registering a device for a session, and refreshing the secret of a bound one.

use super::super::{
    Authorization, Challenge, ChallengeStatus, Challenger, Failure, Rules as _, refresh_challenge,
};
use super::{Context, Draft, Loaded, Plan, Planned, fresh_secret};
use crate::key::{DeviceKey, Key, PublicId, Secret};
use crate::observe::ProofRefusal;
use crate::policy::DeviceBinding;
use crate::record::Record;
use crate::time::Timestamp;

/// What a device has signed. Whether its signature is good is asked once the session is known: that
/// costs more than all else.
pub trait DeviceProof {
    /// The authorization that it says it has. Nothing is verified.
    fn claimed_authorization(&self) -> Option<Authorization>;

    /// What was signed with the key that the proof brings along; `None` if the proof is not good.
    fn with_new_key(&self) -> Option<NewDevice>;

    /// The challenge that was signed with this key; `None` if the proof is not good.
    fn with_key(&self, key: &DeviceKey) -> Option<Challenge>;
}

/// What a device has signed to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a proof has these parts")]
pub struct NewDevice {
    /// Its key.
    pub key: DeviceKey,
    /// The challenge.
    pub challenge: Challenge,
    /// For which session.
    pub authorization: Authorization,
}

/// What a registration or a refresh leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an integration must answer every case")]
pub enum DeviceOutcome {
    /// There is another secret, and this is the challenge for the next one.
    Accepted(Challenge),
    /// This challenge has to be signed; whether another one was.
    Challenge(Challenge, Option<ProofRefusal>),
    /// Nothing was written.
    Refused(ProofRefusal),
}

/// Registers the device that a proof brings along.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegisterDevice<P> {
    proof: P,
    verified: Option<NewDevice>,
    secret: Option<Secret>,
}

impl<P> RegisterDevice<P> {
    /// Registers the device whose proof this is.
    pub const fn new(proof: P) -> Self {
        Self { proof, verified: None, secret: None }
    }
}

impl<C: Context, P: DeviceProof> Plan<C> for RegisterDevice<P> {
    type Result = DeviceOutcome;

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, DeviceOutcome>, Failure> {
        let (rules, record) = (context.rules(), &loaded.record);
        let Some(policy) = &context.policy().device else {
            return refused(ProofRefusal::NotOffered);
        };
        let challenger = challenger(policy, loaded.id());
        let is_authorized = |it: &Authorization| rules.is_authorized(record, challenger, it, now);
        // To verify a signature costs more than all else.
        if !self.proof.claimed_authorization().as_ref().is_some_and(is_authorized) {
            return refused(ProofRefusal::NotOffered);
        }
        if self.verified.is_none() {
            self.verified = self.proof.with_new_key();
        }
        let Some(NewDevice { key, challenge, authorization }) = &self.verified else {
            return refused(ProofRefusal::Invalid);
        };
        if !is_authorized(authorization)
            || !rules.can_register(record, challenger, key, challenge, now)
        {
            return refused(ProofRefusal::NotOffered);
        }
        let fresh = Key::new(loaded.id(), fresh_secret(context, &mut self.secret)?.clone());
        let verifier = fresh.verifier(context.policy().kind);
        let written = rules.register_device(record, key, verifier, policy.cookie_life(), now);
        match written {
            Some(record) => accepted(loaded, record, fresh, challenger, now),
            None => refused(ProofRefusal::TooMany),
        }
    }
}

/// Gives a bound session another secret, for a proof that its device has the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefreshDevice<P> {
    proof: Option<P>,
    /// The challenge that was signed, and the key by which.
    verified: Option<(DeviceKey, Challenge)>,
    secret: Option<Secret>,
}

impl<P> RefreshDevice<P> {
    /// Refreshes with this proof. Without one, the outcome is the challenge to sign.
    pub const fn new(proof: Option<P>) -> Self {
        Self { proof, verified: None, secret: None }
    }

    /// The challenge that was signed by this key.
    fn signed(&mut self, key: &DeviceKey) -> Option<Challenge>
    where
        P: DeviceProof,
    {
        if let Some((known, challenge)) = &self.verified {
            if known == key {
                return Some(*challenge);
            }
        }
        let challenge = self.proof.as_ref()?.with_key(key)?;
        self.verified = Some((key.clone(), challenge));
        Some(challenge)
    }
}

impl<C: Context, P: DeviceProof> Plan<C> for RefreshDevice<P> {
    type Result = DeviceOutcome;

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, DeviceOutcome>, Failure> {
        let (rules, record) = (context.rules(), &loaded.record);
        let Some(policy) = &context.policy().device else {
            return refused(ProofRefusal::NoSession);
        };
        let is_being_bound = rules.is_being_bound(record, now);
        let unless_being_bound =
            |refusal| refused(if is_being_bound { ProofRefusal::Overtaken } else { refusal });
        let Some(device) = record.device() else {
            return unless_being_bound(ProofRefusal::NoSession);
        };
        let challenger = challenger(policy, loaded.id());
        let ask = |refusal| {
            let challenge = refresh_challenge(&device, challenger, now);
            Ok(Planned::Keep(DeviceOutcome::Challenge(challenge, refusal)))
        };
        if self.proof.is_none() {
            return ask(None);
        }
        let Some(challenge) = self.signed(&device.key) else {
            return unless_being_bound(ProofRefusal::Invalid);
        };
        let status = rules.judge_challenge(&device, challenger, &challenge, now);
        if status == ChallengeStatus::Stale {
            return ask(Some(ProofRefusal::Stale));
        }
        let secret = fresh_secret(context, &mut self.secret)?.clone();
        let fresh = Key::new(loaded.id(), secret);
        let verifier = fresh.verifier(context.policy().kind);
        match rules.accept_proof(record, status, verifier, policy.cookie_life(), now) {
            Some(record) => accepted(loaded, record, fresh, challenger, now),
            None => refused(ProofRefusal::TooMany),
        }
    }
}

fn challenger(policy: &DeviceBinding, id: PublicId) -> Challenger<'_> {
    Challenger { id, server_key: policy.challenge_key() }
}

fn accepted<T: Clone>(
    loaded: &Loaded<T>,
    record: Record,
    fresh: Key,
    challenger: Challenger<'_>,
    now: Timestamp,
) -> Result<Planned<T, DeviceOutcome>, Failure> {
    let Some(device) = record.device() else { return refused(ProofRefusal::NoSession) };
    let challenge = refresh_challenge(&device, challenger, now);
    let draft = Draft { record, value: loaded.value.clone(), fresh: Some(fresh) };
    Ok(Planned::Write(draft, DeviceOutcome::Accepted(challenge)))
}

fn refused<T>(refusal: ProofRefusal) -> Result<Planned<T, DeviceOutcome>, Failure> {
    Ok(Planned::Keep(DeviceOutcome::Refused(refusal)))
}

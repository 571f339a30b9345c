//! A token as the protocol's steps see it.

use super::proof::Proof;
use crate::key::DeviceKey;
use crate::protocol::steps::{DeviceProof, NewDevice};
use crate::protocol::{Authorization, Challenge};

/// A token of a device that was not verified yet.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct SignedToken(Box<[u8]>);

impl SignedToken {
    /// The token in the value of `Secure-Session-Response`, a string or bare.
    pub(crate) fn new(value: &[u8]) -> Self {
        Self(crate::http::unquoted(value).into())
    }
}

impl DeviceProof for SignedToken {
    fn claimed_authorization(&self) -> Option<Authorization> {
        Authorization::parse(&Proof::claimed_authorization(&self.0)?)
    }

    fn with_new_key(&self) -> Option<NewDevice> {
        let (proof, key) = Proof::of_new_key(&self.0).ok()?;
        let challenge = Challenge::parse(proof.challenge())?;
        let authorization = Authorization::parse(proof.authorization()?)?;
        Some(NewDevice { key, challenge, authorization })
    }

    fn with_key(&self, key: &DeviceKey) -> Option<Challenge> {
        let proof = Proof::of_key(&self.0, key).ok()?;
        // A challenge that is none of ours is a stale one.
        Some(Challenge::parse(proof.challenge()).unwrap_or(Challenge::UNKNOWN))
    }
}

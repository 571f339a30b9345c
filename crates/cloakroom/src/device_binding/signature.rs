//! The signatures of devices.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::error::{ProofError, ProofErrorKind};
use crate::key::{DeviceKey, DeviceNumbers};

/// Verifies a signature of `message` by this key.
///
/// Whether a point is on the curve shows here, too.
pub(super) fn verify(key: &DeviceKey, message: &[u8], signature: &[u8]) -> Result<(), ProofError> {
    let verified = match key.numbers() {
        DeviceNumbers::Es256(point) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
        }
        DeviceNumbers::Rs256 { modulus, exponent } => {
            let key = RsaPublicKeyComponents { n: modulus, e: exponent };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        }
    };
    verified
        .map_err(|_| ProofError::new(ProofErrorKind::Signature, "its signature is not of this key"))
}

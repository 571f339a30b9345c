//! Public keys as browsers send them: JSON Web Keys
//! ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)).

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::error::{ProofError, ProofErrorKind};
use super::json::Object;
use crate::key::{Algorithm, COORDINATE_LEN, DeviceKey};

/// Members of private keys ([RFC 7518](https://www.rfc-editor.org/rfc/rfc7518), sections 6.2.2 and
/// 6.3.2), and of symmetric ones.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The key in `jwk`, which is to sign with this algorithm.
pub(super) fn key_of(jwk: &Object, algorithm: Algorithm) -> Result<DeviceKey, ProofError> {
    if PRIVATE.iter().any(|name| jwk.has(name)) {
        return Err(ProofError::key("it holds a private key"));
    }
    let kind = match algorithm {
        Algorithm::Es256 => "EC",
        Algorithm::Rs256 => "RSA",
    };
    if jwk.text("kty") != Some(kind) {
        return Err(ProofError::new(
            ProofErrorKind::Algorithm,
            "its key is of another kind than its algorithm",
        ));
    }
    if jwk.has("alg") && jwk.text("alg") != Some(algorithm.name()) {
        return Err(ProofError::new(ProofErrorKind::Algorithm, "its key is for another algorithm"));
    }
    match algorithm {
        Algorithm::Es256 => {
            if jwk.text("crv") != Some("P-256") {
                return Err(ProofError::key("its key is on another curve than P-256"));
            }
            let [x, y] = [coordinate(jwk, "x")?, coordinate(jwk, "y")?];
            Ok(DeviceKey::es256(x, y))
        }
        Algorithm::Rs256 => {
            DeviceKey::rs256(&number(jwk, "n")?, &number(jwk, "e")?).map_err(ProofError::key)
        }
    }
}

fn coordinate(jwk: &Object, name: &str) -> Result<[u8; COORDINATE_LEN], ProofError> {
    let bytes = number(jwk, name)?;
    bytes.try_into().map_err(|_| ProofError::key("a coordinate of its key is not of 32 bytes"))
}

fn number(jwk: &Object, name: &str) -> Result<Vec<u8>, ProofError> {
    let text = jwk.text(name).ok_or(ProofError::key("its key lacks a number"))?;
    Base64UrlUnpadded::decode_vec(text)
        .map_err(|_| ProofError::key("a number of its key is not base64url without padding"))
}

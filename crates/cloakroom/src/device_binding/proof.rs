//! What a device signs: a JSON Web Token of a fixed form
//! ([RFC 7515](https://www.rfc-editor.org/rfc/rfc7515), section 3.1).

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::error::{ProofError, ProofErrorKind};
use super::json::Object;
use super::jwk;
use super::signature;
use crate::key::{Algorithm, DeviceKey};

/// The longest token that is read: one with an RSA key of 4096 bits has 1,700 bytes.
const MAX_LEN: usize = 4_096;
/// The longest challenge or authorization.
const MAX_TEXT: usize = 512;
/// The type of these tokens.
const TYPE: &str = "dbsc+jwt";

/// What a device has signed. Its signature was verified.
///
/// It proves that the device had its key when it was given the [challenge](Proof::challenge):
/// compare that with one that was handed out for this session, and a short time ago.
///
/// ```
/// use cloakroom::device_binding::{Proof, ProofErrorKind};
///
/// let forged = b"eyJhbGciOiJub25lIiwidHlwIjoiZGJzYytqd3QifQ.eyJqdGkiOiJjIn0.";
/// let error = Proof::of_new_key(forged).unwrap_err();
/// assert_eq!(error.kind(), ProofErrorKind::Algorithm);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    challenge: String,
    authorization: Option<String>,
}

impl Proof {
    /// Verifies the proof that registers a key, which it brings along.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn of_new_key(token: &[u8]) -> Result<(Self, DeviceKey), ProofError> {
        let token = Token::parse(token)?;
        let jwk = token.header.object("jwk").ok_or(ProofError::key("it brings no key"))?;
        let key = jwk::key_of(jwk, token.algorithm)?;
        Ok((token.verify(&key)?, key))
    }

    /// Verifies a proof by a key that was registered before.
    ///
    /// # Errors
    /// [`ProofError`]; also if the proof brings a key along, even this one.
    pub fn of_key(token: &[u8], key: &DeviceKey) -> Result<Self, ProofError> {
        let token = Token::parse(token)?;
        if token.header.has("jwk") {
            return Err(ProofError::key("it brings a key, and one is registered"));
        }
        if token.algorithm != key.algorithm() {
            let detail = "its algorithm is not that of the registered key";
            return Err(ProofError::new(ProofErrorKind::Algorithm, detail));
        }
        token.verify(key)
    }

    /// The authorization code in this token. Nothing is verified.
    pub(super) fn claimed_authorization(token: &[u8]) -> Option<String> {
        Token::parse(token).ok()?.payload.text("authorization").map(str::to_owned)
    }

    /// The challenge that was signed.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// The authorization code that was signed, if the registration asked for one.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

/// A token that is well-formed. Nothing in it is verified.
struct Token<'a> {
    algorithm: Algorithm,
    header: Object,
    payload: Object,
    /// The two segments that are signed.
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    fn parse(token: &'a [u8]) -> Result<Self, ProofError> {
        if token.len() > MAX_LEN {
            return Err(ProofError::malformed("it is longer than 4,096 bytes"));
        }
        let text =
            std::str::from_utf8(token).map_err(|_| ProofError::malformed("it is no text"))?;
        let mut segments = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(ProofError::malformed("it has not three segments"));
        };
        let signed = &token[..header.len() + 1 + payload.len()];
        let (header, payload) = (object(header)?, object(payload)?);
        if header.text("typ") != Some(TYPE) {
            return Err(ProofError::malformed("its type is not `dbsc+jwt`"));
        }
        // An extension that must be understood (RFC 7515, section 4.1.11): we understand none.
        if header.has("crit") {
            return Err(ProofError::malformed("it has a critical extension"));
        }
        let algorithm = header.text("alg").and_then(Algorithm::named).ok_or(ProofError::new(
            ProofErrorKind::Algorithm,
            "its algorithm is neither ES256 nor RS256",
        ))?;
        let signature = decode(signature)?;
        Ok(Self { algorithm, header, payload, signed, signature })
    }

    fn verify(self, key: &DeviceKey) -> Result<Proof, ProofError> {
        signature::verify(key, self.signed, &self.signature)?;
        let bounded = |text: &str| (text.len() <= MAX_TEXT).then(|| text.to_owned());
        let challenge = self.payload.text("jti").and_then(bounded);
        let challenge = challenge.ok_or(ProofError::malformed("it has no challenge in `jti`"))?;
        let authorization = self.payload.text("authorization").and_then(bounded);
        if authorization.is_none() && self.payload.has("authorization") {
            return Err(ProofError::malformed("its `authorization` is no short text"));
        }
        Ok(Proof { challenge, authorization })
    }
}

fn object(segment: &str) -> Result<Object, ProofError> {
    Object::parse(&decode(segment)?)
        .ok_or(ProofError::malformed("a segment is no JSON object, or names a member twice"))
}

fn decode(segment: &str) -> Result<Vec<u8>, ProofError> {
    Base64UrlUnpadded::decode_vec(segment)
        .map_err(|_| ProofError::malformed("a segment is not base64url without padding"))
}

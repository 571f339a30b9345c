//! The key pair of a device, and what it signs.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

/// The key pair of a device.
pub(super) struct Device(EcdsaKeyPair);

impl Device {
    pub(super) fn new() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a new key pair");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
        Self(pair.expect("a key pair that was just made"))
    }

    /// The proof that registers the key.
    pub(super) fn registration(&self, challenge: &str, authorization: Option<&str>) -> String {
        // A point that is not compressed: 4, x, y.
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (encode(x), encode(y));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        let mut payload = json!({ "jti": challenge });
        if let Some(authorization) = authorization {
            payload["authorization"] = authorization.into();
        }
        self.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk }), &payload)
    }

    /// The proof of a refresh.
    pub(super) fn refresh(&self, challenge: &str) -> String {
        self.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &json!({ "jti": challenge }))
    }

    fn sign(&self, header: &serde_json::Value, payload: &serde_json::Value) -> String {
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(payload.to_string().as_bytes())
        );
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", encode(signature.as_ref()))
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

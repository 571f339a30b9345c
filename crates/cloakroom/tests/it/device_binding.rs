//! Proofs of device-bound sessions: one vector for each rule, with signatures of another library.
//!
//! `vectors.json` was made with Python's `cryptography`. A vector with a `key` is a refresh, and
//! `key` is the proof that registered it.

use std::collections::BTreeSet;

use cloakroom::device_binding::{Algorithm, DeviceKey, Proof, ProofError, ProofErrorKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    expect: String,
    token: String,
    key: Option<String>,
    challenge: Option<String>,
    authorization: Option<String>,
    thumbprint: Option<String>,
}

impl Vector {
    fn verify(&self) -> Result<(Proof, DeviceKey), ProofError> {
        match &self.key {
            None => Proof::of_new_key(self.token.as_bytes()),
            Some(registration) => {
                let (_, key) = Proof::of_new_key(registration.as_bytes()).unwrap();
                Proof::of_key(self.token.as_bytes(), &key).map(|proof| (proof, key))
            }
        }
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("device_binding/vectors.json")).unwrap()
}

fn name_of(kind: ProofErrorKind) -> &'static str {
    match kind {
        ProofErrorKind::Malformed => "malformed",
        ProofErrorKind::Algorithm => "algorithm",
        ProofErrorKind::Key => "key",
        ProofErrorKind::Signature => "signature",
        _ => "unknown",
    }
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let mut seen = BTreeSet::new();
    for vector in vectors() {
        let name = &vector.name;
        match vector.verify() {
            Ok((proof, key)) => {
                assert_eq!(vector.expect, "ok", "{name} is accepted");
                assert_eq!(Some(proof.challenge()), vector.challenge.as_deref(), "{name}");
                assert_eq!(proof.authorization(), vector.authorization.as_deref(), "{name}");
                if let Some(thumbprint) = &vector.thumbprint {
                    assert_eq!(key.thumbprint(), *thumbprint, "{name}");
                }
            }
            Err(error) => assert_eq!(name_of(error.kind()), vector.expect, "{name}: {error}"),
        }
        seen.insert(vector.expect);
    }
    assert_eq!(seen.len(), 5, "each kind of answer: {seen:?}");
}

/// No second text stands for a proof: whatever byte is changed, it is refused.
#[test]
fn a_proof_with_any_bit_changed_is_refused() {
    for vector in vectors().iter().filter(|vector| vector.expect == "ok") {
        let token = vector.token.as_bytes();
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut changed = token.to_vec();
                changed[at] ^= 1 << bit;
                let vector = Vector {
                    name: String::new(),
                    expect: String::new(),
                    // What is no text cannot be put into a vector, and is refused as such.
                    token: match String::from_utf8(changed) {
                        Ok(token) => token,
                        Err(_) => continue,
                    },
                    key: vector.key.clone(),
                    challenge: None,
                    authorization: None,
                    thumbprint: None,
                };
                assert!(vector.verify().is_err(), "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn a_key_is_shown_by_its_thumbprint() {
    let vectors = vectors();
    let (_, key) = vectors[0].verify().unwrap();
    assert_eq!(key.algorithm(), Algorithm::Es256);
    assert_eq!(format!("{key:?}"), format!("DeviceKey(ES256 {})", key.thumbprint()));
    let (_, other) = vectors[1].verify().unwrap();
    assert_eq!(other.algorithm(), Algorithm::Rs256);
    assert_ne!(key, other);
}

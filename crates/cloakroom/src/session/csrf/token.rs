//! The anti-forgery token: proof that a form was on a page of this very session.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::key::KeyFamily;

/// An anti-forgery token: a page puts it into a form, the form's request sends it back, and so no
/// other site can have made the request (OWASP, "Cross-Site Request Forgery Prevention",
/// "Synchronizer Token Pattern").
///
/// Its `Display` is 43 characters of base64url, which HTML and headers take as they are. Each token
/// is masked with fresh random bytes, so that compressing a page that contains it reveals nothing
/// (BREACH).
///
/// See [`Session::csrf_token`](crate::Session::csrf_token).
#[derive(Clone)]
#[must_use = "a token protects nothing unless it is part of a form"]
#[doc(alias = "anti_forgery")]
#[doc(alias = "xsrf")]
pub struct CsrfToken([u8; 32]);

impl CsrfToken {
    /// The token for `purpose`, masked with `mask`.
    pub(crate) fn new(family: KeyFamily, purpose: &str, mask: [u8; 16]) -> Self {
        let proof = proof(family, purpose);
        let mut bytes = [0; 32];
        for place in 0..16 {
            bytes[place] = mask[place];
            bytes[16 + place] = mask[place] ^ proof[place];
        }
        Self(bytes)
    }

    /// True if `text` is a token for `purpose`. Compared in constant time.
    pub(crate) fn is_genuine(family: KeyFamily, purpose: &str, text: &str) -> bool {
        let mut bytes = [0; 32];
        if !Base64UrlUnpadded::decode(text, &mut bytes).is_ok_and(|decoded| decoded.len() == 32) {
            return false;
        }
        let presented: [u8; 16] = std::array::from_fn(|place| bytes[place] ^ bytes[16 + place]);
        presented.ct_eq(&proof(family, purpose)).into()
    }
}

/// What can only be derived from the session's key family, for this purpose only.
fn proof(family: KeyFamily, purpose: &str) -> [u8; 16] {
    let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
    key[..16].copy_from_slice(family.as_bytes());
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&key);
    mac.update(b"cloakroom anti-forgery 1\0");
    mac.update(purpose.as_bytes());
    let digest = mac.finalize().into_bytes();
    std::array::from_fn(|place| digest[place])
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = [0; 43];
        // 32 bytes are 43 characters, so it always fits.
        f.write_str(Base64UrlUnpadded::encode(&self.0, &mut characters).unwrap_or_default())
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: KeyFamily = KeyFamily::from_bytes([7; 16]);

    #[test]
    fn a_token_is_valid_for_its_session_and_purpose_only() {
        let token = CsrfToken::new(OURS, "transfer", [9; 16]).to_string();
        assert_eq!(token.len(), 43);
        assert!(CsrfToken::is_genuine(OURS, "transfer", &token));
        assert!(!CsrfToken::is_genuine(OURS, "close account", &token));
        assert!(!CsrfToken::is_genuine(KeyFamily::from_bytes([8; 16]), "transfer", &token));
    }

    #[test]
    fn two_tokens_for_one_purpose_have_nothing_in_common() {
        let texts =
            [[1; 16], [2; 16]].map(|mask| CsrfToken::new(OURS, "transfer", mask).to_string());
        assert!(texts.iter().all(|text| CsrfToken::is_genuine(OURS, "transfer", text)));
        assert_ne!(texts[0][..21], texts[1][..21]);
        assert_ne!(texts[0][22..], texts[1][22..]);
    }

    #[test]
    fn no_other_text_is_accepted() {
        let token = CsrfToken::new(OURS, "transfer", [9; 16]).to_string();
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(
                !CsrfToken::is_genuine(OURS, "transfer", &String::from_utf8(other).unwrap()),
                "{at}"
            );
        }
        for text in [
            "",
            "AAAA",
            &token[..42],
            &format!("{token}A"),
            &format!("{token}="),
            "é",
            &"A".repeat(43),
        ] {
            assert!(!CsrfToken::is_genuine(OURS, "transfer", text), "{text}");
        }
    }
}

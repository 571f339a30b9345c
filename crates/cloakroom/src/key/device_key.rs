//! The public key of a device.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

/// The length of a coordinate on P-256.
pub(crate) const COORDINATE_LEN: usize = 32;
/// What a point begins with that is not compressed.
const UNCOMPRESSED: u8 = 4;
/// The least and the most bytes of an RSA modulus: NIST SP 800-131A demands 2048 bits, and more
/// than 4096 only cost time.
const MODULUS_LEN: std::ops::RangeInclusive<usize> = 256..=512;
/// The most bytes of an RSA exponent; nearly all have three.
const MAX_EXPONENT_LEN: usize = 4;

/// How a device signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: short keys and signatures.
    Es256,
    /// RSA, PKCS #1 v1.5, with SHA-256: devices whose hardware has nothing else.
    Rs256,
}

impl Algorithm {
    /// The name in a token: `ES256` or `RS256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    #[cfg(feature = "device-binding")]
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// The public key that a device has registered, with the one algorithm that it signs with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeviceKey(Numbers);

/// The numbers of a public key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Numbers {
    /// A point that is not compressed.
    Es256([u8; 1 + 2 * COORDINATE_LEN]),
    /// Without leading zeros.
    Rs256 { modulus: Box<[u8]>, exponent: Box<[u8]> },
}

impl DeviceKey {
    /// The key with this point on P-256. Whether it is on the curve shows when a signature is
    /// verified.
    pub fn es256(x: [u8; COORDINATE_LEN], y: [u8; COORDINATE_LEN]) -> Self {
        let mut point = [UNCOMPRESSED; 1 + 2 * COORDINATE_LEN];
        point[1..=COORDINATE_LEN].copy_from_slice(&x);
        point[1 + COORDINATE_LEN..].copy_from_slice(&y);
        Self(Numbers::Es256(point))
    }

    /// An RSA key.
    ///
    /// # Errors
    /// What is wrong with the numbers.
    pub(crate) fn rs256(modulus: &[u8], exponent: &[u8]) -> Result<Self, &'static str> {
        let has_zeros = |number: &[u8]| number.first().is_none_or(|first| *first == 0);
        if has_zeros(modulus) || has_zeros(exponent) {
            return Err("a number of its key has leading zeros");
        }
        // 2048 bits, not just 256 bytes.
        let is_long = MODULUS_LEN.contains(&modulus.len())
            && (modulus.len() > *MODULUS_LEN.start() || modulus[0] >= 0x80);
        if !is_long {
            return Err("its RSA key is not of 2048 to 4096 bits");
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let is_exponent = exponent.len() <= MAX_EXPONENT_LEN && is_odd(exponent) && exponent != [1];
        if !is_odd(modulus) || !is_exponent {
            return Err("its RSA key is none");
        }
        Ok(Self(Numbers::Rs256 { modulus: modulus.into(), exponent: exponent.into() }))
    }

    /// The algorithm of its signatures.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Numbers::Es256(_) => Algorithm::Es256,
            Numbers::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    /// The SHA-256 thumbprint of the key, by which people and logs can tell keys apart
    /// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)).
    pub fn thumbprint(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        let canonical = match &self.0 {
            Numbers::Es256(point) => {
                let (x, y) = point[1..].split_at(COORDINATE_LEN);
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Numbers::Rs256 { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus))
            }
        };
        text(&Sha256::digest(canonical))
    }

    /// The numbers, to verify a signature with.
    #[cfg(feature = "device-binding")]
    pub(crate) const fn numbers(&self) -> &Numbers {
        &self.0
    }

    /// The key as a record keeps it: the point, or the length of the exponent, it, and the modulus.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Numbers::Es256(point) => point.to_vec(),
            Numbers::Rs256 { modulus, exponent } => {
                let length = u8::try_from(exponent.len()).unwrap_or(u8::MAX);
                [&[length], &**exponent, &**modulus].concat()
            }
        }
    }

    /// The key with these bytes; `None` if it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        match *first {
            UNCOMPRESSED if bytes.len() == 1 + 2 * COORDINATE_LEN => {
                Some(Self(Numbers::Es256(bytes.try_into().ok()?)))
            }
            length => {
                let (exponent, modulus) = rest.split_at_checked(length.into())?;
                Self::rs256(modulus, exponent).ok()
            }
        }
    }
}

/// Shows the thumbprint: an RSA key is long.
impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({} {})", self.algorithm().name(), self.thumbprint())
    }
}

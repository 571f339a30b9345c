//! The text of an encrypted session: the cookie's value.
//!
//! It is base64url without padding, canonical (each session has one text), of
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 1 | version of this table: `0x01` |
//! | 1 | 4 | id of the key that encrypted it, which reveals nothing about the key |
//! | 5 | 24 | nonce |
//! | 29 | rest | the contents, encrypted with `XChaCha20` |
//! | at the end | 16 | Poly1305 tag |
//!
//! The tag also covers, in this order: `cloakroom encrypted cookie`, the first five bytes of the
//! table, the length of the cookie's name as two bytes (little-endian), the cookie's name, and the
//! kind's name. So a text that is moved to another cookie or kind is not decrypted.
//!
//! Nothing is compressed: the length of compressed data reveals its contents to anyone who can
//! choose a part of it (CRIME, BREACH). The length of a text still reveals the length of the value.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::contents;
use crate::http::MAX_PAIR_LEN;

const VERSION: u8 = 1;

/// Identifies the key that encrypted a text, and reveals nothing about it.
pub(super) type KeyId = [u8; 4];
pub(super) type Nonce = [u8; 24];
pub(super) type Tag = [u8; 16];

/// Bytes of everything but the contents.
const OVERHEAD: usize = 1 + size_of::<KeyId>() + size_of::<Nonce>() + size_of::<Tag>();

/// The length of the text with contents of this length.
pub(super) const fn text_len(contents: usize) -> usize {
    ((OVERHEAD + contents) * 4).div_ceil(3)
}

/// A well-formed encrypted session.
#[derive(PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) key: KeyId,
    pub(super) nonce: Nonce,
    /// Encrypted.
    pub(super) contents: Vec<u8>,
    pub(super) tag: Tag,
}

impl Envelope {
    /// Parses hostile bytes; `None` if they are not an encrypted session of this version.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        // Longer than browsers accept, or shorter than any of ours: not worth decoding.
        if !(text_len(contents::MIN_LEN)..=MAX_PAIR_LEN).contains(&text.len()) {
            return None;
        }
        let mut bytes = vec![0; text.len() * 3 / 4];
        let (&VERSION, rest) = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.split_first()?
        else {
            return None;
        };
        let (&key, rest) = rest.split_first_chunk()?;
        let (&nonce, rest) = rest.split_first_chunk()?;
        let (contents, &tag) = rest.split_last_chunk()?;
        Some(Self { key, nonce, contents: contents.to_vec(), tag })
    }

    /// The text of a cookie.
    pub(super) fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(OVERHEAD + self.contents.len());
        bytes.push(VERSION);
        bytes.extend(self.key);
        bytes.extend(self.nonce);
        bytes.extend(&self.contents);
        bytes.extend(self.tag);
        Base64UrlUnpadded::encode_string(&bytes)
    }
}

/// What a text is for. The tag covers it, but the text does not contain it.
pub(super) struct Purpose(Vec<u8>);

impl Purpose {
    pub(super) fn new(cookie: &str, kind: &str) -> Self {
        // A policy's name is shorter than 4096 bytes, so its length fits.
        let length = u16::try_from(cookie.len()).unwrap_or(u16::MAX);
        Self([&length.to_le_bytes(), cookie.as_bytes(), kind.as_bytes()].concat())
    }

    /// Everything that a tag of this key covers in addition to the contents.
    pub(super) fn associated(&self, key: KeyId) -> Vec<u8> {
        [b"cloakroom encrypted cookie".as_slice(), &[VERSION], &key, &self.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_laid_out_as_the_table_says() {
        let envelope =
            Envelope { key: [2; 4], nonce: [3; 24], contents: vec![4; 40], tag: [5; 16] };
        let text = envelope.to_text();
        let bytes = Base64UrlUnpadded::decode_vec(&text).unwrap();
        assert_eq!(bytes, [&[1][..], &[2; 4], &[3; 24], &[4; 40], &[5; 16]].concat());
        assert!(Envelope::parse(text.as_bytes()) == Some(envelope));
    }

    #[test]
    fn the_associated_data_has_only_one_reading() {
        let covered = |cookie, kind| Purpose::new(cookie, kind).associated([0xAA; 4]);
        let expected = b"cloakroom encrypted cookie\x01\xAA\xAA\xAA\xAA\x02\x00idk";
        assert_eq!(covered("id", "k"), expected);
        assert_ne!(covered("id-admin", ""), covered("id", "-admin"));
    }

    #[test]
    fn a_text_of_another_version_is_not_parsed() {
        let mut bytes = vec![1; 200];
        assert!(Envelope::parse(Base64UrlUnpadded::encode_string(&bytes).as_bytes()).is_some());
        for version in [0, 2, 0xFF] {
            bytes[0] = version;
            assert!(Envelope::parse(Base64UrlUnpadded::encode_string(&bytes).as_bytes()).is_none());
        }
    }

    #[test]
    fn a_text_that_is_too_long_or_too_short_is_not_decoded() {
        let text = |length: usize| "AQ".repeat(length / 2);
        assert!(Envelope::parse(text(4096).as_bytes()).is_some());
        assert!(Envelope::parse(text(4098).as_bytes()).is_none());
        assert!(
            Envelope::parse(&text(4096).as_bytes()[..text_len(contents::MIN_LEN) - 1]).is_none()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn the_length_of_a_text_is_exactly_known_beforehand(
            contents in prop::collection::vec(any::<u8>(), 26..300),
        ) {
            let length = contents.len();
            let envelope = Envelope { key: [1; 4], nonce: [2; 24], contents, tag: [3; 16] };
            prop_assert_eq!(envelope.to_text().len(), text_len(length));
        }

        #[test]
        fn a_text_that_is_parsed_is_the_only_one(text in "AQ[A-Za-z0-9_+/=-]{80,200}") {
            if let Some(envelope) = Envelope::parse(text.as_bytes()) {
                prop_assert_eq!(envelope.to_text(), text);
            }
        }
    }
}

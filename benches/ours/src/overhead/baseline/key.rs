//! Keys: 43 characters of base64url, for an id of 16 bytes and a secret of 16 bytes.

use sha2::block_api::compress256;

/// Characters of a key.
pub(super) const TEXT: usize = 43;

/// Separates kinds of session.
const KIND: [u8; 16] = *b"the only kind   ";

pub(super) struct Key {
    bytes: [u8; 32],
}

impl Key {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map(|()| Self { bytes })
    }

    pub(super) fn id(&self) -> u128 {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes[..16]);
        u128::from_be_bytes(id)
    }

    /// Decodes exactly 43 characters whose last two bits are zero, with a table for each place in a
    /// group of four.
    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let text: &[u8; TEXT] = text.try_into().ok()?;
        let mut bytes = [0; 32];
        let mut met = 0;
        let (groups, tail) = text.as_chunks::<4>();
        for (group, bytes) in groups.iter().zip(bytes.as_chunks_mut::<3>().0) {
            let value = TABLES[0][usize::from(group[0])]
                | TABLES[1][usize::from(group[1])]
                | TABLES[2][usize::from(group[2])]
                | TABLES[3][usize::from(group[3])];
            met |= value;
            bytes.copy_from_slice(&value.to_be_bytes()[1..]);
        }
        let &[a, b, c] = tail else { return None };
        let value =
            TABLES[0][usize::from(a)] | TABLES[1][usize::from(b)] | TABLES[2][usize::from(c)];
        bytes[30..].copy_from_slice(&value.to_be_bytes()[1..3]);
        ((met | value) & UNKNOWN == 0 && value & 0b1100_0000 == 0).then_some(Self { bytes })
    }

    pub(super) fn text(&self) -> [u8; TEXT] {
        let mut text = [0; TEXT];
        let (groups, tail) = self.bytes.as_chunks::<3>();
        let (texts, end) = text.as_chunks_mut::<4>();
        let letter = |value: u32, shift: u32| ALPHABET[(value >> shift & 63) as usize];
        for (group, text) in groups.iter().zip(texts) {
            let value = u32::from_be_bytes([0, group[0], group[1], group[2]]);
            *text = [letter(value, 18), letter(value, 12), letter(value, 6), letter(value, 0)];
        }
        if let &[a, b] = tail {
            let value = u32::from_be_bytes([0, a, b, 0]);
            end.copy_from_slice(&[letter(value, 18), letter(value, 12), letter(value, 6)]);
        }
        text
    }

    /// SHA-256 of kind, id and secret: with padding, the 48 bytes are one block.
    pub(super) fn verifier(&self) -> [u32; 8] {
        let mut block = [0; 64];
        block[..16].copy_from_slice(&KIND);
        block[16..48].copy_from_slice(&self.bytes);
        block[48] = 0x80;
        block[62..].copy_from_slice(&(48_u16 * 8).to_be_bytes());
        let mut state = INITIAL;
        compress256(&mut state, &[block]);
        state
    }
}

/// FIPS 180-4 section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const UNKNOWN: u32 = 0xFF00_0000;

static TABLES: [[u32; 256]; 4] = [table(18), table(12), table(6), table(0)];

const fn table(shift: u32) -> [u32; 256] {
    let mut table = [UNKNOWN; 256];
    let mut value = 0;
    while value < 64 {
        table[ALPHABET[value as usize] as usize] = value << shift;
        value += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_a_key_is_accepted() {
        let key = Key::random().unwrap();
        let text = key.text();
        assert_eq!(Key::from_text(&text).unwrap().bytes, key.bytes);
        for other in [&text[1..], &b"="[..], &[b'.'; TEXT], &[b'B'; TEXT], &[b'A'; TEXT + 1]] {
            assert!(Key::from_text(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_verifier_is_the_sha_256_of_kind_and_key() {
        use sha2::Digest as _;
        let key = Key { bytes: [7; 32] };
        let digest = sha2::Sha256::new_with_prefix(KIND).chain_update(key.bytes).finalize();
        let words: Vec<u8> = key.verifier().iter().flat_map(|word| word.to_be_bytes()).collect();
        assert_eq!(words, digest.to_vec());
    }
}

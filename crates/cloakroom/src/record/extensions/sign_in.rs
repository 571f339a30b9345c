//! What a record remembers of its last sign-in and of former key families.

use super::Extensions;
use crate::key::{KeyFamily, Nonce, Verifier};
use crate::record::MAX_RETIRED;
use crate::time::Timestamp;

const SIGN_IN: u8 = 1;
const FAMILIES: u8 = 2;

/// The bytes of one secret and its family in the entry of [`FAMILIES`].
const FAMILY_LEN: usize = 24;

/// How the last sign-in derived the session's secret, so that the same sign-in, sent twice, derives
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SignInTrace {
    /// When the sign-in was written.
    pub at: Timestamp,
    /// The nonce with which the secret was derived.
    pub nonce: Nonce,
    /// The nonce of the timed renewal that was in progress: some clients may have presented its
    /// derived secret, and others the one before.
    pub renewal: Option<Nonce>,
}

impl SignInTrace {
    /// A sign-in at `at`.
    pub(crate) const fn new(at: Timestamp, nonce: Nonce, renewal: Option<Nonce>) -> Self {
        Self { at, nonce, renewal }
    }
}

impl Extensions {
    /// How the last sign-in derived the secret, if that is remembered.
    pub(crate) fn sign_in(&self) -> Option<SignInTrace> {
        let bytes = self.entry(SIGN_IN)?;
        let (at, bytes) = bytes.split_first_chunk::<8>()?;
        let (nonce, bytes) = bytes.split_first_chunk::<16>()?;
        let renewal = match bytes {
            [] => None,
            _ => Some(Nonce::from_bytes(bytes.try_into().ok()?)),
        };
        let at = Timestamp::from_millis(u64::from_be_bytes(*at));
        Some(SignInTrace { at, nonce: Nonce::from_bytes(*nonce), renewal })
    }

    pub(crate) fn with_sign_in(&self, trace: Option<SignInTrace>) -> Self {
        if self.is_empty() && trace.is_none() {
            return self.clone();
        }
        let bytes = trace.map(|trace| {
            let mut bytes = trace.at.as_millis().to_be_bytes().to_vec();
            bytes.extend_from_slice(trace.nonce.as_bytes());
            bytes.extend(trace.renewal.iter().flat_map(Nonce::as_bytes));
            bytes
        });
        self.with_entry(SIGN_IN, bytes.as_deref())
    }

    /// The key family of a retired secret, if it does not follow from its verifier.
    pub(crate) fn family_of(&self, verifier: &Verifier) -> Option<KeyFamily> {
        self.families().find(|(prefix, _)| *prefix == verifier.prefix()).map(|(_, family)| family)
    }

    /// Remembers the key family of a secret that retires; the oldest is forgotten.
    pub(crate) fn with_family_of(&self, verifier: &Verifier, family: KeyFamily) -> Self {
        let mut all: Vec<_> = self.families().collect();
        all.push((verifier.prefix(), family));
        let first = all.len().saturating_sub(MAX_RETIRED);
        let bytes: Vec<u8> = all[first..]
            .iter()
            .flat_map(|(prefix, family)| [&prefix.to_be_bytes()[..], family.as_bytes()].concat())
            .collect();
        self.with_entry(FAMILIES, Some(&bytes))
    }

    fn families(&self) -> impl Iterator<Item = (u64, KeyFamily)> + '_ {
        let entry = self.entry(FAMILIES).unwrap_or_default();
        entry.chunks_exact(FAMILY_LEN).filter_map(|bytes| {
            let (prefix, family) = bytes.split_first_chunk::<8>()?;
            Some((u64::from_be_bytes(*prefix), KeyFamily::from_bytes(family.try_into().ok()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, KindTag, PublicId, Secret};

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn verifier(secret: u8) -> Verifier {
        let key = Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([secret; 16]));
        key.verifier(KindTag::of(""))
    }

    #[test]
    fn a_sign_in_is_read_back_and_removed_without_a_trace() {
        for renewal in [None, Some(Nonce::from_bytes([2; 16]))] {
            let trace = SignInTrace::new(AT, Nonce::from_bytes([1; 16]), renewal);
            let with = Extensions::default().with_sign_in(Some(trace));
            assert_eq!(with.sign_in(), Some(trace));
            assert_eq!(with.with_sign_in(None), Extensions::default());
        }
    }

    #[test]
    fn the_families_of_the_last_retired_secrets_are_remembered() {
        let mut extensions = Extensions::default();
        for secret in 0..10 {
            let family = KeyFamily::from_bytes([secret; 16]);
            extensions = extensions.with_family_of(&verifier(secret), family);
        }
        assert_eq!(extensions.family_of(&verifier(1)), None);
        assert_eq!(extensions.family_of(&verifier(2)), Some(KeyFamily::from_bytes([2; 16])));
        assert_eq!(extensions.family_of(&verifier(9)), Some(KeyFamily::from_bytes([9; 16])));
    }

    #[test]
    fn entries_of_other_versions_stay_and_never_give_way() {
        let mut foreign = vec![16];
        for tag in 10..26 {
            foreign.extend_from_slice(&[tag, 0, 0, 1, tag]);
        }
        let full = Extensions::from_area(&foreign);
        let trace = SignInTrace::new(AT, Nonce::from_bytes([1; 16]), None);
        assert_eq!(full.with_sign_in(Some(trace)).as_area(), full.as_area());
        let one = Extensions::from_area(&[1, 0, 0, 0, 1, 7]);
        let with = one.with_sign_in(Some(trace));
        assert_eq!(with.sign_in(), Some(trace));
        assert_eq!(with.with_sign_in(None).as_area(), one.as_area());
    }

    #[test]
    fn an_entry_of_another_length_counts_as_absent() {
        for length in [0, 7, 23, 25, 39, 41] {
            let mut area = vec![1, SIGN_IN, 0, length];
            area.extend(std::iter::repeat_n(1, usize::from(length)));
            assert_eq!(Extensions::from_area(&area).sign_in(), None);
        }
    }
}

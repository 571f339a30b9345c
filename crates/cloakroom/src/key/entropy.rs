//! Where random bytes come from.

use std::fmt;
use std::io;

/// A source of random bytes for keys, nonces and revision tokens.
///
/// # Security
/// Whatever can predict this source can forge keys. Only tests have a reason to replace
/// [`OsEntropy`] (NIST SP 800-63B-4 section 5.1: an approved random bit generator).
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `buffer` with unpredictable bytes.
    ///
    /// # Errors
    /// If the source has nothing to give; no key is made then.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The operating system's generator: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::other)
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(source: &dyn Entropy) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.fill(&mut bytes)?;
    Ok(bytes)
}

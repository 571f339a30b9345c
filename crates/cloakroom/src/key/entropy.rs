//! Where random bytes come from.

use std::fmt;
use std::io;

/// A source of random bytes for keys, nonces and revision tokens.
///
/// # Security
/// Anyone who can predict this source can forge keys. Only tests should replace [`OsEntropy`]
/// (NIST SP 800-63B-4 section 5.1 asks for an approved random bit generator).
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `buffer` with unpredictable bytes.
    ///
    /// # Errors
    /// If the source fails; no key is minted then.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The operating system's random number generator, which is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::other)
    }
}

/// `N` random bytes from `source`.
pub(crate) fn random<const N: usize>(source: &dyn Entropy) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.fill(&mut bytes)?;
    Ok(bytes)
}

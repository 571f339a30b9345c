//! Where words go: data to standard output, talk to standard error.

use std::io::{self, Write};

/// A line of data, for whoever reads this command's output.
///
/// # Errors
/// If nobody can read it any more.
pub(crate) fn data(line: &str) -> io::Result<()> {
    part(line)?;
    part("\n")
}

/// Some data, without the end of a line.
///
/// # Errors
/// If nobody can read it any more.
pub(crate) fn part(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A line for the person at the terminal; if nobody listens, nothing is lost.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

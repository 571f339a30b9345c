//! Output: data to standard output, messages to standard error.

use std::io::{self, Write};

/// Prints a line of data.
///
/// # Errors
/// If standard output is closed.
pub(crate) fn print_line(line: &str) -> io::Result<()> {
    print(line)?;
    print("\n")
}

/// Prints data as it is.
///
/// # Errors
/// If standard output is closed.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a line for the person at the terminal. A closed standard error is ignored.
pub(crate) fn message(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

//! A question before what cannot be undone.

use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks whether to go on, if there is a person to ask.
///
/// In a script, where standard input or standard error is no terminal, the command itself is the
/// answer.
///
/// # Errors
/// If the answer is not yes.
pub(super) fn confirm(question: &str) -> Result<(), Box<dyn Error>> {
    if !is_person_there() {
        return Ok(());
    }
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err("not confirmed: nothing was changed (--yes leaves the question out)".into()),
    }
}

/// Whether there is a person who can be asked.
pub(super) fn is_person_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

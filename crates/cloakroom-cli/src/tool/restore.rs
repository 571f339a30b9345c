//! `cloakroom restore`: brings a backup of a file back.

use std::error::Error;
use std::path::PathBuf;

use cloakroom_sqlite::{Restore, SqliteError, SqliteErrorKind};
use serde::Serialize;

use super::access::Access;
use super::confirm::{confirm, is_person_there};
use super::{ExitReason, output};
use crate::terminal;

/// Bring a backup of an SQLite store back, also while applications use it
///
/// The content of the store's file is replaced in one step by that of the backup, after the backup
/// was checked. Do not copy or move a backup onto a file that is in use: that damages it.
///
/// Sessions that ended or signed out since the backup was made are live again, and keys that were
/// replaced since open them; sessions that began since are gone. To end what must not be live, run
/// the `revoke` command that is printed, before the application starts if it was stopped.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The backup: a file, such as `sqlite3 sessions.db ".backup FILE"` makes
    #[arg(value_name = "FILE")]
    backup: PathBuf,
    #[command(flatten)]
    access: Access,
    /// Confirm, and do not ask on a terminal
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Report {
    /// How many sessions of the backup have not ended.
    sessions: u64,
    bytes: u64,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (url, backup) = (options.access.store.url()?, options.backup.display());
    let invalid = |text: String| ExitReason::InvalidArguments(text);
    let file = url.file().ok_or_else(|| {
        invalid(format!("{url} is not a file: restore a server with the server's own tools"))
    })?;
    if url.is_read_only() {
        return Err(invalid(format!("{url} may not be changed: leave out `mode=ro`")).into());
    }
    let restore = Restore::check(&options.backup, file).map_err(of_arguments)?;
    let sessions = restore.sessions();
    let effect = format!(
        "this replaces every session in {url} by the {sessions} of `{backup}`; those that ended \
         since it was made are live again"
    );
    if !options.yes {
        if !is_person_there() {
            return Err(invalid(format!("{effect}; add --yes to confirm")).into());
        }
        confirm(&format!("{effect}.\nGo on?"))?;
    }
    let (progress, mut bytes) = (output::progress("bytes copied"), 0);
    restore.run(&mut |copied, total| {
        progress.set_position(copied);
        bytes = total;
    })?;
    progress.finish_and_clear();
    if options.access.json {
        output::object(&Report { sessions, bytes })?;
    } else {
        terminal::print_line(&format!("{url} has the {sessions} sessions of `{backup}` now"))?;
    }
    terminal::message(&format!(
        "what ended since the backup was made is live again; to end every session: cloakroom \
         revoke --store '{url}' --all --yes"
    ));
    Ok(())
}

/// A backup that is the store itself is a mistake in the arguments.
fn of_arguments(error: SqliteError) -> Box<dyn Error> {
    match error.kind() {
        SqliteErrorKind::SameFile | SqliteErrorKind::NotAPath => {
            ExitReason::InvalidArguments(crate::chain(&error)).into()
        }
        _ => error.into(),
    }
}

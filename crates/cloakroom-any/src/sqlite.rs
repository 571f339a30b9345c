//! SQLite by its path.

use std::path::Path;
use std::sync::Arc;

use cloakroom::Store;
use cloakroom_sqlite::SqliteStore;

use crate::check::Check;
use crate::error::OpenError;
use crate::url::Purpose;

pub(crate) fn open(path: &Path, purpose: Purpose) -> Result<Arc<dyn Store>, OpenError> {
    let builder = || SqliteStore::builder(path);
    let opened = match purpose {
        Purpose::Serve => builder().open(),
        Purpose::Look => builder().open_read_only(),
        // An old file is not brought up to date: looking at it says that it is one.
        Purpose::Operate => builder().open_read_only().and_then(|_| builder().existing().open()),
    };
    opened.map(|store| Arc::new(store) as _).map_err(OpenError::store)
}

pub(crate) fn check(path: &Path) -> Result<Vec<Check>, OpenError> {
    let store = SqliteStore::builder(path).open_read_only().map_err(OpenError::store)?;
    let found = store.inspect().map_err(OpenError::store)?;
    let log =
        if found.is_wal { format!("yes, {} bytes", found.log_bytes) } else { "no".to_owned() };
    let file = format!(
        "{} bytes, {} of them free; SQLite {} reads it",
        found.file_bytes, found.free_bytes, found.sqlite_version
    );
    let damage =
        if found.damage.is_empty() { "undamaged".to_owned() } else { found.damage.join("; ") };
    let mut checks = vec![
        Check::new("tables", true, format!("version {}", found.schema_version)),
        Check::new("write-ahead log", found.is_wal, log),
        Check::new("file", true, file),
        Check::new("integrity", found.damage.is_empty(), damage),
    ];
    if let Some(mode) = found.mode {
        // The six bits of its group and of everybody else.
        let is_private = mode.trailing_zeros() >= 6;
        let who = if is_private { "its owner alone" } else { "others can read it: chmod 600" };
        checks.push(Check::new("permissions", is_private, format!("{mode:03o}: {who}")));
    }
    Ok(checks)
}

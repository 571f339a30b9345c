//! SQLite stores.

use std::path::Path;
use std::sync::Arc;

use cloakroom::Store;
use cloakroom_sqlite::SqliteStore;

use crate::check::Check;
use crate::error::OpenError;
use crate::sqlite_url::Access;
use crate::url::Mode;

pub(crate) fn open(path: &Path, access: Access, mode: Mode) -> Result<Arc<dyn Store>, OpenError> {
    let builder = || SqliteStore::builder(path);
    if mode == Mode::Existing && access == Access::ReadOnly {
        return Err(OpenError::unsupported(
            "the store's URL says `mode=ro`: nothing may be changed",
        ));
    }
    let opened = match (mode, access) {
        (Mode::ReadOnly, _) | (_, Access::ReadOnly) => builder().open_read_only(),
        (Mode::Create, Access::Create) => builder().open(),
        (Mode::Create, Access::Existing) => builder().create_if_missing(false).open(),
        // Opened read-only first, which refuses an old file instead of migrating it.
        (Mode::Existing, _) => {
            builder().open_read_only().and_then(|_| builder().create_if_missing(false).open())
        }
    };
    opened.map(|store| Arc::new(store) as _).map_err(OpenError::store)
}

pub(crate) fn check(path: &Path) -> Result<Vec<Check>, OpenError> {
    let store = SqliteStore::builder(path).open_read_only().map_err(OpenError::store)?;
    let found = store.inspect().map_err(OpenError::store)?;
    let file = format!(
        "{} bytes, {} of them free; read with SQLite {}",
        found.file_bytes, found.free_bytes, found.sqlite_version
    );
    let damage =
        if found.damage.is_empty() { "undamaged".to_owned() } else { found.damage.join("; ") };
    let mut checks = vec![
        Check::new("tables", true, format!("version {}", found.schema_version)),
        log(found.is_wal, found.log_bytes),
        Check::new("file", true, file),
        Check::new("integrity", found.damage.is_empty(), damage),
    ];
    if let Some(mode) = found.mode {
        // The lower six bits are the permissions of the group and of others.
        let is_private = mode.trailing_zeros() >= 6;
        let readers =
            if is_private { "only the owner" } else { "others have access: run `chmod 600`" };
        checks.push(Check::new("permissions", is_private, format!("{mode:03o}: {readers}")));
    }
    Ok(checks)
}

/// A log that is longer than the store lets it grow cannot be emptied.
fn log(is_wal: bool, bytes: u64) -> Check {
    const NAME: &str = "write-ahead log";
    /// A store empties its log at about 4 MiB, and a large transaction can take more.
    const LONG: u64 = 64 << 20;
    match bytes {
        _ if !is_wal => Check::new(NAME, false, "no"),
        0..=LONG => Check::new(NAME, true, format!("yes, {bytes} bytes")),
        _ => Check::new(
            NAME,
            false,
            format!(
                "{bytes} bytes: it grows while a program reads for long; end that program, such as \
                 an `sqlite3` shell in a transaction"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::log;
    use crate::{OpenErrorKind, StoreUrl};

    #[test]
    fn a_log_that_cannot_be_emptied_is_a_problem() {
        assert!(log(true, 16 << 20).ok);
        let long = log(true, 100 << 20);
        assert!(!long.ok && long.found.contains("104857600 bytes"), "{}", long.found);
        assert!(!log(false, 0).ok);
    }

    fn open(url: &str) -> Result<(), OpenErrorKind> {
        let url: StoreUrl = url.parse().unwrap();
        let opened = tokio::runtime::Runtime::new().unwrap().block_on(url.open());
        opened.map(drop).map_err(|error| error.kind())
    }

    #[test]
    fn a_file_is_created_only_where_its_mode_permits_that() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a b.db");
        let url = format!("sqlite:{}/a%20b.db", directory.path().display());
        for mode in ["?mode=rw", "?mode=ro"] {
            assert_eq!(open(&format!("{url}{mode}")), Err(OpenErrorKind::Store));
            assert!(!file.exists());
        }
        open(&format!("{url}?mode=rwc")).unwrap();
        assert!(file.exists());
        for mode in ["", "?mode=rw", "?mode=ro"] {
            open(&format!("{url}{mode}")).unwrap();
        }
    }
    #[test]
    fn a_tool_that_changes_a_store_is_refused_one_that_may_not_be_changed() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/a.db", directory.path().display());
        open(&url).unwrap();
        let url: StoreUrl = format!("{url}?mode=ro").parse().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        assert!(runtime.block_on(url.open_read_only()).is_ok());
        let refused = runtime.block_on(url.open_existing()).err().unwrap();
        assert_eq!(refused.kind(), OpenErrorKind::Unsupported);
        assert!(refused.to_string().contains("`mode=ro`"), "{refused}");
    }
}

//! What can happen to a database file while a store has it open.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A database file, such as SQLite's, that others replace or remove while a store has it open.
///
/// ```
/// # use cloakroom_testkit::StoreFile;
/// # use std::fs;
/// # let directory = std::env::temp_dir().join(format!("cloakroom-{}", std::process::id()));
/// # fs::create_dir_all(&directory)?;
/// # let (path, backup) = (directory.join("sessions.db"), directory.join("backup.db"));
/// # fs::write(&path, "in use")?;
/// # fs::write(&backup, "of yesterday")?;
/// let file = StoreFile::at(&path); // the store is open
/// file.replace_by(&backup); // from now on it must fail: it would write into the wrong file
/// # assert_eq!(fs::read(&path)?, b"of yesterday");
/// # fs::remove_dir_all(&directory)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// If the system refuses what a method does.
#[derive(Clone, Debug)]
pub struct StoreFile {
    path: PathBuf,
}

impl StoreFile {
    /// The file at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its write-ahead log, which SQLite finds by the name of the file.
    pub fn log(&self) -> PathBuf {
        self.with_suffix("-wal")
    }

    /// Puts a copy of another file in its place, as `cp NEW PATH.new && mv PATH.new PATH` does. The
    /// log of the replaced file stays.
    pub fn replace_by(&self, new: impl AsRef<Path>) {
        let copy = self.with_suffix(".new");
        fs::copy(new, &copy).expect("a copy");
        fs::rename(copy, &self.path).expect("it takes the file's place");
    }

    /// Puts copies of another file and of its log in place of this one and its log.
    pub fn replace_with_log_by(&self, new: impl Into<PathBuf>) {
        let new = Self::at(new);
        let copy = self.with_suffix(".new-wal");
        fs::copy(new.log(), &copy).expect("a copy of the log");
        fs::rename(copy, self.log()).expect("it takes the log's place");
        // It describes the replaced log, and is made again from the new one.
        fs::remove_file(self.with_suffix("-shm")).expect("the log's index");
        self.replace_by(new.path);
    }

    /// Moves it to another name in its directory, which is returned. Its log stays.
    pub fn move_away(&self) -> PathBuf {
        let to = self.with_suffix(".moved");
        fs::rename(&self.path, &to).expect("it moves");
        to
    }

    /// Makes it empty in place.
    pub fn empty(&self) {
        fs::write(&self.path, "").expect("it can be written");
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(suffix);
        name.into()
    }
}

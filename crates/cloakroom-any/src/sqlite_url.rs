//! URLs of SQLite files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::error::OpenError;

/// A file, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqliteUrl {
    pub(crate) path: PathBuf,
    pub(crate) access: Access,
}

/// The option `mode`, with the values of SQLite's own URIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `rwc`, the default: the file is created if it does not exist.
    Create,
    /// `rw`: it must exist.
    Existing,
    /// `ro`: it must exist, and nothing is written to it.
    ReadOnly,
}

impl Access {
    const ALL: [(&'static str, Self); 3] =
        [("rwc", Self::Create), ("rw", Self::Existing), ("ro", Self::ReadOnly)];
}

impl SqliteUrl {
    /// Parses what follows `sqlite:`.
    pub(crate) fn parse(rest: &str) -> Result<Self, OpenError> {
        // Other programs write `sqlite:///var/sessions.db` for `sqlite:/var/sessions.db`.
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if names_memory(path, query) {
            return Err(OpenError::url("for sessions in memory, write `memory:`"));
        }
        if path.starts_with("file:") {
            return Err(corrected(rest));
        }
        if path.is_empty() {
            return Err(OpenError::url("the path of the file is missing: `sqlite:sessions.db`"));
        }
        Ok(Self { path: decode(path)?, access: access(query)? })
    }
}

/// Whether this names a database in memory, in one of the spellings of other libraries.
pub(crate) fn names_memory(path: &str, query: &str) -> bool {
    let path = path.strip_prefix("file:").unwrap_or(path);
    path.trim_start_matches('/') == ":memory:" || query.split('&').any(|pair| pair == "mode=memory")
}

/// The error of a URL that another library takes for that of a SQLite file.
pub(crate) fn corrected(url: &str) -> OpenError {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    match SqliteUrl::parse(rest) {
        Ok(_) => OpenError::url(format!(
            "for a SQLite file, write `sqlite:{}`",
            rest.strip_prefix("//").unwrap_or(rest)
        )),
        Err(error) => error,
    }
}

fn decode(path: &str) -> Result<PathBuf, OpenError> {
    let is_code = |code: &[u8]| code.len() == 2 && code.iter().all(u8::is_ascii_hexdigit);
    let mut codes = path.split('%').skip(1).map(|part| &part.as_bytes()[..part.len().min(2)]);
    let decoded = percent_decode_str(path).decode_utf8();
    match decoded {
        Ok(decoded) if codes.all(is_code) => Ok(decoded.into_owned().into()),
        Ok(_) => Err(OpenError::url(format!(
            "a `%` in a path is written `%25`: `sqlite:{}`",
            path.replace('%', "%25")
        ))),
        Err(_) => Err(OpenError::url("the path of the file is not UTF-8")),
    }
}

fn access(query: &str) -> Result<Access, OpenError> {
    let mut access = Access::Create;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let found = pair.strip_prefix("mode=").and_then(|mode| {
            Access::ALL.iter().find(|(name, _)| *name == mode).map(|(_, access)| *access)
        });
        access = found.ok_or_else(|| {
            OpenError::url(format!(
                "unknown option `{pair}`: a SQLite file has `mode=rwc`, `mode=rw` and `mode=ro`; \
                 a `?` in a path is written `%3F`"
            ))
        })?;
    }
    Ok(access)
}

/// The URL of this file.
pub(crate) fn of(path: &Path, access: Access) -> String {
    let mut url = String::from("sqlite:");
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            character => url.push(character),
        }
    }
    let mode = Access::ALL.iter().find(|(_, known)| *known == access && access != Access::Create);
    if let Some((mode, _)) = mode {
        // Writing to a string cannot fail.
        let _ = write!(url, "?mode={mode}");
    }
    url
}

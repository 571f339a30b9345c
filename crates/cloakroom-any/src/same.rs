//! Whether two URLs name one store.

use std::fs;
use std::path::Path;

use crate::options::Options;

/// Whether two paths lead to one file, by links and in other spellings, too.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(_), Ok(_)) => is_same_existing_file(one, other),
        (Err(_), Err(_)) => match (std::path::absolute(one), std::path::absolute(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(unix)]
fn is_same_existing_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let inode = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    inode(one) == inode(other)
}

#[cfg(not(unix))]
fn is_same_existing_file(one: &Path, other: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(one) == real(other)
}

/// What selects the store on a server, with the options that do and their defaults.
pub(crate) struct Place<'a> {
    /// A URL without options.
    pub(crate) url: &'a str,
    pub(crate) options: &'a Options,
    pub(crate) default_port: &'a str,
    pub(crate) selectors: &'a [(&'a str, &'a str)],
}

impl Place<'_> {
    /// Whether both have a server in common, and the same database and tables on it.
    ///
    /// Names are compared, and not looked up, apart from those of this machine.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (hosts, path) = self.parts();
        let (other_hosts, other_path) = other.parts();
        let selects = |place: &Self, (name, default): &(&str, &str)| {
            place.options.value(name).unwrap_or(default).to_owned()
        };
        path == other_path
            && hosts.iter().any(|host| other_hosts.contains(host))
            && self.selectors.iter().all(|option| selects(self, option) == selects(other, option))
    }

    /// The servers, and what follows them.
    fn parts(&self) -> (Vec<(String, String)>, String) {
        let rest = self.url.split_once("://").map_or(self.url, |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut hosts: Vec<_> = hosts.split(',').map(|host| self.server(host)).collect();
        if let Some(host) = self.options.value("host") {
            hosts.push(self.server(host));
        }
        let path = match path.rsplit_once('/').unwrap_or(("", path)) {
            // The number of the default database of Redis.
            (rest, "0" | "") => rest,
            _ => path,
        };
        (hosts, path.to_owned())
    }

    fn server(&self, text: &str) -> (String, String) {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (text, self.default_port),
        };
        match &*host.to_ascii_lowercase() {
            "localhost" | "[::1]" => ("127.0.0.1".to_owned(), port.to_owned()),
            host => (host.to_owned(), port.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_in_every_spelling() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert!(is_same_file(&path("a.db"), &path("./a.db")), "it need not exist");
        for name in ["a.db", "b.db"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path("c")).unwrap();
        fs::hard_link(path("a.db"), path("hard.db")).unwrap();
        let mut names = vec!["a.db", "c/../a.db"];
        if cfg!(unix) {
            names.push("hard.db");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a.db", path("link.db")).unwrap();
            names.push("link.db");
        }
        for name in names {
            assert!(is_same_file(&path("a.db"), &path(name)), "{name}");
            assert!(!is_same_file(&path("b.db"), &path(name)), "{name}");
        }
        assert!(!is_same_file(&path("a.db"), &path("new.db")));
    }
}

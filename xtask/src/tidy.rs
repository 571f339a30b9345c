//! `cargo xtask tidy`: the project's rules that no compiler checks.

mod modules;
mod pages;
mod source;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Failure};
use crate::workspace;

/// The extensions of what people read.
const TEXT: [&str; 9] = ["rs", "md", "sql", "lua", "toml", "js", "css", "html", "yml"];

/// A text file, by its path from the root.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }
}

pub(crate) fn run() -> Result<(), Failure> {
    let files = read()?;
    let mut complaints: Vec<_> = files.iter().flat_map(words::complaints).collect();
    complaints.extend(files.iter().flat_map(source::long_lines));
    let sources = || files.iter().filter(|file| file.is("rs"));
    complaints.extend(sources().flat_map(source::complaints));
    let functions: BTreeSet<_> = sources().flat_map(|file| source::functions(&file.text)).collect();
    complaints.extend(pages::complaints(&files, &functions));
    complaints.extend(modules::complaints(&files));
    for package in workspace::packages()? {
        if package.place().starts_with("crates") && !package.is_product() {
            complaints
                .push(format!("{}: not a product: move it to `tests`", package.place().display()));
        }
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("{count} places are not tidy").into()),
    }
}

fn read() -> Result<Vec<File>, Failure> {
    let is_text =
        |path: &Path| TEXT.iter().any(|text| path.extension().is_some_and(|found| found == *text));
    let paths = workspace::files()?.into_iter().filter(|path| is_text(path));
    paths
        .map(|path| Ok(File { text: fs::read_to_string(shell::root().join(&path))?, path }))
        .collect()
}

//! `cargo xtask tidy`: house rules that no compiler checks.

mod programs;
mod source;
mod tables;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::shell::{self, Failure};

/// One file under the root.
struct File {
    path: PathBuf,
    text: String,
}

pub(crate) fn run() -> Result<(), Failure> {
    let mut files = Vec::new();
    collect(shell::root(), &mut files).map_err(|error| Failure::Step(format!("cannot read: {error}")))?;
    let (sources, pages): (Vec<_>, Vec<_>) = files.iter().partition(|file| has_extension(&file.path, "rs"));

    let functions: BTreeSet<_> = sources.iter().flat_map(|file| source::functions(&file.text)).collect();
    let mut complaints: Vec<String> = Vec::new();
    for file in &sources {
        complaints.extend(source::complaints(&file.path, &file.text));
    }
    let compiled = sources.iter().find(|file| file.path == Path::new(programs::COMPILED));
    let compiled = compiled.map_or("", |file| &file.text);
    for file in pages.iter().filter(|file| file.path.starts_with("docs")) {
        complaints.extend(programs::complaints(&file.path, &file.text, compiled));
        let unknown =
            tables::tests_named(&file.text).into_iter().filter(|test| !functions.contains(test.name));
        complaints.extend(
            unknown.map(|test| format!("{}:{}: no test `{}`", file.path.display(), test.line, test.name)),
        );
    }

    println!("{} source files, {} pages", sources.len(), pages.len());
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(Failure::Step(format!("{} untidy places", complaints.len())))
    }
}

/// Rust and Markdown files below `dir`, but not what is built, hidden or gathered by fuzzing.
fn collect(dir: &Path, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || ["target", "corpus", "artifacts"].contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if has_extension(&path, "rs") || has_extension(&path, "md") {
            let text = fs::read_to_string(&path)?;
            let path = path.strip_prefix(shell::root()).unwrap_or(&path).to_owned();
            files.push(File { path, text });
        }
    }
    Ok(())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

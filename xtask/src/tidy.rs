//! `cargo xtask tidy`: the project's rules that no compiler checks.

mod modules;
mod pages;
mod source;
mod words;

use std::collections::{BTreeMap, BTreeSet};
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

/// Checks everything, or counts banned words and names, and long lines.
pub(crate) fn run(only_words: bool) -> Result<(), Failure> {
    let files = read()?;
    let mut words: Vec<_> = files.iter().flat_map(words::complaints).collect();
    words.extend(files.iter().flat_map(source::long_lines));
    if only_words {
        count(&words);
        return Ok(());
    }
    let mut complaints: Vec<_> =
        words.into_iter().map(|(place, what)| format!("{place}: {what}")).collect();
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

/// Prints how many of these places each directory has, and how often each complaint occurs.
fn count(words: &[(String, String)]) {
    let (mut places, mut uses) = (BTreeMap::new(), BTreeMap::new());
    for (place, what) in words {
        let file = place.split(':').next().unwrap_or_default();
        let directory = file.split('/').take(3).collect::<Vec<_>>().join("/");
        *places.entry(directory).or_insert(0) += 1;
        *uses.entry(what).or_insert(0) += 1;
    }
    for (place, count) in places {
        println!("{count:>6}  {place}");
    }
    let mut uses: Vec<_> = uses.into_iter().map(|(what, count)| (count, what)).collect();
    uses.sort_unstable_by(|one, other| other.cmp(one));
    println!();
    for (count, what) in uses {
        println!("{count:>6}  {what}");
    }
    println!("{:>6}  in all", words.len());
}

//! The browser that tests drive: found, or installed where this system's package manager has it.

use std::path::Path;
use std::process::Command;

use crate::install::{self, Way};
use crate::shell::{self, Failure};

/// What tests are told by the environment.
const DRIVER: &str = "CLOAKROOM_CHROMEDRIVER";
const BINARY: &str = "CLOAKROOM_CHROMIUM";

const DRIVERS: [&str; 2] = ["chromedriver", "/snap/bin/chromium.chromedriver"];
const BINARIES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/snap/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Ways to install both.
const WAYS: [Way; 3] = [
    (
        "apt-get",
        &[
            &["apt-get", "update", "-q"],
            &["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "chromium-driver"],
        ],
    ),
    ("snap", &[&["snap", "install", "chromium"]]),
    ("brew", &[&["brew", "install", "--cask", "chromium", "chromedriver"]]),
];

/// A browser and its driver, by their paths.
pub(crate) struct Browser {
    driver: String,
    binary: String,
}

impl Browser {
    /// Finds them, or installs them.
    pub(crate) fn get() -> Result<Self, Failure> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        eprintln!("no Chromium with its driver here: installing them");
        if let Some(found) = install::until(&WAYS, Self::find) {
            return Ok(found);
        }
        Err(Failure::Missing(format!(
            "the tests in a real browser need Chromium (or Chrome) and chromedriver: install them, or name them in {BINARY} \
             and {DRIVER}"
        )))
    }

    fn find() -> Option<Self> {
        let named = |variable| std::env::var(variable).ok();
        let first = |candidates: &[&str]| {
            let found =
                candidates.iter().find(|candidate| shell::works(Command::new(candidate).arg("--version")));
            found.map(ToString::to_string)
        };
        Some(Self {
            driver: named(DRIVER).or_else(|| first(&DRIVERS))?,
            binary: named(BINARY).or_else(|| first(&BINARIES))?,
        })
    }

    /// Tells a command where they are.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(DRIVER, &self.driver);
        // A bare name is for the driver to look up, which does so under more names than we know.
        if Path::new(&self.binary).is_absolute() {
            command.env(BINARY, &self.binary);
        }
    }
}

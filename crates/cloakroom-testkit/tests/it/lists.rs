//! No test of a suite is missing from the list that its macro expands.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

macro_rules! names {
    ($($name:ident)*) => {
        &[$(stringify!($name)),*]
    };
}

const STORE_SUITE: &[&str] = cloakroom_testkit::for_each_store_test!(names);
const SESSION_SUITE: &[&str] = cloakroom_testkit::for_each_session_test!(names);
#[cfg(feature = "scenarios")]
const SCENARIOS: &[&str] = cloakroom_testkit::for_each_scenario!([names]);

/// The public functions below `directory` that take a store.
fn declared_in(directory: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(directory), &mut tests);
    tests
}

fn collect(directory: &Path, tests: &mut BTreeSet<String>) {
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            collect(&path, tests);
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let functions = text.split("\npub fn ").skip(1);
        tests.extend(functions.filter_map(|function| {
            let (name, rest) = function.split_once('(')?;
            let (parameters, _) = rest.split_once('{')?;
            parameters.contains("impl Store").then(|| name.to_owned())
        }));
    }
}

#[track_caller]
fn assert_complete(listed: &[&str], directory: &str) {
    let distinct: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(distinct.len(), listed.len(), "a test is listed twice");
    assert_eq!(distinct, declared_in(directory));
}

#[test]
fn every_test_of_the_store_suite_is_listed() {
    assert_complete(STORE_SUITE, "store_suite");
}

#[test]
fn every_test_of_the_session_suite_is_listed() {
    assert_complete(SESSION_SUITE, "session_suite");
}

#[cfg(feature = "scenarios")]
#[test]
fn every_scenario_is_listed() {
    assert_complete(SCENARIOS, "scenarios");
}

//! The modules of the core, its top-level modules: what they use of one another, and what the
//! crate's root shows of them.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

const CORE: &str = "crates/cloakroom/src";

/// How many names the crate's root re-exports: what most applications need.
const MOST_NAMES: usize = 30;

/// What each module uses.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Prints how many modules and imports there are, and complains of cycles and of a crowded root.
pub(super) fn complaints(files: &[File]) -> Vec<String> {
    let mut lib = "";
    let mut sources: Vec<(&str, &str)> = Vec::new();
    for file in files.iter().filter(|file| file.is("rs")) {
        let Ok(path) = file.path.strip_prefix(CORE) else { continue };
        let module = path.iter().next().and_then(|module| module.to_str()).unwrap_or_default();
        let module = module.trim_end_matches(".rs");
        if module == "lib" {
            lib = &file.text;
        } else if !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests") {
            sources.push((module, &file.text));
        }
    }
    let shown = shown(lib);
    let mut imports: Imports<'_> =
        sources.iter().map(|(module, _)| (*module, BTreeSet::new())).collect();
    for (module, text) in sources {
        for name in used(text) {
            // A name of the root stands for the module that it comes from.
            let other = shown.get(&*name).copied().unwrap_or(&name);
            if let Some((&other, _)) = imports.get_key_value(other).filter(|_| other != module) {
                imports.entry(module).or_default().insert(other);
            }
        }
    }
    let count: usize = imports.values().map(BTreeSet::len).sum();
    let names = shown.len();
    println!("{} modules, {count} imports, {names} names at the root", imports.len());
    let mut found: Vec<_> = cycles(&imports)
        .into_iter()
        .map(|cycle| format!("{CORE}: modules import one another in a cycle: {}", cycle.join(", ")))
        .collect();
    if names > MOST_NAMES {
        found.push(format!("{CORE}/lib.rs: re-exports {names} names, more than {MOST_NAMES}"));
    }
    found
}

/// The names that the root re-exports, each with its module.
fn shown(lib: &str) -> BTreeMap<&str, &str> {
    let exports = lib.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    exports
        .flat_map(|(path, _)| {
            let path = path.trim_start_matches("crate::");
            let module = path.split("::").next().unwrap_or(path);
            let names = path.rsplit_once('{').map_or_else(
                || path.rsplit("::").next().unwrap_or(path),
                |(_, names)| names.trim_end_matches('}'),
            );
            let names =
                names.split(',').map(|name| name.rsplit("::").next().unwrap_or(name).trim());
            names.filter(|name| !name.is_empty()).map(move |name| (name, module))
        })
        .collect()
}

/// The first names of all paths that begin with `crate::`, outside comments and tests.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = code.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    let mut used = Vec::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            used.extend(first_name(path));
            continue;
        };
        let mut depth = 0;
        for part in group.split_inclusive(['{', '}', ',']) {
            if depth == 0 {
                used.extend(first_name(part));
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            if depth < 0 {
                break;
            }
        }
    }
    used
}

fn first_name(path: &str) -> Option<String> {
    let name = path.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next();
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The modules that can be reached from themselves, those of one cycle together.
fn cycles<'a>(imports: &Imports<'a>) -> Vec<Vec<&'a str>> {
    let mut reached = imports.clone();
    for via in imports.keys() {
        let further = reached[via].clone();
        for modules in reached.values_mut().filter(|modules| modules.contains(via)) {
            modules.extend(&further);
        }
    }
    let mut cycles: Vec<Vec<&str>> = Vec::new();
    for (module, modules) in reached.iter().filter(|(module, modules)| modules.contains(*module)) {
        let is_in = |cycle: &&mut Vec<&str>| {
            modules.contains(cycle[0]) && reached[cycle[0]].contains(module)
        };
        match cycles.iter_mut().find(is_in) {
            Some(cycle) => cycle.push(module),
            None => cycles.push(vec![module]),
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_shows_names_of_modules() {
        let root = "pub mod a;\npub use a::One;\npub use crate::b::{Two, c::Three};\n";
        let shown: Vec<_> = shown(root).into_iter().collect();
        assert_eq!(shown, [("One", "a"), ("Three", "b"), ("Two", "b")]);
    }

    #[test]
    fn what_a_module_uses_is_outside_comments_and_tests() {
        let text = "//! [`crate::a`]\nuse crate::b::C;\nfn f() { crate::d::e() }\n\
                    use crate::{g::{h, i}, j};\nuse crate::{\n    k::{l, m},\n    n,\n};\n\
                    #[cfg(test)]\nmod tests { use crate::f; }\n";
        assert_eq!(used(text), ["b", "d", "g", "j", "k", "n"]);
    }

    #[test]
    fn a_cycle_is_found_and_its_modules_are_named_together() {
        let imports = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"]), ("d", vec!["a"])];
        let imports =
            imports.into_iter().map(|(module, uses)| (module, uses.into_iter().collect()));
        assert_eq!(cycles(&imports.collect()), [["b", "c"]]);
    }
}

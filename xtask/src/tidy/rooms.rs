//! The rooms of the core, its top-level modules: what they use of one another, and what the crate's
//! root shows of them.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

const CORE: &str = "crates/cloakroom/src";

/// How many names the crate's root re-exports: what most applications need.
const MOST_NAMES: usize = 30;

/// What each room uses.
type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Prints how many rooms and arrows there are, and complains of circles and of a crowded root.
pub(super) fn complaints(files: &[File]) -> Vec<String> {
    let mut lib = "";
    let mut sources: Vec<(&str, &str)> = Vec::new();
    for file in files.iter().filter(|file| file.is("rs")) {
        let Ok(path) = file.path.strip_prefix(CORE) else { continue };
        let room = path.iter().next().and_then(|room| room.to_str()).unwrap_or_default();
        let room = room.trim_end_matches(".rs");
        if room == "lib" {
            lib = &file.text;
        } else if !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests") {
            sources.push((room, &file.text));
        }
    }
    let shown = shown(lib);
    let mut arrows: Arrows<'_> = sources.iter().map(|(room, _)| (*room, BTreeSet::new())).collect();
    for (room, text) in sources {
        for name in used(text) {
            // A name of the root stands for the room that it comes from.
            let other = shown.get(name).copied().unwrap_or(name);
            if let Some((other, _)) =
                arrows.get_key_value(other).filter(|(other, _)| **other != room)
            {
                let other = *other;
                arrows.entry(room).or_default().insert(other);
            }
        }
    }
    let count: usize = arrows.values().map(BTreeSet::len).sum();
    let names = shown.len();
    println!("{} rooms, {count} arrows, {names} names at the root", arrows.len());
    let mut found: Vec<_> = circles(&arrows)
        .into_iter()
        .map(|circle| format!("{CORE}: rooms use one another in a circle: {}", circle.join(", ")))
        .collect();
    if names > MOST_NAMES {
        found.push(format!("{CORE}/lib.rs: re-exports {names} names, more than {MOST_NAMES}"));
    }
    found
}

/// The names that the root re-exports, each with its room.
fn shown(lib: &str) -> BTreeMap<&str, &str> {
    let exports = lib.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    exports
        .flat_map(|(path, _)| {
            let path = path.trim_start_matches("crate::");
            let room = path.split("::").next().unwrap_or(path);
            let names = path.rsplit_once('{').map_or_else(
                || path.rsplit("::").next().unwrap_or(path),
                |(_, names)| names.trim_end_matches('}'),
            );
            let names =
                names.split(',').map(|name| name.rsplit("::").next().unwrap_or(name).trim());
            names.filter(|name| !name.is_empty()).map(move |name| (name, room))
        })
        .collect()
}

/// The first names of all paths that begin with `crate::`, outside comments and tests.
fn used(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut used = Vec::new();
    let mut group = false;
    for line in lines {
        // A group is written in one line, or with a line for each room.
        if group {
            group = line != "};";
            used.extend(first_name(line));
        }
        for path in line.split("crate::").skip(1) {
            let Some(rest) = path.strip_prefix('{') else {
                used.extend(first_name(path));
                continue;
            };
            group = rest.is_empty();
            let mut depth = 0;
            for part in rest.split_inclusive(['{', '}', ',']) {
                used.extend(first_name(part).filter(|_| depth == 0));
                depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            }
        }
    }
    used
}

fn first_name(path: &str) -> Option<&str> {
    let name = path.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next();
    name.filter(|name| !name.is_empty())
}

/// The rooms that can be reached from themselves, those of one circle together.
fn circles<'a>(arrows: &Arrows<'a>) -> Vec<Vec<&'a str>> {
    let mut reached = arrows.clone();
    for via in arrows.keys() {
        let further = reached[via].clone();
        for rooms in reached.values_mut().filter(|rooms| rooms.contains(via)) {
            rooms.extend(&further);
        }
    }
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for (room, rooms) in reached.iter().filter(|(room, rooms)| rooms.contains(*room)) {
        let is_in = |circle: &&mut Vec<&str>| {
            rooms.contains(circle[0]) && reached[circle[0]].contains(room)
        };
        match circles.iter_mut().find(is_in) {
            Some(circle) => circle.push(room),
            None => circles.push(vec![room]),
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_shows_names_of_rooms() {
        let root = "pub mod a;\npub use a::One;\npub use crate::b::{Two, c::Three};\n";
        let shown: Vec<_> = shown(root).into_iter().collect();
        assert_eq!(shown, [("One", "a"), ("Three", "b"), ("Two", "b")]);
    }

    #[test]
    fn what_a_room_uses_is_outside_comments_and_tests() {
        let text = "//! [`crate::a`]\nuse crate::b::C;\nfn f() { crate::d::e() }\n\
                    use crate::{g::{h, i}, j};\nuse crate::{\n    k::{l, m},\n    n,\n};\n\
                    #[cfg(test)]\nmod tests { use crate::f; }\n";
        assert_eq!(used(text), ["b", "d", "g", "j", "k", "n"]);
    }

    #[test]
    fn a_circle_is_found_and_its_rooms_are_named_together() {
        let arrows = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b"]), ("d", vec!["a"])];
        let arrows = arrows.into_iter().map(|(room, uses)| (room, uses.into_iter().collect()));
        assert_eq!(circles(&arrows.collect()), [["b", "c"]]);
    }
}

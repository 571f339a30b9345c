//! How many sessions a principal has at the end, and whether all of them are known.

use std::collections::BTreeMap;

use super::{Bounds, Law, Violation};
use crate::history::{Action, Operation};

pub(super) fn check(history: &[Operation], bounds: Bounds<'_>) -> Vec<Violation> {
    let mut lists: BTreeMap<&str, &[String]> = BTreeMap::new();
    let mut found = Vec::new();
    for operation in history.iter().filter(|one| one.action == Action::List) {
        let Some(answer) = operation.answer() else { continue };
        let (of, listed) = (operation.principal.as_str(), answer.listed.as_slice());
        lists.insert(of, listed);
        if listed.len() > bounds.limit {
            let text = format!("{} sessions, more than {}", listed.len(), bounds.limit);
            found.push(Violation { law: Law::OverLimit, of: of.to_owned(), text });
        }
    }
    for operation in history.iter().filter(|one| one.is_last_look()) {
        let of = operation.principal.as_str();
        let (Some(id), Some(listed)) = (operation.session(), lists.get(of)) else { continue };
        if !listed.iter().any(|one| one == id) {
            let text = format!("it is live, and not in the list of {of}");
            found.push(Violation { law: Law::Unlisted, of: id.to_owned(), text });
        }
    }
    found
}

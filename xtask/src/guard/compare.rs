//! Old figures and new ones: what grew too much.

use std::collections::BTreeSet;
use std::fmt;

use super::Figures;
use super::facts::Facts;
use crate::shell::Failure;

/// By what share instructions may grow: more than counting them twice differs, less than anybody would miss.
const INSTRUCTIONS: f64 = 0.03;
/// What allocations per request may grow by: a table grows now and then.
const ALLOCATIONS: f64 = 0.02;

const OURS: &str = "cloakroom, ";
const LIMIT: &str = "limit, ";

/// What instructions are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Themselves: compiler, libraries and processor are the same.
    Absolute,
    /// Their share of what the limit took in the same run, which another compiler or library moves alike.
    OverTheLimit,
}

impl Scale {
    pub(super) fn between(there: &Facts, here: &Facts) -> Self {
        if there == here { Self::Absolute } else { Self::OverTheLimit }
    }
}

/// What one figure is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Instructions,
    Allocations,
    /// Calls of the store and round trips: whole numbers, of which none may be added.
    Trips,
    /// Hashing, and what is counted of others: shown so that a change can be understood.
    Shown,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name.rsplit_once(": ") {
            Some((_, "store calls" | "round trips")) => Self::Trips,
            Some((who, "instructions")) if who.starts_with(OURS) => Self::Instructions,
            Some((who, "allocations")) if who.starts_with(OURS) => Self::Allocations,
            _ => Self::Shown,
        }
    }
}

/// One figure, then and now.
#[derive(Debug)]
struct Row {
    name: String,
    old: Option<f64>,
    new: Option<f64>,
    verdict: &'static str,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Comparison(Vec<Row>);

const GREW: &str = "GREW";
const GONE: &str = "GONE";
const UNKNOWN: &str = "NEW";
const FELL: &str = "fell";

impl Comparison {
    pub(super) fn of(old: &Figures, new: &Figures, scale: Scale) -> Self {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let rows = names.into_iter().map(|name| {
            let kind = Kind::of(name);
            let of = |figures: &Figures| match (kind, scale) {
                (Kind::Instructions, Scale::OverTheLimit) => over_the_limit(figures, name),
                _ => figures.get(name).copied(),
            };
            let (old, new) = (of(old), of(new));
            Row { name: name.clone(), old, new, verdict: verdict(kind, old, new) }
        });
        Self(rows.collect())
    }

    /// A failure if anything grew, or was not measured then or now.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        let wrong = self.0.iter().filter(|row| [GREW, GONE, UNKNOWN].contains(&row.verdict));
        let wrong: Vec<&str> = wrong.map(|row| row.name.as_str()).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let advice = "make it cheaper, or accept it with `cargo xtask guard --update REASON`";
        Err(Failure::Step(format!(
            "{} figures are not what they were: {}; {advice}",
            wrong.len(),
            wrong.join("; ")
        )))
    }
}

fn over_the_limit(figures: &Figures, name: &str) -> Option<f64> {
    let limit = figures.get(&name.replacen(OURS, LIMIT, 1))?;
    Some(figures.get(name)? / limit)
}

fn verdict(kind: Kind, old: Option<f64>, new: Option<f64>) -> &'static str {
    let (old, new) = match (old, new) {
        _ if kind == Kind::Shown => return "",
        (Some(old), Some(new)) => (old, new),
        (Some(_), None) => return GONE,
        (None, _) => return UNKNOWN,
    };
    let slack = match kind {
        Kind::Instructions => old * INSTRUCTIONS,
        Kind::Allocations => ALLOCATIONS,
        Kind::Trips | Kind::Shown => 0.0,
    };
    if new <= old - slack && new < old {
        FELL
    } else if new <= old + slack {
        "ok"
    } else {
        // Also what is no number.
        GREW
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|row| row.name.len()).max().unwrap_or_default();
        write!(f, "{:<width$} {:>9} {:>9} {:>7}", "figure", "old", "new", "change")?;
        for Row { name, old, new, verdict } in &self.0 {
            let shown = |figure: &Option<f64>| figure.map_or_else(|| "-".to_owned(), number);
            let change = old.zip(*new).filter(|(old, new)| *old > 0.0 && (new - old).abs() > 0.0005 * old);
            let change =
                change.map_or_else(String::new, |(old, new)| format!("{:+.1}%", (new / old - 1.0) * 100.0));
            let line = format!("{name:<width$} {:>9} {:>9} {change:>7}  {verdict}", shown(old), shown(new));
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Whole if it is, or if its fraction tells nothing.
fn number(figure: f64) -> String {
    if figure >= 100.0 || figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.3}") }
}

#[cfg(test)]
mod tests;

//! The figures that `cargo xtask guard` holds still: as few as are worth two minutes of every change.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::answer::verify;
use crate::case::Case;
use crate::contender::Contender;
use crate::findings::{Findings, Measure};
use crate::server::Mount;
use crate::{Failure, counted, runtime, say};

const CASES: [Case; 4] = [Case::Untouched, Case::Read, Case::ReadWrite, Case::New];
const LIMIT: Contender = Contender::Limit(Mount::Inner);
const OURS: Contender = Contender::Cloakroom(Mount::Inner);

/// Counts, and prints the figures as JSON.
pub(crate) fn print() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&figures()?)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Each figure by its name, `cloakroom, read: instructions`, over the bare router, of which the figures are absolute.
fn figures() -> Result<BTreeMap<String, f64>, Failure> {
    let runtime = runtime()?;
    let mut findings = Findings::default();
    for case in CASES {
        say(&format!("counting: {case}"));
        for contender in [Contender::Plain, LIMIT, OURS] {
            let wrong = runtime.block_on(verify(contender, case)).err();
            if let Some(wrong) = wrong {
                return Err(format!("{contender} is broken in `{case}`: {wrong}").into());
            }
            findings.count(contender, case, counted::per_request(contender, case, false)?);
        }
    }
    let mut figures = BTreeMap::new();
    let measures = [
        ("instructions", Measure::Instructions),
        ("hashing", Measure::Hashing),
        ("allocations", Measure::Allocations),
    ];
    for case in CASES {
        for (name, measure) in measures {
            let bare = findings.absolute(Contender::Plain, case, measure).first().copied();
            let ours = [OURS, LIMIT].map(|contender| (contender, findings.middle(contender, case, measure)));
            for (contender, figure) in ours.into_iter().chain([(Contender::Plain, bare)]) {
                let figure = figure.ok_or_else(|| format!("{contender}, {case}: {name} were not counted"))?;
                figures.insert(format!("{contender}, {case}: {name}"), figure);
            }
        }
    }
    Ok(figures)
}

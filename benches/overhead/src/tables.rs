//! What was found, as tables.

use cloakroom_bench_report::{Cell, Report, Table};

use crate::case::Case;
use crate::contender::Contender;
use crate::findings::{Findings, Measure};
use crate::server::Mount;

/// Contenders that stand beside one another.
struct Group {
    title: &'static str,
    bare: Contender,
    contenders: &'static [Contender],
    /// Who is divided by whom.
    ratios: &'static [(Contender, Contender)],
}

const GROUPS: [Group; 3] = [
    Group {
        title: "axum, layered by `Router::layer`",
        bare: Contender::Plain,
        contenders: &[
            Contender::Limit(Mount::Inner),
            Contender::Cloakroom(Mount::Inner),
            Contender::Encoded,
            Contender::Observed,
            Contender::TowerSessions(Mount::Inner),
            Contender::Ruts,
            Contender::AxumSession,
        ],
        ratios: &[
            (Contender::Cloakroom(Mount::Inner), Contender::Limit(Mount::Inner)),
            (Contender::Cloakroom(Mount::Inner), Contender::TowerSessions(Mount::Inner)),
        ],
    },
    Group {
        title: "axum, the layer around the whole router",
        bare: Contender::Plain,
        contenders: &[
            Contender::Limit(Mount::Outer),
            Contender::Cloakroom(Mount::Outer),
            Contender::TowerSessions(Mount::Outer),
        ],
        ratios: &[
            (Contender::Cloakroom(Mount::Outer), Contender::Limit(Mount::Outer)),
            (Contender::Cloakroom(Mount::Outer), Contender::TowerSessions(Mount::Outer)),
        ],
    },
    Group {
        title: "actix-web",
        bare: Contender::Actix,
        contenders: &[Contender::CloakroomActix, Contender::ActixSession],
        ratios: &[(Contender::CloakroomActix, Contender::ActixSession)],
    },
];

const ABOUT: &str = "What a session costs a request, over the same server without sessions, whose own column is absolute. \
    Requests with a browser's cookie header go through the framework in process, and everybody keeps the same value in a \
    memory store of their own. The limit is the same work as cloakroom's, written by hand for this one program.";

const NOTE: &str = "Valgrind counts instructions and allocations, whatever else the machine does; its processor has no SHA \
    instructions, so hashing is counted apart. Times are of interleaved rounds, and for information.";

/// What was measured, by the names of their crates.
const CRATES: [&str; 8] =
    ["cloakroom", "axum", "tower-sessions", "ruts", "axum_session", "actix-web", "actix-session", "sha2"];

/// Everything in tables.
pub(crate) fn report(findings: &Findings) -> Report {
    let mut report = Report::new("overhead", ABOUT);
    for name in CRATES {
        report.version(name, version(LOCK, name).unwrap_or("unknown"));
    }
    for group in &GROUPS {
        report.tables.extend(Measure::ALL.map(|measure| group.table(findings, measure)));
    }
    report.notes.push(NOTE.into());
    report
}

impl Group {
    fn table(&self, findings: &Findings, measure: Measure) -> Table {
        // All who hash do it with the same function.
        let ratios = if measure == Measure::Hashing { &[] } else { self.ratios };
        let heads: Vec<String> = ratios.iter().map(|(ours, theirs)| format!("{ours} / {theirs}")).collect();
        let names = self.contenders.iter().map(|contender| contender.name());
        let columns: Vec<&str> = ["case", self.bare.name()]
            .into_iter()
            .chain(names)
            .chain(heads.iter().map(String::as_str))
            .collect();
        let mut table = Table::new(&format!("{}: {measure}", self.title), &columns);
        for case in Case::ALL {
            let cell = |figures: Vec<f64>| cell(figures, measure);
            let bare = cell(findings.absolute(self.bare, case, measure).to_vec());
            let costs =
                self.contenders.iter().map(|contender| cell(findings.over(*contender, case, measure)));
            let ratios = ratios.iter().map(|(ours, theirs)| {
                let ratio = findings.ratio(*ours, *theirs, case, measure);
                ratio.filter(|ratio| ratio.is_finite()).map_or(Cell::None, Cell::ratio)
            });
            table.row([case.name().into(), bare].into_iter().chain(costs).chain(ratios));
        }
        table
    }
}

fn cell(figures: Vec<f64>, measure: Measure) -> Cell {
    let places = measure.places();
    match figures.as_slice() {
        [] => Cell::None,
        [value] => Cell::Number { value: *value, places },
        _ => Cell::spread(figures, places),
    }
}

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The newest version of the crate that is locked.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
    after.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_measured_has_a_version() {
        for name in CRATES {
            assert!(version(LOCK, name).is_some(), "{name}");
        }
        assert_eq!(version("name = \"a\"\nversion = \"1\"\nname = \"a\"\nversion = \"2\"\n", "a"), Some("2"));
    }

    #[test]
    fn costs_and_their_ratios_stand_in_one_row() {
        let mut findings = Findings::default();
        let figures = [
            (Contender::Plain, 1000.0),
            (GROUPS[0].contenders[0], 1400.0),
            (GROUPS[0].contenders[1], 1500.0),
        ];
        for (contender, figure) in figures {
            findings.add(contender, Case::Read, Measure::Instructions, vec![figure]);
        }
        let table = GROUPS[0].table(&findings, Measure::Instructions);
        let read: Vec<String> = table.rows[3].iter().map(ToString::to_string).collect();
        assert_eq!(read, ["read", "1000", "400", "500", "-", "-", "-", "-", "-", "1.25", "-"]);
    }
}

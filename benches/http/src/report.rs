//! What was measured, for readers.

use cloakroom_bench_report::{Cell, Curve, Report, Scale, Series, Table};

use crate::contender::Contender;
use crate::measured::{Group, Round, median};
use crate::rounds::Plan;
use crate::{Failure, express, wrk};

const LOCK: &str = include_str!("../Cargo.lock");

/// The crates of which the reader wants to know the version.
const CRATES: [&str; 9] = [
    "cloakroom",
    "axum",
    "tower-sessions",
    "axum_session",
    "actix-web",
    "actix-session",
    "hyper",
    "tokio",
    "dashmap",
];

/// The report of a run: the groups, and the contenders on axum over so many connections.
pub(crate) fn report(plan: Plan, groups: &[Group], connections: &[(u32, Group)]) -> Result<Report, Failure> {
    let mut report = Report::new("http", &about(plan));
    for name in CRATES {
        report.version(name, version(LOCK, name).ok_or_else(|| format!("no {name} in the lock file"))?);
    }
    for name in ["express", "express-session"] {
        report.version(name, express::version(name)?);
    }
    report.version("node", express::node()?);
    report.version("wrk", wrk::version()?);
    report.tables = groups.iter().map(table).collect();
    report.curves = vec![
        curve("http-cpu", "What a read costs the server", "CPU, us/request", connections, |round| round.cpu),
        curve("http-rate", "Reads a second", "requests/s", connections, |round| round.rate),
    ];
    report.notes = notes();
    Ok(report)
}

fn about(plan: Plan) -> String {
    let Plan { rounds, load, .. } = plan;
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    format!(
        "Whole servers, each a process of its own, asked over loopback by wrk with {} connections. All keep the same value \
         of about a hundred bytes in a memory store, under cookies of the same name, and 1000 sessions take turns; each was \
         seen to count right before it was timed. Each is asked for {} s, one after the other, and all again: medians, least and \
         most of {rounds} such rounds. Load and server share {cores} cores, so requests a second are what \
         this machine had left; CPU is the server's own, user and system, from what the kernel counts for its process.",
        load.connections, load.seconds
    )
}

fn notes() -> Vec<String> {
    [
        "\"Over bare\" compares with the same framework without sessions in the same round; the last column says how many \
         times the server's CPU express-session spends on such a request.",
        "CPU counts in hundredths of a second, so half a percent of a round is noise. A server also pays for delivering its \
         answers to the other end of the loopback.",
        "node is one process in every table: the memory store of express-session is each process's own, so a cluster of \
         them would lose its sessions. Its threads for garbage and compilation are counted.",
        "axum_session, by its defaults, begins a session for every visitor and sends its cookies with every answer: its \
         row of the bot is that much work.",
        "actix-session brings no store in memory: here it has a concurrent map. Its cookie is encrypted, which is its \
         default; tower-sessions', axum_session's and Cloakroom's hold a random key, express-session's a signed one.",
        "All layers on axum are around the whole router, which spares each of them a box.",
    ]
    .map(str::to_owned)
    .into()
}

fn table(group: &Group) -> Table {
    let threads =
        if group.threads == 1 { "one thread".to_owned() } else { format!("{} threads", group.threads) };
    let title = format!("{}, {threads}: {}", group.case.name(), group.case.title());
    let columns = [
        "server",
        "requests/s",
        "CPU us/request",
        "over bare, us",
        "times bare",
        "express-session spends, times",
    ];
    let mut table = Table::new(&title, &columns);
    for (contender, rounds) in &group.measured {
        let (over, times) = if contender.keeps() {
            let bare = contender.bare();
            (
                Cell::spread(group.compared(*contender, bare, |own, bare| own - bare), 2),
                Cell::spread(group.compared(*contender, bare, |own, bare| own / bare), 3),
            )
        } else {
            (Cell::None, Cell::None)
        };
        table.row([
            contender.name().into(),
            Cell::spread(rounds.iter().map(|round| round.rate).collect(), 0),
            Cell::spread(rounds.iter().map(|round| round.cpu).collect(), 2),
            over,
            times,
            Cell::spread(
                group.compared(*contender, Contender::ExpressSession, |own, theirs| theirs / own),
                2,
            ),
        ]);
    }
    table
}

fn curve(
    file: &str,
    title: &str,
    y: &str,
    connections: &[(u32, Group)],
    value: impl Fn(&Round) -> f64,
) -> Curve {
    let points = |contender| {
        let point = |(connections, group): &(u32, Group)| {
            let middle = median(group.rounds(contender).iter().map(&value).collect());
            middle.map(|middle| (f64::from(*connections), middle))
        };
        connections.iter().filter_map(point).collect()
    };
    let series = Contender::ON_AXUM
        .map(|contender| Series { name: contender.name().into(), points: points(contender) });
    Curve {
        file: file.into(),
        title: title.into(),
        x: "connections".into(),
        y: y.into(),
        scale: Scale::Logarithmic,
        series: series.into(),
    }
}

/// The version of a crate in a lock file; the last, if there are several.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.rsplit_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    #[test]
    fn every_crate_that_is_named_has_a_version() {
        for name in CRATES {
            assert!(version(LOCK, name).is_some(), "{name}");
        }
        assert_eq!(version(LOCK, "no-such-crate"), None);
    }

    #[test]
    fn a_row_has_what_it_costs_over_the_bare_framework_and_what_express_costs() {
        let rounds = |rate, cpu| vec![Round { rate, cpu }];
        let measured = vec![
            (Contender::Axum, rounds(50_000.0, 10.0)),
            (Contender::AxumCloakroom, rounds(48_000.0, 10.5)),
            (Contender::ExpressSession, rounds(5_000.0, 105.0)),
        ];
        let table = table(&Group { case: Case::Read, threads: 1, measured });
        let row: Vec<String> = table.rows[1].iter().map(ToString::to_string).collect();
        let median: Vec<&str> = row.iter().filter_map(|cell| cell.split(" (").next()).collect();
        assert_eq!(median, ["axum, cloakroom", "48000", "10.50", "0.50", "1.050", "10.00"]);
        assert_eq!(table.rows[0][3], Cell::None);
    }
}

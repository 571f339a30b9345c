//! The figures as tables.

use cloakroom_bench::meter::median;
use cloakroom_bench::overhead::case::Case;
use cloakroom_bench::report::{Cell, Report, Table};

use super::contender::EXPRESS_SESSION;
use super::{Group, Plan, Round};

pub(super) const CRATES: [&str; 9] = [
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

const NOTES: [&str; 6] = [
    "\"Over bare\" compares with the same framework without sessions in the same round. The last \
     column is express-session's CPU as a multiple of the row's.",
    "CPU is counted in hundredths of a second, so half a percent of a round is noise. A server \
     also pays for delivering its responses to the other end of the loopback.",
    "node is one process in every table: each process has its own memory store of express-session, \
     so a cluster of them would lose sessions. Its threads for garbage collection and compilation \
     are counted.",
    "axum_session, by its defaults, begins a session for every visitor and sends its cookies with \
     every response: its row of the bot includes that work.",
    "actix-session has no memory store: here it has a concurrent map. Its cookie is encrypted, its \
     default; those of tower-sessions, axum_session and cloakroom hold a random key, that of \
     express-session a signed one.",
    "All layers on axum are around the whole router, which saves each of them a box.",
];

/// The groups, and the contenders on axum over numbers of connections.
pub(super) fn report(plan: Plan, groups: &[Group], by_connections: &[Group]) -> Report {
    let Plan { rounds, load, .. } = plan;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let about = format!(
        "Whole servers, each a process of its own, asked over loopback by wrk with {} connections. \
         All keep the same value of about a hundred bytes in a memory store, under cookies of the \
         same name, and 1000 sessions take turns; each server was verified before it was timed. \
         Each is under load for {} s, one after another, {rounds} times: the median, with the \
         least and the most. Load and server share {cores} cores, so requests a second depend on \
         what the load leaves; CPU is the server's own, user and system, as the kernel counts it.",
        load.connections, load.seconds
    );
    let mut report = Report::new("http", &about, &NOTES);
    report.tables = groups.iter().map(table).collect();
    let title = "read on axum, one thread, by connections";
    let cpu = by(&format!("{title}: CPU us/request"), 2, by_connections, |round| round.cpu);
    let rate = by(&format!("{title}: requests/s"), 0, by_connections, |round| round.rate);
    report.tables.extend([cpu, rate]);
    report
}

fn table(group: &Group) -> Table {
    let what = match group.case {
        Case::Bot => "a visitor without cookies, a handler that ignores the session",
        Case::Read => "a visitor with a session, a handler that reads it",
        _ => "a visitor with a session, a handler that changes it",
    };
    let threads = if group.threads == 1 { "1 thread" } else { "2 threads" };
    let columns = [
        "server",
        "requests/s",
        "CPU us/request",
        "over bare, us",
        "times bare",
        "express-session spends, times",
    ];
    let mut table = Table::new(&format!("{}, {threads}: {what}", group.case), &columns);
    for (contender, rounds) in &group.measured {
        let (name, bare) = (contender.name, contender.bare);
        let over = |compare: fn(f64, f64) -> f64, places| {
            if contender.keeps_sessions() {
                Cell::spread(group.compared(name, bare, compare), places)
            } else {
                Cell::None
            }
        };
        let express = group.compared(name, EXPRESS_SESSION, |own, theirs| theirs / own);
        table.row([
            name.into(),
            Cell::spread(rounds.iter().map(|round| round.rate).collect(), 0),
            Cell::spread(rounds.iter().map(|round| round.cpu).collect(), 2),
            over(|own, bare| own - bare, 2),
            over(|own, bare| own / bare, 3),
            Cell::spread(express, 2),
        ]);
    }
    table
}

fn by(title: &str, places: usize, groups: &[Group], value: fn(&Round) -> f64) -> Table {
    let heads: Vec<String> =
        groups.iter().map(|group| group.load.connections.to_string()).collect();
    let heads = heads.iter().map(String::as_str);
    let columns: Vec<&str> = ["server"].into_iter().chain(heads).collect();
    let mut table = Table::new(title, &columns);
    for (contender, _) in groups.first().map_or(&[][..], |group| &group.measured) {
        let middle = |group: &Group| {
            let middle = median(group.rounds(contender.name).iter().map(value).collect());
            middle.map_or(Cell::None, |middle| Cell::number(middle, places))
        };
        table.row([contender.name.into()].into_iter().chain(groups.iter().map(middle)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::groups;
    use super::*;

    #[test]
    fn a_row_shows_what_a_session_costs_over_the_bare_framework() {
        let table = table(&groups([10.0, 10.5, 105.0])[0]);
        let row: Vec<String> = table.rows[1].iter().map(ToString::to_string).collect();
        let medians: Vec<&str> = row.iter().filter_map(|cell| cell.split(" (").next()).collect();
        assert_eq!(medians, ["axum, cloakroom", "47619", "10.50", "0.50", "1.050", "10.00"]);
        assert_eq!(table.rows[0][3], Cell::None);
    }
}

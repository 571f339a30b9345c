//! What a session costs a request: instructions, allocations and nanoseconds over the same server
//! without sessions.
//!
//! Everything runs in process. Requests with a browser's `Cookie` header go through the framework
//! on a current-thread runtime. Every contender keeps the same value in a memory store of its own
//! and is sent the same requests ([`Case`]). Counts do not depend on the machine's load; times do.

pub mod answer;
pub mod apps;
pub mod baseline;
pub mod case;
mod clock;
pub mod contender;
pub mod measured;
mod observed;
pub mod server;

use std::collections::BTreeMap;

use tokio::runtime::{Builder, Runtime};

use self::case::Case;
use self::contender::{BASELINE, CLOAKROOM, Contender, ENCODED, OBSERVED, PLAIN};
use self::measured::{Group, Measure, Measured};
use self::server::Server;
use crate::options::{Goals, Options, say};
use crate::report::{Report, print_line};
use crate::{Failure, valgrind};

/// The bench's name on the command line.
pub const NAME: &str = "overhead";

const ABOUT: &str = "\
What a session costs a request, over the same server without sessions, whose own column is
absolute. Requests with a browser's cookie header go through the framework in process, and every
contender keeps the same value in a memory store of its own. The *baseline* does the same work as
cloakroom, written by hand for this one program.";

const NOTES: &str = "\
- Valgrind counts instructions and allocations, which do not depend on the machine's load. Its
  processor has no SHA instructions, so SHA-256 is left out: in software, cloakroom and the
  baseline spend 3367 instructions on it in each request that opens or begins a session.
- Times are of interleaved rounds: the median, with the least and the most.
- Layers on axum are added by `Router::layer`.";

/// The table of this package's contenders.
pub const OURS: Group = Group {
    title: "axum",
    bare: PLAIN,
    contenders: &[BASELINE, CLOAKROOM, ENCODED, OBSERVED],
    ratios: &[(CLOAKROOM, BASELINE)],
};

/// Measures these contenders; the report, and the figures for goals of the caller.
pub fn bench(
    name: &'static str,
    contenders: &[Contender],
    groups: &[Group],
    options: Options,
) -> Result<(Report, Measured), Failure> {
    let runtime = runtime()?;
    verify(&runtime, contenders)?;
    let mut measured = Measured::new(contenders);
    let mut kinds = vec![Measure::Wall];
    if valgrind::is_installed() {
        kinds = vec![Measure::Instructions, Measure::Allocations, Measure::Wall];
        for case in Case::ALL {
            say(&format!("counting: {case}"));
            for contender in contenders {
                measured.count(contender.name, case, options.quick)?;
            }
        }
    }
    for case in Case::ALL {
        say(&format!("timing: {case}"));
        runtime.block_on(clock::time(&mut measured, contenders, case, options.quick))?;
    }
    let mut report = Report::new(name, ABOUT, NOTES);
    for group in groups {
        report.tables.extend(kinds.iter().map(|measure| measured.table(group, *measure)));
    }
    Ok((report, measured))
}

fn verify(runtime: &Runtime, contenders: &[Contender]) -> Result<(), Failure> {
    for contender in contenders {
        let (keeps, sets) = (contender.keeps_sessions(), contender.sets_cookie);
        let outcome = runtime.block_on(async {
            let server = (contender.open)().await?;
            answer::verify(&*server, keeps, sets).await
        });
        outcome.map_err(|wrong| format!("{}: {wrong}", contender.name))?;
    }
    say("every contender answers every case as it should");
    Ok(())
}

/// Serves `requests` requests; called in the process that valgrind runs.
pub fn drive(contenders: &[Contender], words: &[&str]) -> Result<(), Failure> {
    const SESSIONS: usize = 64;
    let [name, case, requests] = words else {
        return Err("expected a contender, a case and a number of requests".into());
    };
    let contender = contenders.iter().find(|contender| contender.name == *name);
    let contender = contender.ok_or_else(|| format!("no contender is called `{name}`"))?;
    let (case, requests) = (Case::parse(case)?, requests.parse::<usize>()?);
    runtime()?.block_on(async {
        let server = Server::open(contender, SESSIONS).await?;
        for number in 0..requests {
            server.request(case, number).await;
        }
        Ok(())
    })
}

/// Cloakroom's instructions and allocations over the baseline's.
pub fn check(measured: &Measured) -> Goals {
    /// Multiple of the baseline's instructions.
    const INSTRUCTIONS: f64 = 1.3;
    /// Allocations more than the baseline's.
    const ALLOCATIONS: f64 = 1.0;
    /// Share that all observers add.
    const OBSERVING: f64 = 0.05;
    let mut goals = Goals::default();
    for case in Case::ALL {
        let instructions = |ours, theirs| measured.ratio(ours, theirs, case, Measure::Instructions);
        let allocations = |name| measured.cost(name, case, Measure::Allocations);
        if !matches!(case, Case::Bot | Case::Anonymous) {
            let found = instructions(CLOAKROOM, BASELINE);
            goals.at_most(
                &format!("{case}, instructions over the baseline's"),
                found,
                INSTRUCTIONS,
            );
            let found = instructions(OBSERVED, CLOAKROOM).map(|ratio| ratio - 1.0);
            goals.at_most(&format!("{case}, share that observers add"), found, OBSERVING);
        }
        let more = allocations(CLOAKROOM).zip(allocations(BASELINE));
        let more = more.map(|(ours, baseline)| ours - baseline);
        goals.at_most(&format!("{case}, allocations more than the baseline's"), more, ALLOCATIONS);
    }
    goals
}

/// Prints the figures of the bench guard: few enough to be counted for every change.
pub fn guard() -> Result<(), Failure> {
    const FIGURES: [(&str, Measure); 2] =
        [("instructions", Measure::Instructions), ("allocations", Measure::Allocations)];
    const CASES: [Case; 4] = [Case::Untouched, Case::Read, Case::ReadWrite, Case::New];
    let contenders: Vec<Contender> = contender::OURS.into_iter().take(3).collect();
    verify(&runtime()?, &contenders)?;
    let mut measured = Measured::new(&contenders);
    let mut figures = BTreeMap::new();
    for case in CASES {
        say(&format!("counting: {case}"));
        for contender in &contenders {
            measured.count(contender.name, case, false)?;
        }
        for name in [BASELINE, CLOAKROOM] {
            for (what, measure) in FIGURES {
                let figure = measured.cost(name, case, measure).ok_or("nothing was counted")?;
                figures.insert(format!("{name}, {case}: {what}"), figure);
            }
        }
    }
    print_line(&serde_json::to_string_pretty(&figures)?)
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_time().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers of each case's first answer.
    async fn headers(contender: &Contender) -> Vec<Vec<String>> {
        let server = (contender.open)().await.unwrap();
        let browser = answer::begin(&*server, true, 0).await.unwrap();
        let mut all = Vec::new();
        for case in Case::ALL {
            let cookies = case.cookies(&browser);
            let headers = server.ask(case.path(), cookies.as_ref()).await.unwrap().headers;
            all.push(headers.iter().map(|header| without_date(header)).collect());
        }
        all
    }

    /// The header without the date in it, which the two may write in different seconds.
    fn without_date(header: &str) -> String {
        const EXPIRES: &str = "Expires=";
        let Some((before, after)) = header.split_once(EXPIRES) else { return header.into() };
        let (date, after) = after.split_once(';').expect("attributes follow");
        format!("{before}{EXPIRES}{};{after}", if date.len() == 29 { "DATE" } else { date })
    }

    #[test]
    fn the_baseline_answers_with_the_same_headers_as_cloakroom() {
        let named =
            |name| contender::OURS.into_iter().find(|contender| contender.name == name).unwrap();
        runtime().unwrap().block_on(async {
            let baseline = headers(&named(BASELINE)).await;
            assert_eq!(baseline, headers(&named(CLOAKROOM)).await);
        });
    }

    #[test]
    fn figures_that_were_not_counted_miss_their_goals() {
        assert_eq!(check(&Measured::default()).0.len(), 2 * 4 + 6);
    }
}

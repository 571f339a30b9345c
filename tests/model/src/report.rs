//! Runs the searches and reports what they found.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::protocol::Protocol;
use serde_json::{Value, json};
use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::cache;
use crate::context::Decisions;
use crate::coverage::{self, Coverage, Taken};
use crate::device;
use crate::flaws::{Flaw, Twist, sound};
use crate::model::Cloakroom;
use crate::mutants::{self, Mutant};
use crate::scenarios::{self, Scenario};
use crate::trace::Trace;

/// What one search found.
pub(crate) struct Finding {
    scenario: Scenario,
    laws: Vec<&'static str>,
    /// Each broken law, and how it is broken; the shortest first.
    broken: Vec<(&'static str, Trace)>,
    states: usize,
    depth: usize,
    time: Duration,
}

/// Searches a scenario completely, or up to the first state that breaks a law that should hold.
pub(crate) fn search(
    scenario: Scenario,
    rules: &'static Decisions,
    flaw: Flaw,
    twist: Option<Twist>,
    coverage: &Arc<Coverage>,
) -> Finding {
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    let start = Instant::now();
    let model = Cloakroom::new(scenario.clone(), rules, flaw, Arc::clone(coverage));
    let model = Cloakroom { twist, ..model };
    let laws: Vec<_> = model.laws.iter().map(|law| law.name()).collect();
    let is_expected =
        |law: &&&str| scenario.expected.iter().any(|(known, _)| known.name() == **law);
    let unexpected = laws.iter().filter(|law| !is_expected(law)).copied().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyOf(unexpected))
        .spawn_bfs()
        .join();
    let discoveries = checker.discoveries().into_iter();
    let mut broken: Vec<_> = discoveries
        .map(|(law, path)| (law, Trace::new(checker.model(), law, path.into_vec())))
        .collect();
    broken.sort_by_key(|(law, trace)| (trace.steps(), laws.iter().position(|other| other == law)));
    Finding {
        laws,
        broken,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time: start.elapsed(),
        scenario,
    }
}

/// Checks every scenario; true if the laws hold that should, and every listed step was taken.
pub(crate) fn check_all(only: Option<&str>, as_json: bool) -> io::Result<bool> {
    let (mut findings, coverage) = (Vec::new(), Arc::new(Coverage::default()));
    for scenario in scenarios::all() {
        if only.is_some_and(|name| name != scenario.name) {
            continue;
        }
        writeln!(io::stderr(), "searching {}: {}", scenario.name, scenario.about)?;
        let finding = search(scenario, &Protocol, sound, None, &coverage);
        writeln!(io::stderr(), "  {} states, {:.1} s", finding.states, finding.time.as_secs_f64())?;
        findings.push(finding);
    }
    let devices = device::check_all(only)?;
    let caches = cache::check_all(only)?;
    // One scenario takes some of the steps only.
    let missed = if only.is_none() { coverage.missed() } else { Vec::new() };
    let unlisted = coverage.unlisted();
    let good = findings.iter().all(Finding::is_good)
        && caches.iter().all(|finding| finding.failure.is_none())
        && devices.iter().all(|finding| finding.failure.is_none())
        && missed.is_empty()
        && unlisted.is_empty();
    let mut out = io::stdout().lock();
    if as_json {
        let scenarios: Vec<_> = findings.iter().map(Finding::to_json).collect();
        let caches: Vec<_> = caches.iter().map(cache::Finding::to_json).collect();
        let devices: Vec<_> = devices.iter().map(device::Finding::to_json).collect();
        let name = |steps: &[Taken]| steps.iter().map(step_name).collect::<Vec<_>>();
        let steps = json!({
            "listed": coverage::listed().len(),
            "missed": name(&missed),
            "unlisted": name(&unlisted),
        });
        let report = json!({ "holds": good, "scenarios": scenarios, "cache": caches, "device": devices, "steps": steps });
        writeln!(out, "{report}")?;
        return Ok(good);
    }
    for finding in &findings {
        finding.print(&mut out)?;
    }
    for finding in &caches {
        finding.print(&mut out)?;
    }
    for finding in &devices {
        finding.print(&mut out)?;
    }
    if only.is_none() {
        for step in coverage::listed().iter().filter(|step| !missed.contains(step)) {
            writeln!(out, "taken: {}", step_name(step))?;
        }
    }
    for step in &missed {
        writeln!(out, "STEP NEVER TAKEN: {}", step_name(step))?;
    }
    for step in &unlisted {
        writeln!(out, "STEP NOT LISTED: {}", step_name(step))?;
    }
    let states: usize = findings.iter().map(|finding| finding.states).sum();
    let states = states + devices.iter().map(|finding| finding.states).sum::<usize>();
    let orders: u64 = caches.iter().map(|finding| finding.orders).sum();
    let times = findings
        .iter()
        .map(|finding| finding.time)
        .chain(devices.iter().map(|finding| finding.time))
        .chain(caches.iter().map(|finding| finding.time));
    let count = findings.len() + devices.len() + caches.len();
    let time = times.sum::<Duration>().as_secs_f64();
    let known: usize = findings.iter().map(|finding| finding.scenario.expected.len()).sum();
    let verdict = match (good, known) {
        (true, 0) => "all laws hold".to_owned(),
        (true, known) => format!("all laws hold, except for {known} that are known to fail"),
        (false, _) => "some laws do NOT hold, or some checks are out of date".to_owned(),
    };
    let steps = coverage::listed().len() - missed.len();
    writeln!(out, "{verdict}: {count} scenarios, {states} states, {orders} orders, {steps} steps")?;
    writeln!(out, "{time:.1} s")?;
    Ok(good)
}

fn step_name((operation, from, to): &Taken) -> String {
    match *from {
        "outcome" => format!("{operation} ends with: {to}"),
        "start" => format!("{operation} starts with {to}"),
        answer if answer.contains(": ") => format!("{operation}: after {answer}, {to}"),
        question => format!("{operation}: {question} is answered {to}"),
    }
}

/// Runs every mutant on its scenario; true if each is caught.
pub(crate) fn check_mutants(only: Option<&str>, as_json: bool) -> io::Result<bool> {
    let mut rows = Vec::new();
    for mutant in mutants::all() {
        if only.is_some_and(|name| name != (mutant.scenario)().name) {
            continue;
        }
        writeln!(io::stderr(), "mutant: {}", mutant.name)?;
        let finding = hunt(&mutant);
        let verdict = finding.caught().map_or("SURVIVED", |(law, _)| law);
        let (states, time) = (finding.states, finding.time.as_secs_f64());
        writeln!(io::stderr(), "  {verdict}: {states} states, {time:.1} s")?;
        rows.push((mutant, finding));
    }
    let caches = cache::check_mutants(only)?;
    let devices = device::check_mutants(only)?;
    let good = rows.iter().all(|(_, finding)| finding.caught().is_some())
        && caches.iter().all(|(_, finding)| finding.failure.is_some())
        && devices.iter().all(|(_, finding)| finding.failure.is_some());
    let mut out = io::stdout().lock();
    if as_json {
        let mutants = rows.iter().map(|(mutant, finding)| mutant_json(mutant, finding));
        let caches = caches.iter().map(|(name, finding)| {
            let mut found = finding.to_json();
            found["mutant"] = Value::from(*name);
            found
        });
        let devices = devices.iter().map(|(name, finding)| {
            let mut found = finding.to_json();
            found["mutant"] = Value::from(*name);
            found
        });
        let mutants: Vec<_> = mutants.chain(caches).chain(devices).collect();
        writeln!(out, "{}", json!({ "caught": good, "mutants": mutants }))?;
        return Ok(good);
    }
    writeln!(out, "{:<72} {:<17} {:>5}  law broken", "mutant", "scenario", "steps")?;
    for (mutant, finding) in &rows {
        let (steps, law) = finding.caught().map_or_else(
            || ("-".to_owned(), "SURVIVED"),
            |(law, trace)| (trace.steps().to_string(), *law),
        );
        writeln!(out, "{:<72} {:<17} {steps:>5}  {law}", mutant.name, finding.scenario.name)?;
    }
    for (name, finding) in &caches {
        let found = finding.failure.as_ref();
        let (steps, law) = found.map_or_else(
            || ("-".to_owned(), "SURVIVED"),
            |failure| (failure.trace.len().to_string(), failure.law),
        );
        writeln!(out, "{name:<72} {:<17} {steps:>5}  {law}", finding.scenario.name)?;
    }
    for (name, finding) in &devices {
        let found = finding.failure.as_ref();
        let (steps, law) = found.map_or_else(
            || ("-".to_owned(), "SURVIVED"),
            |failure| (failure.trace.len().to_string(), failure.law),
        );
        writeln!(out, "{name:<72} {:<17} {steps:>5}  {law}", finding.scenario.name)?;
    }
    let caught = rows.iter().filter(|(_, finding)| finding.caught().is_some()).count()
        + caches.iter().filter(|(_, finding)| finding.failure.is_some()).count()
        + devices.iter().filter(|(_, finding)| finding.failure.is_some()).count();
    let count = rows.len() + caches.len() + devices.len();
    writeln!(out, "{caught} of {count} mutants caught")?;
    Ok(good)
}

pub(crate) fn hunt(mutant: &Mutant) -> Finding {
    search((mutant.scenario)(), mutant.rules, mutant.flaw, mutant.twist, &Arc::default())
}

fn mutant_json(mutant: &Mutant, finding: &Finding) -> Value {
    json!({
        "mutant": mutant.name,
        "scenario": finding.scenario.name,
        "law": finding.caught().map(|(law, _)| law),
        "steps": finding.caught().map(|(_, trace)| trace.steps()),
        "seconds": finding.time.as_secs_f64(),
    })
}

impl Finding {
    /// The law that is broken and should hold.
    pub(crate) fn caught(&self) -> Option<&(&'static str, Trace)> {
        self.broken.iter().find(|(law, _)| self.reason(law).is_none())
    }

    /// Why a law is known to be broken.
    fn reason(&self, law: &str) -> Option<&'static str> {
        let mut known = self.scenario.expected.iter();
        known.find(|(known, _)| known.name() == law).map(|(_, reason)| *reason)
    }

    /// Whether exactly those laws are broken that are known to be.
    pub(crate) fn is_good(&self) -> bool {
        self.caught().is_none() && self.broken.len() == self.scenario.expected.len()
    }

    /// A law that was not broken in a search cut short is not known to hold.
    fn verdict(&self, law: &str) -> &'static str {
        let is_broken = self.broken.iter().any(|(broken, _)| *broken == law);
        match (is_broken, self.reason(law).is_some()) {
            (true, true) => "fails",
            (true, false) => "BROKEN",
            (false, _) if self.caught().is_some() => "unknown",
            (false, true) => "HOLDS",
            (false, false) => "holds",
        }
    }

    fn to_json(&self) -> Value {
        let laws: Vec<_> = self
            .laws
            .iter()
            .map(|law| {
                json!({ "law": law, "verdict": self.verdict(law), "known": self.reason(law) })
            })
            .collect();
        let traces: Vec<_> = self
            .broken
            .iter()
            .map(|(law, trace)| json!({ "law": law, "trace": trace.lines() }))
            .collect();
        json!({
            "scenario": self.scenario.name,
            "states": self.states,
            "depth": self.depth,
            "seconds": self.time.as_secs_f64(),
            "laws": laws,
            "broken": traces,
        })
    }

    fn print(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.scenario.name, self.scenario.about)?;
        writeln!(
            out,
            "  {} states, {} steps deep, {:.1} s",
            self.states,
            self.depth.saturating_sub(1),
            self.time.as_secs_f64()
        )?;
        for law in &self.laws {
            writeln!(out, "  {:<8} {law}", self.verdict(law))?;
            if let Some(reason) = self.reason(law) {
                writeln!(out, "           known: {reason}")?;
            }
        }
        for (law, trace) in &self.broken {
            writeln!(out, "  how \"{law}\" is broken:")?;
            for line in trace.lines() {
                writeln!(out, "    {line}")?;
            }
        }
        writeln!(out)
    }
}

//! Runs the searches and reports what they found.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::cache;
use crate::decisions::{Decisions, Real};
use crate::events::Tally;
use crate::model::Cloakroom;
use crate::mutants::{self, Mutant};
use crate::scenarios::{self, Scenario};
use crate::trace::Trace;

/// What one search found.
pub(crate) struct Finding {
    scenario: Scenario,
    laws: Vec<&'static str>,
    /// The broken law, and how it is broken.
    pub(crate) failure: Option<(&'static str, Trace)>,
    /// Situations that the search should have reached and did not.
    pub(crate) missed: Vec<&'static str>,
    reached: Vec<(&'static str, u64)>,
    states: usize,
    depth: usize,
    time: Duration,
}

/// Searches a scenario completely, or up to the first state that breaks a law.
pub(crate) fn search(scenario: Scenario, decisions: &'static dyn Decisions) -> Finding {
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    let start = Instant::now();
    let tally = Arc::new(Tally::default());
    let model = Cloakroom { scenario: scenario.clone(), decisions, tally: Arc::clone(&tally) };
    let laws: Vec<_> = model.properties().iter().map(|property| property.name).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let failure = checker
        .discoveries()
        .into_iter()
        .map(|(law, path)| (law, Trace::new(checker.model(), law, path.into_vec())))
        .min_by_key(|(law, trace)| (trace.steps(), laws.iter().position(|other| other == law)));
    let expected = scenario.situations.iter();
    let missed = expected.filter(|event| tally.count(**event) == 0).map(|event| event.name());
    let reached = crate::events::Event::ALL.map(|event| (event.name(), tally.count(event)));
    Finding {
        laws,
        missed: missed.collect(),
        reached: reached.into_iter().filter(|(_, count)| *count > 0).collect(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time: start.elapsed(),
        failure,
        scenario,
    }
}

/// Checks every scenario; true if all laws hold and every situation was reached.
pub(crate) fn check_all(only: Option<&str>, as_json: bool) -> io::Result<bool> {
    let mut findings = Vec::new();
    for scenario in scenarios::all() {
        if only.is_some_and(|name| name != scenario.name) {
            continue;
        }
        writeln!(io::stderr(), "searching {}: {}", scenario.name, scenario.about)?;
        let finding = search(scenario, &Real);
        writeln!(io::stderr(), "  {} states, {:.1} s", finding.states, finding.time.as_secs_f64())?;
        findings.push(finding);
    }
    let caches = cache::check_all(only)?;
    let good =
        findings.iter().all(|finding| finding.failure.is_none() && finding.missed.is_empty())
            && caches.iter().all(|finding| finding.failure.is_none());
    let mut out = io::stdout().lock();
    if as_json {
        let scenarios: Vec<_> = findings.iter().map(Finding::to_json).collect();
        let caches: Vec<_> = caches.iter().map(cache::Finding::to_json).collect();
        writeln!(out, "{}", json!({ "holds": good, "scenarios": scenarios, "cache": caches }))?;
        return Ok(good);
    }
    for finding in &findings {
        finding.print(&mut out)?;
    }
    for finding in &caches {
        finding.print(&mut out)?;
    }
    let states: usize = findings.iter().map(|finding| finding.states).sum();
    let orders: u64 = caches.iter().map(|finding| finding.orders).sum();
    let times = findings
        .iter()
        .map(|finding| finding.time)
        .chain(caches.iter().map(|finding| finding.time));
    let (time, count) = (times.sum::<Duration>().as_secs_f64(), findings.len() + caches.len());
    let verdict = if good { "all laws hold" } else { "some laws do NOT hold" };
    writeln!(out, "{verdict}: {count} scenarios, {states} states, {orders} orders, {time:.1} s")?;
    Ok(good)
}

/// Runs every mutant on its scenario; true if each is caught.
pub(crate) fn check_mutants(only: Option<&str>, as_json: bool) -> io::Result<bool> {
    let mut rows = Vec::new();
    for mutant in mutants::ALL {
        if only.is_some_and(|name| name != (mutant.scenario)().name) {
            continue;
        }
        writeln!(io::stderr(), "mutant: {}", mutant.name)?;
        rows.push((mutant, hunt(mutant)));
    }
    let caches = cache::check_mutants(only)?;
    let good = rows.iter().all(|(_, finding)| finding.failure.is_some())
        && caches.iter().all(|(_, finding)| finding.failure.is_some());
    let mut out = io::stdout().lock();
    if as_json {
        let mutants = rows.iter().map(|(mutant, finding)| mutant_json(mutant, finding));
        let caches = caches.iter().map(|(name, finding)| {
            let mut found = finding.to_json();
            found["mutant"] = Value::from(*name);
            found
        });
        let mutants: Vec<_> = mutants.chain(caches).collect();
        writeln!(out, "{}", json!({ "caught": good, "mutants": mutants }))?;
        return Ok(good);
    }
    writeln!(out, "{:<72} {:<17} {:>5}  law broken", "mutant", "scenario", "steps")?;
    for (mutant, finding) in &rows {
        let (steps, law) = finding.failure.as_ref().map_or_else(
            || ("-".to_owned(), "SURVIVED"),
            |(law, trace)| (trace.steps().to_string(), law),
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
    let caught = rows.iter().filter(|(_, finding)| finding.failure.is_some()).count()
        + caches.iter().filter(|(_, finding)| finding.failure.is_some()).count();
    writeln!(out, "{caught} of {} mutants caught", rows.len() + caches.len())?;
    Ok(good)
}

pub(crate) fn hunt(mutant: &Mutant) -> Finding {
    search((mutant.scenario)(), mutant.decisions)
}

fn mutant_json(mutant: &Mutant, finding: &Finding) -> Value {
    json!({
        "mutant": mutant.name,
        "scenario": finding.scenario.name,
        "law": finding.failure.as_ref().map(|(law, _)| law),
        "steps": finding.failure.as_ref().map(|(_, trace)| trace.steps()),
        "seconds": finding.time.as_secs_f64(),
    })
}

impl Finding {
    /// A law that was not broken in a search cut short is not known to hold.
    fn verdict(&self, law: &str) -> &'static str {
        match &self.failure {
            Some((broken, _)) if *broken == law => "BROKEN",
            Some(_) => "unknown",
            None => "holds",
        }
    }

    fn to_json(&self) -> Value {
        let laws: Vec<_> = self
            .laws
            .iter()
            .map(|law| json!({ "law": law, "verdict": self.verdict(law) }))
            .collect();
        let reached: Vec<_> = self
            .reached
            .iter()
            .map(|(name, count)| json!({ "situation": name, "steps": count }))
            .collect();
        json!({
            "scenario": self.scenario.name,
            "states": self.states,
            "depth": self.depth,
            "seconds": self.time.as_secs_f64(),
            "laws": laws,
            "situations": reached,
            "missed": self.missed,
            "trace": self.failure.as_ref().map(|(_, trace)| trace.lines()),
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
        }
        for (name, count) in &self.reached {
            writeln!(out, "  {count:>9} steps: {name}")?;
        }
        for name in &self.missed {
            writeln!(out, "  NEVER REACHED: {name}")?;
        }
        if let Some((law, trace)) = &self.failure {
            writeln!(out, "  how \"{law}\" is broken:")?;
            for line in trace.lines() {
                writeln!(out, "    {line}")?;
            }
        }
        writeln!(out)
    }
}

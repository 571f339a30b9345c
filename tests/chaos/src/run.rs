//! A run: faults, a last look, and the verdict.

use std::io::{self, Write as _};

use tokio::runtime::Runtime;

use crate::check::{Bounds, Law, Violation, check};
use crate::cluster::Cluster;
use crate::fault::Fault;
use crate::history::Operation;
use crate::options::Options;
use crate::random::Random;
use crate::report::{self, Figures};
use crate::store::{self, LIMIT, MAX_STALENESS, StoreKind};
use crate::time::pause;
use crate::{Failure, last_look, say};

/// Runs each store, and prints what was found. True if no law was broken.
pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let (mut figures, mut is_kept) = (Vec::new(), true);
    let mut out = io::stdout().lock();
    for &kind in &options.stores {
        let (found, violations, history) = run_store(kind, options)?;
        figures.push(found);
        if !violations.is_empty() {
            is_kept &= !violations.iter().any(|one| breaks(kind, one));
            let text = report::broken(&violations, &history);
            // JSON alone goes to stdout then.
            if options.is_json {
                say(&text);
            } else {
                writeln!(out, "{} with seed {}:{text}", kind.name(), options.seed)?;
            }
        }
    }
    if options.is_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&figures)?)?;
    } else {
        write!(out, "{}", report::table(&figures))?;
    }
    Ok(is_kept)
}

/// Whether the store promises that this does not happen. Where a server can take over, a read may
/// show what the other one does not have yet.
fn breaks(kind: StoreKind, violation: &Violation) -> bool {
    violation.law != Law::Unconfirmed || !kind.has_several_servers()
}

fn run_store(
    kind: StoreKind,
    options: &Options,
) -> Result<(Figures, Vec<Violation>, Vec<Operation>), Failure> {
    let runtime = Runtime::new()?;
    let mut random = Random::new(options.seed);
    let mut cluster = Cluster::new(kind, options.seed)?;
    // Creates the tables.
    drop(runtime.block_on(store::open(kind, &cluster.url(), false))?);
    cluster.start()?;
    for number in 1..=options.faults {
        pause(random.within(200..1200));
        let fault = Fault::draw(kind, &mut random);
        say(&format!("{}: fault {number} of {}: {fault}", kind.name(), options.faults));
        cluster.suffer(fault)?;
    }
    pause(1000);
    let mut history = cluster.finish()?;
    say(&format!("{}: {}", kind.name(), report::evidence(&history)));
    let slowest = report::slowest(&history, &cluster.frozen);
    say(&format!("{}: slowest answer:\n{slowest}", kind.name()));
    let observed = runtime.block_on(async {
        let sessions = store::open(kind, &cluster.url(), false).await?;
        last_look::look(&sessions, &cluster.hub).await
    });
    history.extend(observed?);
    let max_staleness = u64::try_from(MAX_STALENESS.as_micros())?;
    let (limit, takeovers) = (usize::from(LIMIT), &cluster.takeovers[..]);
    let violations = check(&history, Bounds { max_staleness, limit, takeovers });
    let figures =
        Figures::new(kind, options.seed, options.faults, &history, &cluster.frozen, &violations);
    Ok((figures, violations, history))
}

//! Nanoseconds per request: for information, since a busy machine moves them.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::case::Case;
use crate::contender::Contender;

const SESSIONS: usize = 4096;
const ROUNDS: u32 = 15;
/// Requests that are made before the clock runs and served while it does: few enough to stay in the processor's caches.
const BATCH: u32 = 100;

/// One contender's rounds.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) wall: Vec<f64>,
    /// Empty where a thread can't ask for its processor time.
    pub(crate) cpu: Vec<f64>,
}

/// The rounds of every contender, in the order of [`Contender::ALL`]; the rounds are interleaved.
pub(crate) async fn per_request(case: Case, quick: bool) -> Result<Vec<Times>, Failure> {
    let requests: u32 = if quick { 500 } else { 4000 };
    let mut servers = Vec::new();
    for contender in Contender::ALL {
        servers.push((contender.server(SESSIONS).await?, Times::default()));
    }
    let each = |span: Duration| span.as_secs_f64() * 1e9 / f64::from(requests);
    for round in 0..=ROUNDS {
        for (server, times) in &mut servers {
            let (mut wall, mut cpu) = (Duration::ZERO, Some(Duration::ZERO));
            for batch in 0..requests / BATCH {
                let first = (round * requests + batch * BATCH) as usize;
                let prepared: Vec<_> =
                    (first..first + BATCH as usize).map(|number| server.request(case, number)).collect();
                let (start, before) = (now(), processor_time());
                for request in prepared {
                    request.await;
                }
                let (passed, after) = (start.elapsed(), processor_time());
                wall += passed;
                let used = after.zip(before).map(|(after, before)| after.saturating_sub(before));
                cpu = cpu.zip(used).map(|(cpu, used)| cpu + used);
            }
            // The first round only warms up.
            if round > 0 {
                times.wall.push(each(wall));
                times.cpu.extend(cpu.map(each));
            }
        }
    }
    Ok(servers.into_iter().map(|(_, times)| times).collect())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's business is the real clock")]
fn now() -> Instant {
    Instant::now()
}

/// What this thread has had of a processor.
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

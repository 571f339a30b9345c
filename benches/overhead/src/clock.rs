//! Nanoseconds per request: for information, since a busy machine moves them.

use std::time::Instant;

use crate::Failure;
use crate::case::Case;
use crate::contender::Contender;

const SESSIONS: usize = 4096;
const ROUNDS: usize = 15;

/// The median round of every contender, in the order of [`Contender::ALL`]; the rounds are interleaved.
pub(crate) async fn per_request(case: Case, quick: bool) -> Result<[f64; Contender::COUNT], Failure> {
    let requests: u32 = if quick { 500 } else { 4000 };
    let mut servers = Vec::new();
    for contender in Contender::ALL {
        servers.push(contender.server(SESSIONS).await?);
    }
    let mut rounds = [const { Vec::new() }; Contender::COUNT];
    for round in 0..=ROUNDS {
        for (server, times) in servers.iter().zip(&mut rounds) {
            let prepared: Vec<_> = (0..requests as usize)
                .map(|number| server.request(case, round * requests as usize + number))
                .collect();
            let start = now();
            for request in prepared {
                server.serve(request).await;
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(requests));
        }
    }
    Ok(rounds.map(|times| median(&times[1..])))
}

/// The first round only warms up; the middle of the others.
fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's business is the real clock")]
fn now() -> Instant {
    Instant::now()
}

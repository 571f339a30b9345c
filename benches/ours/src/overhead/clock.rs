//! Nanoseconds per request, which depend on the machine's load.

use super::case::Case;
use super::contender::Contender;
use super::measured::{Measure, Measured};
use super::server::Server;
use crate::Failure;
use crate::meter::now;

const SESSIONS: usize = 4096;
const ROUNDS: u32 = 15;
/// Requests that are prepared before the clock runs: few enough to stay in the processor's caches.
const BATCH: u32 = 100;

/// Times every contender; rounds are interleaved.
pub(super) async fn time(
    measured: &mut Measured,
    contenders: &[Contender],
    case: Case,
    quick: bool,
) -> Result<(), Failure> {
    let requests: u32 = if quick { 500 } else { 4000 };
    let mut servers = Vec::new();
    for contender in contenders {
        servers.push((Server::open(contender, SESSIONS).await?, Vec::new()));
    }
    // The first round only warms up.
    for round in 0..=ROUNDS {
        for (server, walls) in &mut servers {
            let mut wall = 0.0;
            for batch in 0..requests / BATCH {
                let first = (round * requests + batch * BATCH) as usize;
                let numbers = first..first + BATCH as usize;
                let prepared: Vec<_> = numbers.map(|number| server.request(case, number)).collect();
                let began = now();
                for request in prepared {
                    request.await;
                }
                wall += began.elapsed().as_secs_f64();
            }
            if round > 0 {
                walls.push(wall * 1e9 / f64::from(requests));
            }
        }
    }
    for (contender, (_, walls)) in contenders.iter().zip(servers) {
        measured.add(contender.name, case, Measure::Wall, walls);
    }
    Ok(())
}

//! Millions of requests that must leave nothing behind, and of new sessions that must stay within a bound.

use cloakroom::{Key, MemoryStore, Secret, SessionId};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::child::answer;
use crate::drive::runtime;
use crate::meter::{count, now, resident};
use crate::ours::Ours;
use crate::visitor::{Visitor, id};

/// The argument with which the program floods a store of its own.
pub(crate) const FLOOD: &str = "--flood";
/// How many sessions the bounded store may have.
pub(crate) const BOUND: usize = 100_000;
/// A flood that is held up goes on for no longer than so many seconds.
const PATIENCE: f64 = 30.0;
/// Made-up keys are told apart from the ids of sessions by this.
const STRANGERS: usize = 1 << 40;

/// What a flood left behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flooded {
    pub(crate) attempts: usize,
    pub(crate) refused: usize,
    /// Nanoseconds for each attempt; where some are refused, for each of those.
    pub(crate) each: f64,
    /// Sessions in the store before and after.
    pub(crate) sessions: [usize; 2],
    /// By how many bytes the resident memory grew, once the first were served or the bound was reached.
    pub(crate) grown: usize,
}

pub(crate) const NAMES: [&str; 3] = ["without a cookie", "with a made-up key", "new sessions, bounded"];

/// Floods in this process.
pub(crate) fn run(name: &str, attempts: &str) -> Result<(), Failure> {
    let attempts = attempts.parse()?;
    answer(&runtime(1)?.block_on(async {
        match name {
            "without a cookie" => requests(attempts, false).await,
            "with a made-up key" => requests(attempts, true).await,
            _ => beginnings(attempts).await,
        }
    })?)
}

/// Requests to handlers that read.
async fn requests(attempts: usize, with_keys: bool) -> Result<Flooded, Failure> {
    let ours = Ours::new(MemoryStore::new(), 0)?;
    let serve = async |number: usize| {
        let mut request = HeaderMap::new();
        if with_keys {
            let key = Key::new(SessionId::from_bytes(id(number)), Secret::from_bytes(id(STRANGERS + number)));
            request.insert(COOKIE, HeaderValue::from_str(&format!("__Host-id={}", key.expose()))?);
        }
        let visit = ours.sessions.visit();
        let visits = visit.session(&request).await?.visits;
        let mut response = HeaderMap::new();
        visit.finish(&mut response);
        if visits == 0 { Ok::<_, Failure>(()) } else { Err("a made-up key opened a session".into()) }
    };
    for number in 0..10_000 {
        serve(number).await?;
    }
    let (before, sessions, began) = (resident()?, ours.store.len(), now());
    for number in 0..attempts {
        serve(number).await?;
    }
    let each = began.elapsed().as_secs_f64() * 1e9 / count(attempts);
    let sessions = [sessions, ours.store.len()];
    Ok(Flooded { attempts, refused: 0, each, sessions, grown: resident()?.saturating_sub(before) })
}

/// Requests that each begin a session, far more than there is room for.
async fn beginnings(attempts: usize) -> Result<Flooded, Failure> {
    let ours = Ours::new(MemoryStore::bounded(BOUND, usize::MAX), 0)?;
    for number in 0..BOUND {
        drop(ours.sessions.generate(Visitor::new(number)).await?);
    }
    let (before, began, mut made, mut refused) = (resident()?, now(), 0, 0);
    while made < attempts && began.elapsed().as_secs_f64() < PATIENCE {
        refused += usize::from(ours.sessions.generate(Visitor::new(made)).await.is_err());
        made += 1;
    }
    let each = began.elapsed().as_secs_f64() * 1e9 / count(made);
    let sessions = [BOUND, ours.store.len()];
    Ok(Flooded { attempts: made, refused, each, sessions, grown: resident()?.saturating_sub(before) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_no_session_behind() {
        let runtime = runtime(1).unwrap();
        for with_keys in [false, true] {
            let flooded = runtime.block_on(requests(1_000, with_keys)).unwrap();
            assert_eq!(flooded.sessions, [0, 0]);
        }
    }
}

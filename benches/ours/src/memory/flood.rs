//! Millions of requests that must leave nothing behind, and of new sessions beyond a bound.

use cloakroom::key::Secret;
use cloakroom::{Key, MemoryStore, PublicId};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::drive::runtime;
use super::ours::Ours;
use crate::Failure;
use crate::child::answer;
use crate::meter::{count, now, resident};
use crate::overhead::case::COOKIE_NAME;
use crate::visitor::{Visitor, id};

/// Sessions that the bounded store can hold.
const BOUND: usize = 100_000;
/// Seconds after which a flood of new sessions ends.
const LONGEST: f64 = 30.0;
/// Keeps the secrets of unknown keys apart from ids.
const UNKNOWN: usize = 1 << 40;

/// What a flood did to the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Flooded {
    pub(super) attempts: usize,
    pub(super) refused: usize,
    /// Nanoseconds of an attempt.
    pub(super) each: f64,
    /// Sessions in the store before and after.
    pub(super) sessions: [usize; 2],
    /// Growth of the resident memory in bytes, after a warm-up or once the bound is reached.
    pub(super) grown: usize,
}

pub(super) const NAMES: [&str; 3] =
    ["without a cookie", "with an unknown key", "of new sessions, bounded"];

/// Floods in this process.
pub(super) fn run(name: &str, attempts: usize) -> Result<(), Failure> {
    answer(&runtime(1)?.block_on(async {
        match name {
            name if name == NAMES[0] => requests(attempts, false).await,
            name if name == NAMES[1] => requests(attempts, true).await,
            _ => new_sessions(attempts).await,
        }
    })?)
}

/// Requests to a handler that reads the session.
async fn requests(attempts: usize, with_keys: bool) -> Result<Flooded, Failure> {
    let ours = Ours::new(MemoryStore::new())?;
    let serve = async |number: usize| {
        let mut request = HeaderMap::new();
        if with_keys {
            let key = Key::new(
                PublicId::from_bytes(id(number)),
                Secret::from_bytes(id(UNKNOWN + number)),
            );
            let cookie = format!("{COOKIE_NAME}={}", key.expose());
            request.insert(COOKIE, HeaderValue::from_str(&cookie)?);
        }
        let request_session = ours.sessions.request_session();
        let visits = request_session.session(&request).await?.value().visits;
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        if visits == 0 {
            Ok::<_, Failure>(())
        } else {
            Err("an unknown key opened a session".into())
        }
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

/// Requests that each begin a session, far more than the store can hold.
async fn new_sessions(attempts: usize) -> Result<Flooded, Failure> {
    let ours = Ours::new(MemoryStore::bounded(BOUND, usize::MAX))?;
    for number in 0..BOUND {
        drop(ours.sessions.generate(Visitor::new(number)).await?);
    }
    let (before, began, mut made, mut refused) = (resident()?, now(), 0, 0);
    while made < attempts && began.elapsed().as_secs_f64() < LONGEST {
        refused += usize::from(ours.sessions.generate(Visitor::new(made)).await.is_err());
        made += 1;
    }
    let each = began.elapsed().as_secs_f64() * 1e9 / count(made);
    let sessions = [BOUND, ours.store.len()];
    Ok(Flooded {
        attempts: made,
        refused,
        each,
        sessions,
        grown: resident()?.saturating_sub(before),
    })
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

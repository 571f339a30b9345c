//! Sweeps: `SCAN` over all keys, removing what has expired.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom::Timestamp;
use cloakroom::store::StoreError;
use redis::Value;

use crate::connection::Connection;
use crate::keys::Keys;
use crate::scan::{scan_keys, send_all};
use crate::script;
use crate::slots::Address;
use crate::topology::{Master, Topology};

/// How many keys one step checks.
const STEP: usize = 500;

/// The cursor where the last sweep of each server stopped.
pub(crate) type Cursors = Mutex<HashMap<Address, u64>>;

/// Removes at most `limit` sessions that are expired at `now`, and expired entries of the principal
/// index. Returns the number of sessions.
pub(crate) async fn sweep(
    topology: &Topology,
    keys: &Keys,
    now: Timestamp,
    limit: usize,
    cursors: &Cursors,
) -> Result<usize, StoreError> {
    let mut removed = 0;
    for Master { address, node, .. } in &topology.map().masters {
        if removed < limit {
            let start = lock(cursors).get(address).copied().unwrap_or_default();
            let (count, cursor) =
                sweep_server(&node.connection, keys, now, limit - removed, start).await?;
            lock(cursors).insert(address.clone(), cursor);
            removed += count;
        }
    }
    Ok(removed)
}

fn lock(cursors: &Cursors) -> MutexGuard<'_, HashMap<Address, u64>> {
    cursors.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sweeps one server from the cursor `start` until `limit` sessions are removed. At the end of the
/// keys it begins again at the first one, and then stops at the end.
async fn sweep_server(
    connection: &Arc<Connection>,
    keys: &Keys,
    now: Timestamp,
    limit: usize,
    start: u64,
) -> Result<(usize, u64), StoreError> {
    let (mut removed, mut cursor, mut from_first_key) = (0, start, start == 0);
    loop {
        let (next, found) = scan_keys(connection, cursor, &keys.pattern(), STEP).await?;
        let (sessions, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|key| keys.parse_session(key).is_some());
        sweep_indexes(connection, others.iter().filter(|key| keys.is_principal(key)), now).await?;
        let mut rest = &sessions[..];
        while !rest.is_empty() {
            if removed == limit {
                return Ok((removed, cursor));
            }
            let (some, others) = rest.split_at(rest.len().min(limit - removed));
            removed += sweep_sessions(connection, some, now).await?;
            rest = others;
        }
        cursor = next;
        if removed == limit || cursor == 0 && from_first_key {
            return Ok((removed, cursor));
        }
        from_first_key |= cursor == 0;
    }
}

/// Removes the expired ones of these sessions, and returns their number.
async fn sweep_sessions(
    connection: &Arc<Connection>,
    sessions: &[Vec<u8>],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let calls = sessions.iter().map(|key| {
        let mut call = script::SWEEP.call(true, &[key]);
        call.arg(now.as_millis());
        call
    });
    // Loaded again, since the server may have dropped its script cache.
    let answers = send_all(connection, iter::once(script::SWEEP.load()).chain(calls)).await?;
    Ok(answers.iter().filter(|answer| matches!(answer, Value::Int(1))).count())
}

/// Removes what has expired of these principals.
async fn sweep_indexes<'a>(
    connection: &Arc<Connection>,
    indexes: impl Iterator<Item = &'a Vec<u8>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let calls = indexes.map(|key| {
        let mut call = script::SWEEP_INDEX.call(true, &[key]);
        call.arg(now.as_millis());
        call
    });
    let load = script::SWEEP_INDEX.load();
    send_all(connection, iter::once(load).chain(calls)).await.map(drop)
}

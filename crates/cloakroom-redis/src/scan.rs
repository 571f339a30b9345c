//! Scans: `SCAN` over the sessions of one server after the other.

use std::sync::Arc;

use cloakroom::PublicId;
use cloakroom::record::Stored;
use cloakroom::store::{Cursor, Scanned, StoreError, StoreErrorKind};
use redis::{Cmd, Pipeline, ServerError, ServerErrorKind, Value};

use crate::connection::{Connection, SendError};
use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::topology::{Master, Topology};

const SCAN: &str = "scan the keys";

/// About `limit` sessions, and the cursor to continue from.
pub(crate) async fn scan(
    topology: &Topology,
    keys: &Keys,
    from: Option<Cursor>,
    limit: usize,
) -> Result<Scanned, StoreError> {
    let from = from.as_ref().map(Position::decode).transpose()?.unwrap_or_default();
    let map = topology.map();
    let fingerprint = map.fingerprint();
    // If slots have moved, some can be on a server that was scanned before: start again.
    let from = if from.map == fingerprint { from } else { Position::default() };
    let Some(Master { slot, node, .. }) =
        map.masters.iter().find(|master| master.slot >= from.slot)
    else {
        return Ok(Scanned::new(Vec::new(), None));
    };
    let connection = &node.connection;
    let (run, next, found) = loop {
        let run = connection.run().await.map_err(send_error)?;
        // The cursor of another server, or of an earlier process of this one, is not valid.
        let cursor = if (*slot, run) == (from.slot, from.run) { from.cursor } else { 0 };
        let (next, found) =
            scan_keys(connection, cursor, &keys.session_pattern(), limit.max(1)).await?;
        if connection.run().await.map_err(send_error)? == run {
            break (run, next, found);
        }
    };
    let ids: Vec<PublicId> = found.iter().filter_map(|key| keys.parse_session(key)).collect();
    let gets = ids.iter().map(|id| {
        let mut get = redis::cmd("GET");
        get.arg(keys.session(*id));
        get
    });
    let answers = send_all(connection, gets).await?;
    let mut scanned = Scanned::new(Vec::with_capacity(ids.len()), None);
    for (id, answer) in ids.into_iter().zip(answers) {
        match answer {
            Value::BulkString(bytes) => scanned.add(id, Stored::from_bytes(&bytes)),
            // Expired in the meantime, or its slot is being moved and its owner returns it.
            Value::Nil => {}
            Value::ServerError(error) if is_redirection(&error) => {}
            other => return Err(refusal(other)),
        }
    }
    scanned.next = if next == 0 {
        let next_master = map.masters.iter().find(|master| master.slot > *slot);
        next_master.map(|master| Position {
            map: fingerprint,
            slot: master.slot,
            ..Position::default()
        })
    } else {
        Some(Position { map: fingerprint, slot: *slot, run, cursor: next })
    }
    .map(Position::encode);
    Ok(scanned)
}

/// One `SCAN`: the next cursor, which is 0 at the end, and some keys.
pub(crate) async fn scan_keys(
    connection: &Arc<Connection>,
    cursor: u64,
    pattern: &str,
    count: usize,
) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
    let mut command = redis::cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
    let answer = send_all(connection, [command]).await?.pop().unwrap_or(Value::Nil);
    redis::from_redis_value(answer)
        .map_err(|_| RedisError::new(RedisErrorKind::Unexpected, SCAN).not_sent())
}

/// Sends the commands in one message. An answer is an error only if it is a redirection.
pub(crate) async fn send_all(
    connection: &Arc<Connection>,
    commands: impl IntoIterator<Item = Cmd>,
) -> Result<Vec<Value>, StoreError> {
    let mut message = Pipeline::new();
    let mut count = 0;
    for command in commands {
        message.add_command(command);
        count += 1;
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let answers =
        connection.send(connection.deadline(), &message, count).await.map_err(send_error)?;
    let is_refused =
        |answer: &&Value| matches!(answer, Value::ServerError(error) if !is_redirection(error));
    match answers.iter().find(is_refused) {
        Some(error) => Err(refusal(error.clone())),
        None => Ok(answers),
    }
}

fn is_redirection(error: &ServerError) -> bool {
    matches!(error.kind(), Some(ServerErrorKind::Moved | ServerErrorKind::Ask))
}

fn send_error(error: SendError) -> StoreError {
    match error {
        SendError::NotSent(error) => error.not_sent(),
        SendError::Unknown(error) => error.outcome_unknown(),
    }
}

fn refusal(answer: Value) -> StoreError {
    match answer {
        Value::ServerError(error) => RedisError::driver(SCAN, error.into()).not_sent(),
        _ => RedisError::new(RedisErrorKind::Unexpected, SCAN).not_sent(),
    }
}

/// Where a scan continues: on which server, and at which cursor of its `SCAN`.
#[derive(Clone, Copy, Default)]
struct Position {
    /// The fingerprint of the slot map.
    map: u32,
    /// The first slot of the server. Servers are scanned in this order.
    slot: u16,
    /// Identifies the server and its process.
    run: u32,
    cursor: u64,
}

impl Position {
    /// 18 bytes: a cursor of 16 bytes is that of a store that scans by id.
    fn encode(self) -> Cursor {
        let (map, slot) = (self.map.to_be_bytes(), self.slot.to_be_bytes());
        let (run, cursor) = (self.run.to_be_bytes(), self.cursor.to_be_bytes());
        Cursor::from_bytes([&map[..], &slot, &run, &cursor].concat())
    }

    fn decode(cursor: &Cursor) -> Result<Self, StoreError> {
        let foreign = || StoreError::not_sent(StoreErrorKind::Foreign);
        let bytes: [u8; 18] = cursor.as_bytes().try_into().map_err(|_| foreign())?;
        let (map, rest) = bytes.split_first_chunk().ok_or_else(foreign)?;
        let (slot, rest) = rest.split_first_chunk().ok_or_else(foreign)?;
        let (run, rest) = rest.split_first_chunk().ok_or_else(foreign)?;
        let cursor = rest.try_into().map_err(|_| foreign())?;
        Ok(Self {
            map: u32::from_be_bytes(*map),
            slot: u16::from_be_bytes(*slot),
            run: u32::from_be_bytes(*run),
            cursor: u64::from_be_bytes(cursor),
        })
    }
}

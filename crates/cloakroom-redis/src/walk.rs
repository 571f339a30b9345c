//! Going through all keys of the server, a few at a time.

use std::collections::HashMap;
use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom::record::Stored;
use cloakroom::store::{Cursor, Scanned, StoreError, StoreErrorKind};
use cloakroom::{PublicId, Timestamp};
use redis::{Cmd, Pipeline, ServerError, ServerErrorKind, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Broken, Link};
use crate::net::{Master, Net};
use crate::script;
use crate::slots::Address;

/// Keys that a sweep looks at in one step, between which other commands get their turn.
const STEP: usize = 500;

/// Some sessions, and where it goes on.
pub(crate) async fn scan(
    net: &Net,
    keys: &Keys,
    from: Option<Cursor>,
    limit: usize,
) -> Result<Scanned, StoreError> {
    let from = from.as_ref().map(Place::read).transpose()?.unwrap_or_default();
    let map = net.map();
    let sign = map.sign();
    // Slots that moved meanwhile may have gone to a server that was gone through already: all is shown again.
    let from = if from.map == sign { from } else { Place::default() };
    let Some(Master { slot, node, .. }) =
        map.masters.iter().find(|master| master.slot >= from.slot)
    else {
        return Ok(Scanned::new(Vec::new(), None));
    };
    let link = &node.link;
    let (server, goes_on, found) = loop {
        let server = link.identity().await.map_err(unsaid)?;
        // Another server, or the same started anew, has another order.
        let from = if (*slot, server) == (from.slot, from.server) { from.cursor } else { 0 };
        let (goes_on, found) = step(link, from, &keys.sessions(), limit.max(1)).await?;
        if link.identity().await.map_err(unsaid)? == server {
            break (server, goes_on, found);
        }
    };
    let ids: Vec<PublicId> = found.iter().filter_map(|key| keys.id_in(key)).collect();
    let gets = ids.iter().map(|id| {
        let mut get = redis::cmd("GET");
        get.arg(keys.session(*id));
        get
    });
    let answers = ask(link, gets).await?;
    let mut part = Scanned::new(Vec::with_capacity(ids.len()), None);
    for (id, answer) in ids.into_iter().zip(answers) {
        match answer {
            Value::BulkString(bytes) => part.add(id, Stored::from_bytes(&bytes)),
            // It went meanwhile, or its owner shows it: a slot may be on its way here.
            Value::Nil => {}
            Value::ServerError(error) if is_elsewhere(&error) => {}
            other => return Err(refusal(other)),
        }
    }
    part.next = if goes_on == 0 {
        map.masters.iter().find(|master| master.slot > *slot).map(|master| Place {
            slot: master.slot,
            map: sign,
            ..Place::default()
        })
    } else {
        Some(Place { map: sign, slot: *slot, server, cursor: goes_on })
    }
    .map(Place::write);
    Ok(part)
}

/// Where the last sweep stopped on each server, so that the next need not begin anew.
pub(crate) type Places = Mutex<HashMap<Address, u64>>;

/// Removes at most `limit` sessions that are garbage at `now`, and what is garbage in directories; how many sessions.
pub(crate) async fn sweep(
    net: &Net,
    keys: &Keys,
    now: Timestamp,
    limit: usize,
    places: &Places,
) -> Result<usize, StoreError> {
    let mut swept = 0;
    for Master { address, node, .. } in &net.map().masters {
        if swept < limit {
            let from = lock(places).get(address).copied().unwrap_or_default();
            let (removed, place) = sweep_one(&node.link, keys, now, limit - swept, from).await?;
            lock(places).insert(address.clone(), place);
            swept += removed;
        }
    }
    Ok(swept)
}

fn lock(places: &Places) -> MutexGuard<'_, HashMap<Address, u64>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same on one server, from that place on to where so many went, or to the end and then all from the beginning: how many,
/// and where the next goes on.
async fn sweep_one(
    link: &Link,
    keys: &Keys,
    now: Timestamp,
    limit: usize,
    from: u64,
) -> Result<(usize, u64), StoreError> {
    let (mut swept, mut place, mut is_whole) = (0, from, from == 0);
    loop {
        let (next, found) = step(link, place, &keys.all(), STEP).await?;
        let (sessions, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|key| keys.id_in(key).is_some());
        tidy(link, others.iter().filter(|key| keys.is_directory(key)), now).await?;
        let mut left = &sessions[..];
        while !left.is_empty() {
            if swept == limit {
                return Ok((swept, place));
            }
            let (some, rest) = left.split_at(left.len().min(limit - swept));
            swept += remove(link, some, now).await?;
            left = rest;
        }
        place = next;
        if swept == limit || place == 0 && is_whole {
            return Ok((swept, place));
        }
        is_whole |= place == 0;
    }
}

/// Removes those of the sessions that are garbage; how many.
async fn remove(link: &Link, sessions: &[Vec<u8>], now: Timestamp) -> Result<usize, StoreError> {
    let removals = sessions.iter().map(|key| {
        let mut command = script::SWEEP.call(true, &[key]);
        command.arg(now.as_millis());
        command
    });
    // The server may have forgotten its scripts.
    let answers = ask(link, iter::once(script::SWEEP.load()).chain(removals)).await?;
    Ok(answers.iter().filter(|answer| matches!(answer, Value::Int(1))).count())
}

/// Removes what is garbage in directories.
async fn tidy<'a>(
    link: &Link,
    directories: impl Iterator<Item = &'a Vec<u8>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let removals = directories.map(|key| {
        let mut command = redis::cmd("ZREMRANGEBYSCORE");
        command.arg(key).arg("-inf").arg(now.as_millis());
        command
    });
    ask(link, removals).await.map(drop)
}

/// Keys of this pattern from `place` on, and the next place; 0 at the beginning and at the end.
async fn step(
    link: &Link,
    place: u64,
    pattern: &str,
    count: usize,
) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
    let mut command = redis::cmd("SCAN");
    command.arg(place).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
    let answer = ask(link, [command]).await?.pop().unwrap_or(Value::Nil);
    redis::from_redis_value(answer)
        .map_err(|_| RedisError::new(RedisErrorKind::Unexpected, "go through the keys").not_sent())
}

async fn ask(
    link: &Link,
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
    let answers = link.say(&message, count).await.map_err(unsaid)?;
    let is_refused =
        |answer: &&Value| matches!(answer, Value::ServerError(error) if !is_elsewhere(error));
    match answers.iter().find(is_refused) {
        Some(error) => Err(refusal(error.clone())),
        None => Ok(answers),
    }
}

fn is_elsewhere(error: &ServerError) -> bool {
    matches!(error.kind(), Some(ServerErrorKind::Moved | ServerErrorKind::Ask))
}

fn unsaid(broken: Broken) -> StoreError {
    match broken {
        Broken::NotSent(error) => error.not_sent(),
        Broken::Unknown(error) => error.outcome_unknown(),
    }
}

fn refusal(answer: Value) -> StoreError {
    match answer {
        Value::ServerError(error) => {
            RedisError::driver("go through the keys", error.into()).not_sent()
        }
        _ => RedisError::new(RedisErrorKind::Unexpected, "go through the keys").not_sent(),
    }
}

/// Where a scan goes on: at which server, and where there.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Who had what then.
    map: u32,
    /// The first slot that the server has: servers are gone through in this order.
    slot: u16,
    /// Which server that was, roughly, and which time it ran.
    server: u32,
    cursor: u64,
}

impl Place {
    /// Never sixteen bytes, which would be a place by id.
    fn write(self) -> Cursor {
        let (map, slot) = (self.map.to_be_bytes(), self.slot.to_be_bytes());
        let (server, cursor) = (self.server.to_be_bytes(), self.cursor.to_be_bytes());
        Cursor::from_bytes([&map[..], &slot, &server, &cursor].concat())
    }

    fn read(cursor: &Cursor) -> Result<Self, StoreError> {
        let foreign = || StoreError::not_sent(StoreErrorKind::Foreign);
        let bytes: [u8; 18] = cursor.as_bytes().try_into().map_err(|_| foreign())?;
        let (map, rest) = bytes.split_first_chunk().ok_or_else(foreign)?;
        let (slot, rest) = rest.split_first_chunk().ok_or_else(foreign)?;
        let (server, rest) = rest.split_first_chunk().ok_or_else(foreign)?;
        let cursor = rest.try_into().map_err(|_| foreign())?;
        Ok(Self {
            map: u32::from_be_bytes(*map),
            slot: u16::from_be_bytes(*slot),
            server: u32::from_be_bytes(*server),
            cursor: u64::from_be_bytes(cursor),
        })
    }
}

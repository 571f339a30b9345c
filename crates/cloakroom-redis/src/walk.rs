//! Going through all keys of the server, a few at a time.

use std::iter;

use cloakroom::{Cursor, Scanned, SessionId, StoreError, StoreErrorKind, Stored, Timestamp};
use redis::{Cmd, Pipeline, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Broken, Link};
use crate::script;

/// Keys that a sweep looks at in one step, between which other commands get their turn.
const STEP: usize = 500;

/// Some sessions, and where it goes on.
pub(crate) async fn scan(
    link: &Link,
    keys: &Keys,
    from: Option<Cursor>,
    limit: usize,
) -> Result<Scanned, StoreError> {
    let place = match from {
        None => 0,
        Some(cursor) => place_of(&cursor)?,
    };
    let (next, found) = step(link, place, &keys.sessions(), limit.max(1)).await?;
    let ids: Vec<SessionId> = found.iter().filter_map(|key| keys.id_in(key)).collect();
    let gets = ids.iter().map(|id| {
        let mut get = redis::cmd("GET");
        get.arg(keys.session(*id));
        get
    });
    let answers = ask(link, gets).await?;
    let mut entries = Vec::with_capacity(ids.len());
    for (id, answer) in ids.into_iter().zip(answers) {
        match answer {
            Value::BulkString(bytes) => entries.push((id, Stored::from_bytes(&bytes)?)),
            // It went meanwhile.
            Value::Nil => {}
            other => return Err(refusal(other)),
        }
    }
    Ok(Scanned::new(entries, (next != 0).then(|| cursor_of(next))))
}

/// Removes at most `limit` sessions that are garbage at `now`, and what is garbage in directories; how many sessions.
pub(crate) async fn sweep(
    link: &Link,
    keys: &Keys,
    now: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let (mut swept, mut place) = (0, 0);
    loop {
        let (next, found) = step(link, place, &keys.all(), STEP).await?;
        let (sessions, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|key| keys.id_in(key).is_some());
        tidy(link, others.iter().filter(|key| keys.is_directory(key)), now).await?;
        let mut left = &sessions[..];
        while !left.is_empty() && swept < limit {
            let (some, rest) = left.split_at(left.len().min(limit - swept));
            swept += remove(link, some, now).await?;
            left = rest;
        }
        place = next;
        if place == 0 || swept >= limit {
            return Ok(swept);
        }
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

async fn ask(link: &Link, commands: impl IntoIterator<Item = Cmd>) -> Result<Vec<Value>, StoreError> {
    let mut message = Pipeline::new();
    let mut count = 0;
    for command in commands {
        message.add_command(command);
        count += 1;
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let answers = link.say(&message, count).await.map_err(|broken| match broken {
        Broken::NotSent(error) => error.not_sent(),
        Broken::Unknown(error) => error.outcome_unknown(),
    })?;
    match answers.iter().find(|answer| matches!(answer, Value::ServerError(_))) {
        Some(error) => Err(refusal(error.clone())),
        None => Ok(answers),
    }
}

fn refusal(answer: Value) -> StoreError {
    match answer {
        Value::ServerError(error) => RedisError::driver("go through the keys", error.into()).not_sent(),
        _ => RedisError::new(RedisErrorKind::Unexpected, "go through the keys").not_sent(),
    }
}

/// Never sixteen bytes, which would be a place by id.
fn cursor_of(place: u64) -> Cursor {
    Cursor::from_bytes(place.to_be_bytes())
}

fn place_of(cursor: &Cursor) -> Result<u64, StoreError> {
    let bytes = cursor.as_bytes().try_into();
    bytes.map(u64::from_be_bytes).map_err(|_| StoreError::not_sent(StoreErrorKind::Foreign))
}

//! The tasks that talk to a server: whatever waits is one message.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use cloakroom::store::StoreError;
use cloakroom::stores::batch::{Batch, Driver, Reply};
use redis::{Pipeline, ServerError, ServerErrorKind, Value};

use crate::error::{RedisError, RedisErrorKind};
use crate::keys::Keys;
use crate::link::{Broken, Link, Way};
use crate::net::Net;
use crate::op::Op;
use crate::slots::Address;

/// Operations, and bytes of them, in one message.
const MOST: usize = 256;
const MOST_BYTES: usize = 4 << 20;
/// How often an operation follows its session from server to server.
const MOVES: usize = 4;

/// How operations are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Scripts by their names.
    ByName,
    /// Scripts by their texts.
    ByText,
    /// Likewise, of a server that is about to have the session.
    Asking,
}

/// An operation that did not happen, and where it may.
enum Again {
    /// Where it was tried: the server forgot its scripts.
    Here,
    At(Address, How),
}

/// Talks until nobody is left to ask.
pub(crate) async fn run(driver: Driver<Op, Reply>, link: Arc<Link>, keys: Keys, net: Weak<Net>) {
    while let Some(mut batch) = driver.next(MOST, MOST_BYTES).await {
        let all: Vec<usize> = (0..batch.len()).collect();
        let mut left = talk(&link, &keys, &mut batch, &all, How::ByName, &net).await;
        for _ in 0..MOVES {
            if left.is_empty() {
                break;
            }
            left = follow(left, &link, &keys, &mut batch, &net).await;
        }
        for (index, _) in left {
            let error =
                RedisError::new(RedisErrorKind::NotReady, "find the server of this session");
            batch.answer(index, Err(error.not_sent()));
        }
    }
}

/// Asks for operations where their sessions are said to be.
async fn follow(
    left: Vec<(usize, Again)>,
    link: &Link,
    keys: &Keys,
    batch: &mut Batch<Op, Reply>,
    net: &Weak<Net>,
) -> Vec<(usize, Again)> {
    let (mut here, mut elsewhere) = (Vec::new(), HashMap::<_, Vec<usize>>::new());
    for (index, again) in left {
        match again {
            Again::Here => here.push(index),
            Again::At(address, how) => {
                elsewhere.entry((address, how == How::Asking)).or_default().push(index);
            }
        }
    }
    let mut left = Vec::new();
    if !here.is_empty() {
        left.extend(talk(link, keys, batch, &here, How::ByText, net).await);
    }
    for ((address, is_asking), indices) in elsewhere {
        let how = if is_asking { How::Asking } else { How::ByText };
        let there = net.upgrade().and_then(|net| net.link_to(&address));
        match there {
            Some(link) => left.extend(talk(&link, keys, batch, &indices, how, net).await),
            None => left
                .extend(indices.into_iter().map(|index| (index, Again::At(address.clone(), how)))),
        }
    }
    left
}

/// Asks for the operations of these indices, and answers them; which of them are to be asked again.
async fn talk(
    link: &Link,
    keys: &Keys,
    batch: &mut Batch<Op, Reply>,
    indices: &[usize],
    how: How,
    net: &Weak<Net>,
) -> Vec<(usize, Again)> {
    let replicas =
        link.settings().copies.filter(|_| indices.iter().any(|index| !batch.op(*index).is_read()));
    let mut message = Pipeline::with_capacity(2 * indices.len() + 1);
    for index in indices {
        if how == How::Asking {
            message.cmd("ASKING");
        }
        let op = batch.op(*index);
        message.add_command(op.command(&keys.session(batch.id(*index)), how == How::ByName));
    }
    let each = if how == How::Asking { 2 } else { 1 };
    let mut count = indices.len() * each;
    if let (Some((wanted, span)), Some(first)) = (replicas, indices.first()) {
        // Replicas are waited for by what this connection wrote last; what was found done already, it did not write.
        if how == How::Asking {
            message.cmd("ASKING");
        }
        let session = keys.session(batch.id(*first));
        let mark = Keys::mark_beside(batch.op(*first).key(&session));
        message.cmd("SET").arg(mark).arg(1).arg("PX").arg(1);
        count += each + 1;
        message
            .cmd("WAIT")
            .arg(wanted)
            .arg(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1));
    }
    let mut answers = match link.say(&message, count).await {
        Ok(answers) => answers,
        Err(broken) => {
            for index in indices {
                let is_read = batch.op(*index).is_read();
                batch.answer(*index, Err(failure(&broken, is_read)));
            }
            explore(net);
            return Vec::new();
        }
    };
    let is_copied = replicas.is_none_or(|(wanted, _)| {
        let (waited, marked) = (answers.pop(), answers.pop());
        let enough = matches!(waited, Some(Value::Int(reached)) if reached >= i64::from(wanted));
        enough && marked == Some(Value::Okay)
    });
    if !is_copied && matches!(link.way(), Way::Asking(_)) {
        // It may have been succeeded by one that has replicas.
        leave(net);
    }
    let is_down = |answer: &Value| matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ClusterDown));
    if answers.iter().any(is_down) {
        explore(net);
    }
    let answers = answers.into_iter().take(indices.len() * each).skip(each - 1).step_by(each);
    let settled = indices.iter().zip(answers).filter_map(|(index, answer)| {
        Some((*index, settle(batch, link, *index, answer, how, is_copied)?))
    });
    let left: Vec<_> = settled.collect();
    if left.iter().any(|(_, again)| matches!(again, Again::At(_, How::ByText))) {
        explore(net);
    }
    left
}

/// Answers an operation, or says where it is to be asked again.
fn settle(
    batch: &mut Batch<Op, Reply>,
    link: &Link,
    index: usize,
    answer: Value,
    how: How,
    is_copied: bool,
) -> Option<Again> {
    let op = batch.op(index);
    let reply = match answer {
        Value::ServerError(error) => {
            let again = again(&error, how, link);
            if again.is_some() {
                return again;
            }
            let error = RedisError::driver("do it", error.into());
            let is_known = op.is_read() || error.is_refusal();
            Err(if is_known { error.not_sent() } else { error.outcome_unknown() })
        }
        _ if !is_copied && !op.is_read() => {
            Err(RedisError::new(RedisErrorKind::NotCopied, "wait for replicas").outcome_unknown())
        }
        answer => op.read(answer),
    };
    batch.answer(index, reply);
    None
}

/// Where an operation that was refused may succeed.
fn again(error: &ServerError, how: How, link: &Link) -> Option<Again> {
    match error.kind()? {
        ServerErrorKind::NoScript if how == How::ByName => Some(Again::Here),
        kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask) => {
            let error = redis::RedisError::from(error.clone());
            let mut address = Address::read(error.redirect_node()?.0)?;
            if address.host.is_empty() {
                // Where it was asked, at another port.
                address.host = link.way().host()?;
            }
            let how = if kind == ServerErrorKind::Ask { How::Asking } else { How::ByText };
            Some(Again::At(address, how))
        }
        _ => None,
    }
}

/// Whoever is the master now is to be found anew.
fn leave(net: &Weak<Net>) {
    if let Some(net) = net.upgrade() {
        net.leave_soon();
    }
}

/// Sessions may have moved.
fn explore(net: &Weak<Net>) {
    if let Some(net) = net.upgrade() {
        net.explore_soon();
    }
}

/// A read that failed changed nothing; a write is known not to have happened only if nothing was said.
fn failure(broken: &Broken, is_read: bool) -> StoreError {
    match broken {
        Broken::NotSent(error) => error.not_sent(),
        Broken::Unknown(error) if is_read => error.not_sent(),
        Broken::Unknown(error) => error.outcome_unknown(),
    }
}

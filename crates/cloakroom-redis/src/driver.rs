//! The tasks that talk to the server: whatever waits is one message.

use std::sync::Arc;

use cloakroom::StoreError;
use cloakroom::batch::{Batch, Driver, Reply};
use redis::{Pipeline, ServerErrorKind, Value};

use crate::error::RedisError;
use crate::keys::Keys;
use crate::link::{Broken, Link};
use crate::op::Op;

/// Operations, and bytes of them, in one message.
const MOST: usize = 256;
const MOST_BYTES: usize = 4 << 20;

/// Talks until nobody is left to ask.
pub(crate) async fn run(driver: Driver<Op, Reply>, link: Arc<Link>, keys: Keys) {
    while let Some(mut batch) = driver.next(MOST, MOST_BYTES).await {
        let all: Vec<usize> = (0..batch.len()).collect();
        let unknown = talk(&link, &keys, &mut batch, &all, true).await;
        if !unknown.is_empty() {
            // The server forgot its scripts: those operations did not happen.
            let _ = talk(&link, &keys, &mut batch, &unknown, false).await;
        }
    }
}

/// Asks for the operations of these indices; which of them the server did not know the script of.
async fn talk(
    link: &Link,
    keys: &Keys,
    batch: &mut Batch<Op, Reply>,
    indices: &[usize],
    by_name: bool,
) -> Vec<usize> {
    let mut message = Pipeline::with_capacity(indices.len());
    for index in indices {
        message.add_command(batch.op(*index).command(&keys.session(batch.id(*index)), by_name));
    }
    let answers = match link.say(&message, indices.len()).await {
        Ok(answers) => answers,
        Err(broken) => {
            for index in indices {
                let is_read = batch.op(*index).is_read();
                batch.answer(*index, Err(failure(&broken, is_read)));
            }
            return Vec::new();
        }
    };
    let mut unknown = Vec::new();
    for (index, answer) in indices.iter().zip(answers) {
        match answer {
            Value::ServerError(error) if by_name && error.kind() == Some(ServerErrorKind::NoScript) => {
                unknown.push(*index);
            }
            Value::ServerError(error) => {
                let error = RedisError::driver("do it", error.into());
                let is_known = batch.op(*index).is_read() || error.is_refusal();
                batch.answer(*index, Err(if is_known { error.not_sent() } else { error.outcome_unknown() }));
            }
            answer => {
                let reply = batch.op(*index).read(answer);
                batch.answer(*index, reply);
            }
        }
    }
    unknown
}

/// A read that failed changed nothing; a write is known not to have happened only if nothing was said.
fn failure(broken: &Broken, is_read: bool) -> StoreError {
    match broken {
        Broken::NotSent(error) => error.not_sent(),
        Broken::Unknown(error) if is_read => error.not_sent(),
        Broken::Unknown(error) => error.outcome_unknown(),
    }
}

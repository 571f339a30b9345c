//! Many sessions, half of which expire hours before the rest.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::time::{Clock as _, SystemClock};
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, Principal, PublicId, Store, Timestamp, protocol};
use cloakroom_migrate::import_entry;
use futures_util::stream::{self, TryStreamExt as _};

use crate::Failure;
use crate::visitor;

/// Sessions of each principal.
const EACH: usize = 10;
/// Writes in flight.
const AT_ONCE: usize = 256;

pub(super) fn id(number: usize) -> PublicId {
    PublicId::from_bytes(visitor::id(number))
}

pub(super) fn principal(number: usize) -> Result<Principal, Failure> {
    Ok(Principal::new(format!("user-{}", number / EACH))?)
}

/// When every other session has expired, and no other.
pub(super) fn half_time() -> Timestamp {
    SystemClock.now().after(Duration::from_hours(4))
}

pub(super) async fn fill(store: &Arc<dyn Store>, sessions: usize) -> Result<(), Failure> {
    let now = SystemClock.now();
    stream::iter((0..sessions).map(Ok))
        .try_for_each_concurrent(AT_ONCE, |number| async move {
            let record = record(number, sessions, now)?;
            import_entry(&**store, id(number), Stored::Live(record)).await?;
            Ok::<(), Failure>(())
        })
        .await
}

fn record(number: usize, sessions: usize, now: Timestamp) -> Result<Record, Failure> {
    let key = Key::new(id(number), Secret::from_bytes((number as u128).to_le_bytes()));
    let lifetime =
        Lifetime::absolute(Duration::from_hours(12)).with_idle_timeout(Duration::from_hours(8));
    let who = (number < sessions / 2).then(|| principal(number)).transpose()?;
    // A hundred bytes of JSON after the two that name its format.
    let value = format!(r#"{{"number":{number:0>10},"text":"{}"}}"#, "x".repeat(70));
    let payload = Payload::from_bytes([&[1, 0], value.as_bytes()].concat());
    let kind = KindTag::DEFAULT;
    let (verifier, revision) = (key.verifier(kind), Revision::new(1, number as u64));
    let record = protocol::begin(kind, verifier, lifetime, who, payload, revision, now);
    let idle = Duration::from_hours(if number.is_multiple_of(2) { 2 } else { 8 });
    Ok(record.with_idle_deadline(now.after(idle)))
}

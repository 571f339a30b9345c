//! Many sessions, of which half are over some hours earlier than the rest.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{
    Clock, Key, KindTag, Lifetime, Payload, Principal, Record, Revision, Secret, SessionId, Store,
    SystemClock, Timestamp, bring, protocol,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::Failure;

/// Sessions of each principal.
const EACH: u64 = 10;
/// Entries on their way at once.
const AT_ONCE: usize = 256;

/// Ids that are scattered as drawn ones are.
pub(crate) fn id(number: u64) -> SessionId {
    let scattered = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    SessionId::from_bytes(scattered.to_be_bytes())
}

pub(crate) fn principal(number: u64) -> Result<Principal, Failure> {
    Ok(Principal::new(format!("user-{}", number / EACH))?)
}

/// Of the first half of all, who signed in is in on ten.
pub(crate) const fn is_signed_in(number: u64, sessions: u64) -> bool {
    number < sessions / 2
}

/// When every other session is over, and no other.
pub(crate) fn half_time() -> Timestamp {
    SystemClock.now().after(Duration::from_hours(4))
}

pub(crate) async fn fill(store: &Arc<dyn Store>, sessions: u64) -> Result<(), Failure> {
    let now = SystemClock.now();
    stream::iter(0..sessions)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |number| async move {
            import_entry(&**store, id(number), cloakroom::Stored::Live(record(number, sessions, now)?)).await?;
            Ok::<(), Failure>(())
        })
        .await
}

fn record(number: u64, sessions: u64, now: Timestamp) -> Result<Record, Failure> {
    let key = Key::new(id(number), Secret::from_bytes(u128::from(number).to_le_bytes()));
    let lifetime = Lifetime::absolute(Duration::from_hours(12)).with_idle(Duration::from_hours(8));
    let who = is_signed_in(number, sessions).then(|| principal(number)).transpose()?;
    // A hundred bytes of JSON behind the two that tell its format.
    let value = format!(r#"{{"number":{number:0>10},"text":"{}"}}"#, "x".repeat(70));
    let payload = Payload::from_bytes([&[1, 0], value.as_bytes()].concat());
    let record =
        protocol::begin(key.verifier(KindTag::of("")), lifetime, who, payload, Revision::new(1, number), now);
    let over = Duration::from_hours(if number.is_multiple_of(2) { 2 } else { 8 });
    Ok(record.with_idle_deadline(now.after(over)))
}

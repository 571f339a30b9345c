//! Values that survive their codec.

use cloakroom::{MemoryStore, SessionValue};

use crate::world::{World, block_on};

/// Panics unless each sample comes back equal after it has left the process and returned.
///
/// Serde attributes that write one thing and read another (a skipped field, a flattened map, an untagged enum) lose
/// sessions only in production, where the store is remote; this finds them in a unit test.
///
/// ```
/// # use cloakroom::SessionMap;
/// cloakroom_testkit::assert_round_trips([SessionMap::default()]);
/// ```
///
/// # Panics
/// If a sample can't be written, can't be read, or comes back different. The message tells its position and not its content.
pub fn assert_round_trips<V: SessionValue>(samples: impl IntoIterator<Item = V>) {
    let world: World<V> = World::new(MemoryStore::new().encoded());
    for (index, sample) in samples.into_iter().enumerate() {
        block_on(async {
            let session = world.sessions.generate(sample.clone()).await;
            let session = session.unwrap_or_else(|_| panic!("sample {index} can't be written"));
            let key = session.key().expect("a session just begun has a key");
            let read = world.sessions.of_key(key).await;
            let read = read.unwrap_or_else(|_| panic!("sample {index} can't be read"));
            assert!(*read.value() == sample, "sample {index} comes back different");
        });
    }
}

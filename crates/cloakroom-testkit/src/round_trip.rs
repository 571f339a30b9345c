//! A check that values survive their codec.

use cloakroom::{MemoryStore, SessionValue};

use crate::{TestSessions, block_on};

/// Panics unless each sample is equal to itself after encoding and decoding.
///
/// Serde attributes that write one thing and read another (a skipped field, a flattened map, an
/// untagged enum) lose data only where the store is remote, which usually means in production. This
/// finds them in a unit test.
///
/// ```
/// # use cloakroom::SessionMap;
/// cloakroom_testkit::assert_round_trips([SessionMap::default()]);
/// ```
///
/// # Panics
/// If a sample cannot be written, cannot be read, or comes back different. The message names the
/// sample by its position and does not show its content.
pub fn assert_round_trips<V: SessionValue>(samples: impl IntoIterator<Item = V>) {
    let test: TestSessions<V> = TestSessions::new(MemoryStore::new().with_encoded_values());
    for (index, sample) in samples.into_iter().enumerate() {
        block_on(async {
            let session = test.sessions.generate(sample.clone()).await;
            let session = session.unwrap_or_else(|_| panic!("sample {index} cannot be written"));
            let key = session.key().expect("a new session has a key");
            let read = test.sessions.of_key(key).await;
            let read = read.unwrap_or_else(|_| panic!("sample {index} cannot be read"));
            assert!(*read.value() == sample, "sample {index} comes back different");
        });
    }
}

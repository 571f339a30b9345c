//! `MemoryStore`.

use std::collections::HashMap;
use std::sync::Arc;

use cloakroom::http::ClientPolicy;
use cloakroom::policy::ClientInfo;
use cloakroom::{MemoryStore, Principal, SessionMap, SessionValue};
use cloakroom_testkit::{TestSessions, block_on};
use http::{HeaderMap, HeaderValue};

use crate::fill::{MANY, Taken, fill, report};
use crate::meter::{alone, memory_of};
use crate::values::{Visit, each};

const BOUND: usize = 4 << 20;
/// Of lists.
const LENGTH: usize = 4_000;

struct Fill {
    bound: usize,
    encodes: bool,
    taken: Vec<Taken>,
}

impl Visit for Fill {
    fn visit<V: SessionValue>(&mut self, name: &str, make: impl Fn(usize) -> V) {
        let store = MemoryStore::bounded(MANY, self.bound);
        let store = Arc::new(if self.encodes { store.with_encoded_values() } else { store });
        let test = TestSessions::<V>::new(Arc::clone(&store));
        fill(
            async |number| {
                let session = test.sessions.generate(make(number)).await;
                drop(session.unwrap_or_else(|error| panic!("{name} {number}: {error:?}")));
            },
            || store.len(),
        );
        drop(test);
        let (name, sessions) = (name.to_owned(), store.len());
        self.taken.push(Taken { name, sessions, bytes: memory_of(store) });
    }
}

#[test]
fn typed_values_take_no_more_than_the_bound() {
    let _alone = alone();
    let mut fill = Fill { bound: BOUND, encodes: false, taken: Vec::new() };
    each(LENGTH, &mut fill);
    report("MemoryStore", BOUND, &fill.taken);
}

#[test]
fn encoded_values_take_no_more_than_the_bound() {
    let _alone = alone();
    let mut fill = Fill { bound: BOUND / 4, encodes: true, taken: Vec::new() };
    each(LENGTH / 8, &mut fill);
    report("MemoryStore of bytes", fill.bound, &fill.taken);
}

/// What remains of ended sessions is counted as well.
#[test]
fn clients_and_principals_with_long_names_take_no_more_than_the_bound() {
    let _alone = alone();
    let agent = HeaderValue::try_from("x".repeat(ClientInfo::MAX_USER_AGENT)).unwrap();
    let request = HeaderMap::from_iter([(http::header::USER_AGENT, agent)]);
    let mut taken = Vec::new();
    for (name, signs_in, ends) in [
        ("user agents", false, false),
        ("users", true, false),
        ("users who signed out", true, true),
    ] {
        let store = Arc::new(MemoryStore::bounded(MANY, BOUND));
        let test = TestSessions::<SessionMap>::with(Arc::clone(&store), |builder| {
            builder.clients(ClientPolicy::user_agents())
        });
        for number in 0..MANY {
            let added = block_on(async {
                let mut session = test.sessions.request_session().session(&request).await?;
                if signs_in {
                    session.login(&Principal::new(format!("{number:0>255}")).unwrap()).await?;
                } else {
                    session.start().await?;
                }
                session.set_label(&"x".repeat(ClientInfo::MAX_LABEL)).await?;
                if ends { session.logout().await } else { Ok(()) }
            });
            if added.is_err() {
                break;
            }
        }
        drop(test);
        let sessions = store.len();
        taken.push(Taken { name: name.to_owned(), sessions, bytes: memory_of(store) });
    }
    report("MemoryStore", BOUND, &taken);
}

/// A list or a table that was emptied can keep the memory that it had.
#[test]
fn a_value_that_shrinks_takes_no_more_than_it_counts() {
    type Table = HashMap<u64, u64>;

    let _alone = alone();
    let store = Arc::new(MemoryStore::bounded(MANY, usize::MAX));
    let test = TestSessions::<(Vec<u64>, Table)>::new(Arc::clone(&store));
    // Enough of them that what an empty store takes does not count.
    for _ in 0..3_400 {
        block_on(async {
            let full = ((0..300).collect(), (0..300).map(|key| (key, key)).collect());
            let mut session = test.sessions.generate(full).await.unwrap();
            session
                .update(|(list, table)| {
                    list.clear();
                    table.clear();
                })
                .await
                .unwrap();
            session.update(|(list, _)| list.push(1)).await.unwrap();
        });
    }
    drop(test);
    let bound = store.bytes();
    let bytes = memory_of(store);
    assert!(bytes <= bound * 3 / 2, "{bytes} bytes, counted as {bound}");
}

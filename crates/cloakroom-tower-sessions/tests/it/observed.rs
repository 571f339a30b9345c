//! What observers are told through the bridge.

use std::sync::{Arc, Mutex};

use cloakroom::Store;
use cloakroom::observe::{Event, Observer};
use cloakroom_tower_sessions::TowerSessionStore;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

async fn observers_are_told_of_ends_and_wrong_keys_but_not_of_secrets(store: impl Store) {
    let caught_up_to = Heard::default();
    let sessions =
        TowerSessionStore::with(store, |builder| builder.observer(caught_up_to.clone())).unwrap();
    // Without another clock, a bridge uses the system clock.
    let expiry_date = OffsetDateTime::now_utc() + time::Duration::HOUR;
    let mut record = Record { id: Id::default(), data: [].into(), expiry_date };
    sessions.create(&mut record).await.unwrap();
    let guess = Id::default();
    assert_eq!(sessions.load(&guess).await.unwrap(), None);
    sessions.delete(&record.id).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);

    let caught_up_to = caught_up_to.0.lock().unwrap().join("\n");
    assert!(caught_up_to.contains("Ended"), "{caught_up_to}");
    for id in [guess, record.id] {
        assert!(
            !caught_up_to.contains(&id.to_string()) && !caught_up_to.contains(&id.0.to_string()),
            "{caught_up_to}"
        );
    }
}

on_every_store! {
    observers_are_told_of_ends_and_wrong_keys_but_not_of_secrets
}

//! What observers are told over the bridge.

use std::sync::{Arc, Mutex};

use cloakroom::{Event, Observer, Store};
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

async fn observers_hear_of_an_end_and_of_guesses_and_of_no_secret(store: impl Store) {
    let heard = Heard::default();
    let sessions = TowerSessionStore::with(store, |builder| builder.observer(heard.clone())).unwrap();
    // Without a clock of its own, a bridge goes by the machine's.
    let expiry_date = OffsetDateTime::now_utc() + time::Duration::HOUR;
    let mut record = Record { id: Id::default(), data: [].into(), expiry_date };
    sessions.create(&mut record).await.unwrap();
    let guess = Id::default();
    assert_eq!(sessions.load(&guess).await.unwrap(), None);
    sessions.delete(&record.id).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);

    let heard = heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("Ended"), "{heard}");
    for id in [guess, record.id] {
        assert!(!heard.contains(&id.to_string()) && !heard.contains(&id.0.to_string()), "{heard}");
    }
}

on_every_store! {
    observers_hear_of_an_end_and_of_guesses_and_of_no_secret
}

//! What observers are told over the bridge.

use std::sync::{Arc, Mutex};

use actix_session::storage::SessionStore;
use cloakroom::{Event, Observer, Store};
use cloakroom_actix_session::ActixSessionStore;

use crate::bridge::{HOUR, copy, state};

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

async fn observers_hear_of_beginning_and_end_and_of_no_secret(store: impl Store) {
    let heard = Heard::default();
    // Without a clock of its own, a bridge goes by the machine's.
    let sessions = ActixSessionStore::with(store, |builder| builder.observer(heard.clone())).unwrap();
    let key = sessions.save(state("hat"), &HOUR).await.unwrap();
    sessions.update(copy(&key), state("coat"), &HOUR).await.unwrap();
    sessions.delete(&key).await.unwrap();
    assert_eq!(sessions.load(&key).await.unwrap(), None);

    let heard = heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("Created") && heard.contains("Ended"), "{heard}");
    assert!(!heard.contains(&key.as_ref()[22..]) && !heard.contains("coat"), "{heard}");
}

on_every_store! {
    observers_hear_of_beginning_and_end_and_of_no_secret
}

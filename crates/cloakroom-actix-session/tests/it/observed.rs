//! What observers are told through the bridge.

use std::sync::{Arc, Mutex};

use actix_session::storage::SessionStore;
use cloakroom::Store;
use cloakroom::observe::{Event, Observer};
use cloakroom_actix_session::ActixSessionStore;

use crate::bridge::{HOUR, copy, state};

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

async fn observers_are_told_of_creation_and_end_but_not_of_secrets(store: impl Store) {
    let caught_up_to = Heard::default();
    // Without another clock, a bridge uses the system clock.
    let sessions =
        ActixSessionStore::with(store, |builder| builder.observer(caught_up_to.clone())).unwrap();
    let key = sessions.save(state("hat"), &HOUR).await.unwrap();
    sessions.update(copy(&key), state("hat"), &HOUR).await.unwrap();
    sessions.delete(&key).await.unwrap();
    assert_eq!(sessions.load(&key).await.unwrap(), None);

    let caught_up_to = caught_up_to.0.lock().unwrap().join("\n");
    assert!(caught_up_to.contains("Created") && caught_up_to.contains("Ended"), "{caught_up_to}");
    assert!(
        !caught_up_to.contains(&key.as_ref()[22..]) && !caught_up_to.contains("hat"),
        "{caught_up_to}"
    );
}

on_every_store! {
    observers_are_told_of_creation_and_end_but_not_of_secrets
}
